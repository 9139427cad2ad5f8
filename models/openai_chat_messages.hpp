// A history as the `messages` of a chat completions request.
#pragma once

#include "models/openai_chat_quirks.hpp"
#include "models/provider.hpp"

namespace varro::openai_chat {

// REQUIRES: query.history is not null. Pure function, any thread.
json encode_messages(const model_query& query, const quirks& row);

} // namespace varro::openai_chat
