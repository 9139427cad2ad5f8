// The side of chat_session that keeps snapshots of its shell's variables, and which cell's return each belongs to.
// Only chat_session's handlers call these.
#pragma once

#include "actors/chat_parts.hpp"

namespace varro {

// Has the namespace written to the chat's file of snapshots, beside the cells, and remembers where.
void take_snapshot(chat_session_pointer self);

// Calls this once no snapshot is under way, or when the deadline has come.
void settle(chat_session_pointer self, std::function<void()> then);
void settle_now(chat_session_pointer self);

} // namespace varro
