// The tools that a model may call.
//
// `python` is built in. Others (tools over MCP, later) are further entries of the same list. Values, shared as const.
#pragma once

#include "actors/interfaces.hpp"
#include "config/config.hpp"
#include "models/provider.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// Who wants a tool executed, and where the outcome goes.
struct tool_job {
  tool_call_part call;
  json arguments; // valid: an object with every required field
  chat_session_actor session;
  agent_run_actor run;
  bool begun = false; // a former server's shell runs it already: only its result is wanted
};

struct tool_spec {
  tool_definition definition;
  bool in_order = false;    // calls of one response run one after the other, in the order of the response
  bool needs_shell = false; // the chat's, which starts while the response is committed
  std::function<tool_call_actor(caf::actor_system&, tool_job)> spawn;
};

using tool_list = std::shared_ptr<const std::vector<tool_spec>>;

inline constexpr std::string_view python_tool_name = "python";
tool_spec python_tool();
tool_list built_in_tools();
const tool_spec* find_tool(const tool_list& tools, const std::string& name);

// The system prompt when the configuration has none.
const std::string& default_instructions();

// The arguments as an object with every required field of the right type, or the validation errors for a retry prompt
// ([{type, loc, msg, input}], the form of pydantic's).
struct checked_arguments {
  json arguments;
  json errors = nullptr;
};
checked_arguments check_arguments(const tool_definition& tool, const json& args);

} // namespace varro
