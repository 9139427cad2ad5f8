// What models answer and cells produce in an actor_world.
#include "models/timestamp.hpp"
#include "tests/support/actor_world.hpp"

namespace varro::test {

model_response text_answer(std::string text) {
  model_response response;
  response.parts.push_back(text_part{std::move(text), {}, {}, nullptr});
  response.finish_reason = "stop";
  response.timestamp = timestamp_now();
  response.usage.input_tokens = 10;
  response.usage.output_tokens = 5;
  return response;
}

model_response call_answer(std::vector<std::pair<std::string, json>> calls) {
  auto response = text_answer("");
  response.parts.clear();
  response.finish_reason = "tool_call";
  int count = 0;
  for (auto& [tool, args] : calls) {
    tool_call_part part;
    part.tool_name = tool;
    part.args = std::move(args);
    part.tool_call_id = "call-" + std::to_string(++count);
    response.parts.push_back(std::move(part));
  }
  return response;
}

cell_result printed(std::string text) {
  cell_result result;
  result.outputs.emplace_back(stream_output{"stdout", std::move(text)});
  return result;
}

} // namespace varro::test
