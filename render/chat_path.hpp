// Where a chat's pages and files are served. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>

namespace varro {

// Who looks at a chat. An admin who reads somebody else's (auth.admins_read_chats) gets nothing that would change it,
// and its files by addresses of their own.
enum class chat_audience { owner, admin };

// "/chat/17", "/admin/chat/17"
std::string chat_path(int64_t chat_id, chat_audience audience = chat_audience::owner);

} // namespace varro
