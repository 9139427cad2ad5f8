// The pictures and documents in a history that go to a model as such, and a history in which some of them are others.
//
// Files stand in prompts of the user and, at any depth, in the content of tool returns; there their bytes are base64.
// What the vendors' encoders send as text anyway (other types) is not looked at. Pure functions, any thread.
#pragma once

#include "models/message.hpp"
#include "pictures/picture_job.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// Points into the history that it was found in.
struct history_file {
  size_t message = 0;          // index
  std::string_view data;       // the bytes, or base64 of them; empty for a URL
  bool is_base64 = false;      // either alphabet
  bool is_url = false;         // the vendor fetches it
  std::string_view media_type; // as it was declared
};

// In order: the oldest first. Media types image/… and application/pdf.
std::vector<history_file> files_of(const message_history& history);

// What stands for a file in the request.
struct file_replacement {
  enum class kind {
    same,
    note,    // text
    retyped, // the same bytes under their true media type
    file,
    pages, // the text of a document, and its first pages as pictures
  };
  kind what = kind::same;
  std::string note;            // what the model reads instead
  std::string_view data;       // base64, the URL-safe alphabet
  std::string_view media_type; // of the file
  std::span<const drawn_page> drawn;
};

// The history with each file replaced: `replacement(i)` for the i-th of `files`, which is files_of(history). A new file
// keeps the identifier of the old one. A message none of whose files changes is shared; others are copied without the
// bytes that are left out.
message_history with_files(const message_history& history, const std::vector<history_file>& files,
                           const std::function<const file_replacement&(size_t)>& replacement);

} // namespace varro
