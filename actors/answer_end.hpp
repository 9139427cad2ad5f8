// How a model's answer ended, and what that means for the turn. Pure functions, any thread.
#pragma once

#include "config/config.hpp"
#include "models/message.hpp"

#include <string>

namespace varro {

// Why a response without tool calls is no good end of a turn; empty when it is.
std::string unfinished_reason(const model_response& response, const model_config& model);

// Whose limit of output tokens an answer has reached, as a sentence behind another.
std::string output_limit_words(const model_config& model);

// The model meant to call a tool, but what it wrote was none: Google answers with its finish reason alone.
bool is_garbled_call(const model_response& response);

// The vendor made a pause in the middle of its answer: the same is asked again, with what there is of it.
bool is_paused(const model_response& response);

// Whether a history without open calls that ends with this message is what a model is asked with next.
bool is_asked_next(const message& last);

// What the vendor refused is not run, not even a call that was whole.
void drop_calls(model_response& response);

} // namespace varro
