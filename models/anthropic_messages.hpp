// A history as the messages of Anthropic's wire, for encode_body() of anthropic.hpp. Pure functions, any thread.
#pragma once

#include "models/anthropic_models.hpp"
#include "models/provider.hpp"

#include <string>
#include <vector>

namespace varro::anthropic {

// The messages; system prompts of the history are appended to `system` instead. `mode` is how the request will think.
json encode_messages(const model_query& query, thinking_mode mode, std::vector<std::string>& system);

} // namespace varro::anthropic
