// The list of a user's chats, a page at a time. Any worker.
#pragma once

#include "http/application.hpp"
#include "storage/chat_place.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace varro {

// Chats of one page of the list.
inline constexpr int chats_page_max = 200;

struct chat_page_of_list {
  std::vector<chat_record> chats;
  std::string older; // the place after them as text; empty: there are none
};

// A place in addresses, "TIME-ID"; nullopt for what is none.
std::optional<chat_place> parse_place(std::string_view text);

// The user's chats after `before`, newest first.
caf::expected<chat_page_of_list> list_chats(const application& app, int64_t user, chat_place before);

// "deleted on 2026-01-31, because nobody had used the chat for long".
std::string files_deleted_text(unix_us at);

} // namespace varro
