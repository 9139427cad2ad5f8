// A user's message as a prompt: what they typed, and the files that go to the model with it.
//
// A message without such files is its text. One with them is a list: the text, unless it is empty; a note that names
// all files that were uploaded with it; then for each picture or document a label with its path and its bytes. Note and
// label are text for the model; their metadata tell them apart from what was typed. Pure functions, any thread.
#pragma once

#include "models/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// "Uploaded files: a.csv, b.png", with the names in its metadata.
text_content uploads_note(const std::vector<std::string>& names);

// What stands before the bytes of an uploaded file, such as "/workspace/b.png:".
text_content upload_label(const std::string& name);

// The file's name when this is such a label.
std::optional<std::string> labelled_upload(const user_content& item);

user_prompt_part make_user_prompt(std::string text, std::vector<user_content> files, timestamp_text timestamp);

// What was typed; of a list that is not ours, its first text.
std::string typed_text(const user_prompt_part& prompt);

// What begins such a prompt: the typed text, or the note of its files.
std::string first_text(const std::string& text, const std::vector<user_content>& files);

// Everything else of a list, in order.
std::vector<user_content> attached_items(const user_prompt_part& prompt);

} // namespace varro
