#include "http/chat_pages.hpp"

#include "base/day.hpp"

namespace varro {

std::optional<chat_place> parse_place(std::string_view text) {
  auto dash = text.find('-');
  if (dash == text.npos)
    return std::nullopt;
  auto time = parse_number(text.substr(0, dash)), id = parse_number(text.substr(dash + 1));
  if (!time || !id)
    return std::nullopt;
  return chat_place{*time, *id};
}

caf::expected<chat_page_of_list> list_chats(const application& app, int64_t user, chat_place before) {
  // One more than is shown says whether there are more.
  auto chats = app.ask<std::vector<chat_record>>(app.services.reader, list_atom_v, user, before.updated_at, before.id,
                                                 chats_page_max + 1);
  if (!chats)
    return chats.error();
  chat_page_of_list page{std::move(*chats), {}};
  if (page.chats.size() > static_cast<size_t>(chats_page_max)) {
    page.chats.resize(chats_page_max);
    const auto& last = page.chats.back();
    page.older = std::to_string(last.updated_at) + "-" + std::to_string(last.id);
  }
  return page;
}

std::string files_deleted_text(unix_us at) {
  return "deleted on " + date_text(at / day_us) + ", because nobody had used the chat for long";
}

} // namespace varro
