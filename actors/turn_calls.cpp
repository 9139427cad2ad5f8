#include "actors/turn_calls.hpp"

#include "actors/agent_run.hpp"
#include "models/identifiers.hpp"

#include <algorithm>

namespace varro {

std::string known_tools(const tool_list& tools) {
  std::string names;
  for (const auto& tool : *tools)
    names += (names.empty() ? "'" : ", '") + tool.definition.name + "'";
  return names;
}

bool need_shell(const std::vector<tool_call_part>& calls, const tool_list& tools) {
  return std::any_of(calls.begin(), calls.end(), [&](const tool_call_part& call) {
    const auto* tool = find_tool(tools, call.tool_name);
    return tool != nullptr && tool->needs_shell;
  });
}

bool in_order_running(const agent_run_state& state) {
  return std::any_of(state.running.begin(), state.running.end(), [&](const auto& entry) {
    return find_tool(state.setup.tools, entry.second.call.tool_name)->in_order;
  });
}

// Two calls with one id cannot be told apart by anyone: later ones of a response get an id of their own.
std::vector<tool_call_part> take_calls(model_response& response, const message_history& history) {
  std::vector<std::string> seen;
  for (const message& m : history)
    if (const auto* earlier = std::get_if<model_response>(&m))
      for (const auto& part : earlier->parts)
        if (const auto* call = std::get_if<tool_call_part>(&part))
          seen.push_back(call->tool_call_id);
  std::vector<tool_call_part> calls;
  for (auto& part : response.parts)
    if (auto* call = std::get_if<tool_call_part>(&part)) {
      if (call->tool_call_id.empty() || std::find(seen.begin(), seen.end(), call->tool_call_id) != seen.end())
        call->tool_call_id = make_tool_call_id();
      seen.push_back(call->tool_call_id);
      calls.push_back(*call);
    }
  return calls;
}

std::vector<tool_call_part> parts_of(const std::vector<open_call>& calls, const message_history& history) {
  std::vector<tool_call_part> parts;
  for (const message& m : history)
    if (const auto* response = std::get_if<model_response>(&m))
      for (const auto& part : response->parts)
        if (const auto* call = std::get_if<tool_call_part>(&part))
          if (std::any_of(calls.begin(), calls.end(),
                          [&](const open_call& open) { return open.tool_call_id == call->tool_call_id; }))
            parts.push_back(*call);
  return parts;
}

} // namespace varro
