// The list of a user's chats, in pieces, and what a search found in them. Pure functions, any thread.
#pragma once

#include "render/markup.hpp"
#include "storage/found_chat.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// The list, with a link to the chats from `older` on where there are any (empty: there are none).
html::markup chat_list(const std::vector<chat_record>& chats, int64_t current_chat_id, std::string_view older = {});

// Of a chat that has just begun and is shown, for the top of a list that a page has (hx-swap-oob).
html::markup new_entry(const chat_record& chat);

// The entries alone, which take the place of that link.
html::markup older_chats(const std::vector<chat_record>& chats, int64_t current_chat_id, std::string_view older);

// The list of what was found, each with the text around it.
html::markup found_list(const found_chats& found, int64_t current_chat_id);

} // namespace varro
