// Makes a history fit a model: which pictures and documents go as they are, which are made smaller, which leave.
//
// Used in rounds, because some answers need a look into a file, which this process does not do itself:
//   picture_fit fit{history, limits};
//   while (!(needs = fit.needs()).empty())
//     for (auto i : needs) fit.give(i, look at fit.job(i));
//   history = fit.fitted();
// The outcome is a function of history, limits and looks. For a history that goes on, what has left does not come back,
// and a file that goes is sent the same again (file_window.hpp). Not thread-safe; any thread.
#pragma once

#include "pictures/file_window.hpp"
#include "pictures/history_files.hpp"
#include "pictures/picture_header.hpp"
#include "pictures/picture_job.hpp"

namespace varro {

class picture_fit {
public:
  // REQUIRES: history is not null.
  picture_fit(message_list history, const picture_limits& limits);

  // The files that have to be looked at next; none when fitted() can be asked.
  std::vector<size_t> needs();
  picture_job job(size_t file) const;
  void give(size_t file, picture_result_ptr result);

  // The same pointer when nothing changes. REQUIRES: needs() was empty.
  message_list fitted();

  size_t files() const noexcept {
    return files_.size();
  }
  size_t first_kept() const noexcept { // files before it have left, but for the text of documents
    return first_;
  }

private:
  struct file_state {
    bool is_document = false;
    bool is_picture = false;
    picture_target target;
    file_charge charge;
    std::string refusal; // why it does not go, as a note; empty: it may
    picture_result_ptr result;
    size_t drawn = 0; // pages of a document that go as pictures
  };

  void look(size_t file, const picture_limits& limits);
  void look_at_picture(size_t file, std::string_view head, size_t wire_bytes);
  void charge_document(size_t file);
  void charge_text(size_t file);
  void settle_documents();
  file_replacement document_replacement(size_t file) const;
  file_replacement replacement_of(size_t file) const;

  message_list history_;
  picture_limits limits_;
  std::vector<history_file> files_;
  std::vector<file_state> states_;
  enum class round { documents, pictures, done } round_ = round::documents;
  size_t first_ = 0;
  size_t first_text_ = 0; // of documents that are sent as text, those before it have left too
};

} // namespace varro
