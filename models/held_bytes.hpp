// What a message holds in memory, for bounds.
#pragma once

#include "models/message.hpp"

#include <cstddef>

namespace varro {

// Bytes of its texts, files and JSON, with the size of the structures around them. What the allocator adds is not in
// it: it is a little too low for a message of very many small values. Walks the message and copies nothing. Any thread
// may call.
size_t held_bytes(const message& content);

} // namespace varro
