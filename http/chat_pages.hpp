// What is done with the chats of a user as a whole: listed, a page at a time, searched, renamed, deleted. Any worker.
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
caf::expected<chat_page_of_list> list_chats(const application& app, int64_t user, chat_place before,
                                            int limit = chats_page_max);

// The chats that contain a text. 429 where another search of the visitor's takes this one's place.
or_refused<search_found> find_chats(application& app, const visitor& who, std::string_view text);

// Gives a chat of the visitor's another title; nullopt: it has it.
std::optional<refused_request> give_title(application& app, const visitor& who, int64_t chat, std::string_view title);

// Deletes a chat of the visitor's with everything in it.
caf::error remove_chat(application& app, const received_request& request, const visitor& who, int64_t chat);

// "deleted on 2026-01-31, because nobody had used the chat for long".
std::string files_deleted_text(unix_us at);

} // namespace varro
