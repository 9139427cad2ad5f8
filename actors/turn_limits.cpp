// The limits of one turn.
#include "actors/agent_run.hpp"

namespace varro {

std::string turn_limit_reached(const agent_run_state& state) {
  const auto& limits = state.setup.limits;
  if (state.end.model_requests >= limits.model_requests_max)
    return "This turn reached its limit of " + std::to_string(limits.model_requests_max)
      + " model requests (agent.model_requests_max). Send another message to go on.";
  auto tokens = state.end.usage.input_tokens + state.end.usage.output_tokens;
  if (tokens >= limits.tokens_max)
    return "This turn reached its limit of " + std::to_string(limits.tokens_max)
      + " tokens (agent.tokens_max): " + std::to_string(tokens) + " were used. Send another message to go on.";
  if (state.cuts_in_a_row > cut_calls_max)
    return "The model's tool call was cut off by its limit of output tokens twice in a row."
      + output_limit_words(state.setup.model);
  if (state.retries_in_a_row > limits.retries_max)
    return "The model made " + std::to_string(state.retries_in_a_row)
      + " unusable tool calls in a row, one more than the limit (agent.retries_max).";
  return {};
}

} // namespace varro
