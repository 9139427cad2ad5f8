#include "models/user_prompt.hpp"

#include <utility>

namespace varro {

namespace {

constexpr auto names_key = "uploads"; // of a note
constexpr auto name_key = "upload";   // of a label

bool is_nothing(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

bool begins_with_text(const std::vector<user_content>& items) {
  return !items.empty() && std::holds_alternative<std::string>(items.front());
}

} // namespace

text_content uploads_note(const std::vector<std::string>& names) {
  text_content note{"Uploaded files: ", {{names_key, names}}};
  for (const auto& name : names)
    note.content += (&name == &names.front() ? "" : ", ") + name;
  return note;
}

text_content upload_label(const std::string& name) {
  return {"/workspace/" + name + ":", {{name_key, name}}};
}

std::optional<std::string> labelled_upload(const user_content& item) {
  const auto* label = std::get_if<text_content>(&item);
  if (label == nullptr || !label->metadata.is_object())
    return std::nullopt;
  auto name = label->metadata.find(name_key);
  if (name == label->metadata.end() || !name->is_string())
    return std::nullopt;
  return name->get<std::string>();
}

user_prompt_part make_user_prompt(std::string text, std::vector<user_content> files, timestamp_text timestamp) {
  if (files.empty())
    return {std::move(text), std::move(timestamp)};
  std::vector<user_content> items;
  if (!is_nothing(text))
    items.emplace_back(std::move(text));
  for (auto& file : files)
    items.push_back(std::move(file));
  return {std::move(items), std::move(timestamp)};
}

std::string typed_text(const user_prompt_part& prompt) {
  if (const auto* text = std::get_if<std::string>(&prompt.content))
    return *text;
  const auto& items = std::get<std::vector<user_content>>(prompt.content);
  return begins_with_text(items) ? std::get<std::string>(items.front()) : std::string{};
}

std::string first_text(const std::string& text, const std::vector<user_content>& files) {
  if (is_nothing(text))
    for (const auto& item : files)
      if (const auto* note = std::get_if<text_content>(&item))
        return note->content;
  return text;
}

std::vector<user_content> attached_items(const user_prompt_part& prompt) {
  const auto* items = std::get_if<std::vector<user_content>>(&prompt.content);
  if (items == nullptr)
    return {};
  return {items->begin() + (begins_with_text(*items) ? 1 : 0), items->end()};
}

} // namespace varro
