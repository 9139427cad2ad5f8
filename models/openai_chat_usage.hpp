// What a chat completions server counted, in the names of our own.
#pragma once

#include "models/message.hpp"

namespace varro::openai_chat {

// From a `usage` object; all zero when it is none. Pure function, any thread.
token_usage read_usage(const json& usage);

} // namespace varro::openai_chat
