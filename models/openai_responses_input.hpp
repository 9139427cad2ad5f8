// A history as the `input` of a Responses request.
#pragma once

#include "models/openai_models.hpp"
#include "models/provider.hpp"

namespace varro::openai_responses {

// What an input depends on besides its history.
struct input_rules {
  const openai_traits& traits;
  bool stored;    // the vendor keeps its answers: it finds an item by its id
  bool documents; // {"type": "input_file"} is accepted
};

// REQUIRES: query.history is not null. Pure function, any thread.
json encode_input(const model_query& query, const input_rules& rules);

} // namespace varro::openai_responses
