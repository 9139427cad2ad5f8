// A place in a user's list of chats: the chat that stands there.
#pragma once

#include <cstdint>

namespace varro {

// By when it changed last, then by its id. All 0: before the newest one.
struct chat_place {
  int64_t updated_at = 0; // Unix time in microseconds
  int64_t id = 0;
};

} // namespace varro
