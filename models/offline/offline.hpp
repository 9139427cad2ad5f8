// The built-in model: no network, no key, deterministic. It runs Python that the message contains through the same
// agent loop, explains what it did, and otherwise tells how to connect a real model.
#pragma once

#include "models/provider.hpp"

namespace varro {

// Pure function of the query. Any thread may call.
model_response offline_answer(const model_query& query);

// The prompts that the offline model offers and the new-chat page shows; each of them works offline.
struct example_prompt {
  std::string title;
  std::string text;
};
const std::vector<example_prompt>& offline_examples();

} // namespace varro
