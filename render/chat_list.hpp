// The list of a user's chats, in pieces, and what a search found in them. Pure functions, any thread; all text is
// escaped.
#pragma once

#include "storage/found_chat.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// The list, with a link to the chats from `older` on where there are any (empty: there are none).
std::string chat_list(const std::vector<chat_record>& chats, int64_t current_chat_id, std::string_view older = {});
std::string chat_list_with(const std::vector<chat_record>& chats, int64_t current_chat_id, std::string_view older,
                           std::string_view attributes);

// The entries alone, which take the place of that link.
std::string older_chats(const std::vector<chat_record>& chats, int64_t current_chat_id, std::string_view older);

// The list of what was found, each with the text around it.
std::string found_list(const found_chats& found, int64_t current_chat_id);

} // namespace varro
