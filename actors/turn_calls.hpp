// The tool calls of a turn, as agent_run looks at them. Pure functions, any thread.
#pragma once

#include "actors/tools.hpp"
#include "models/history.hpp"

#include <string>
#include <vector>

namespace varro {

// "'python', 'look_up'", for a model that called another one.
std::string known_tools(const tool_list& tools);

// Whether one of these calls is of a tool that needs the chat's shell.
bool need_shell(const std::vector<tool_call_part>& calls, const tool_list& tools);

// The calls of a response. Those whose id the history or an earlier call has get one of their own, in the response too.
std::vector<tool_call_part> take_calls(model_response& response, const message_history& history);

// These calls, as the history has them.
std::vector<tool_call_part> parts_of(const std::vector<open_call>& calls, const message_history& history);

} // namespace varro
