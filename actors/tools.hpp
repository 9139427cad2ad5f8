// The tools that a model may call.
//
// `python` is built in. Others (tools over MCP, later) are further entries of the same list, from a source that knows
// whose chat it is. Values, shared as const.
#pragma once

#include "actors/interfaces.hpp"
#include "config/config.hpp"
#include "models/provider.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// Who wants a tool executed, and where the outcome goes.
struct tool_job {
  tool_call_part call;
  json arguments; // that its schema allows
  shell_source_actor shells;
  agent_run_actor run;
  bool begun = false;      // a former server's shell runs it already: only its result is wanted
  uint64_t trace_span = 0; // of which its waiting and its cell are parts (base/trace.hpp); 0: nobody wants to know
  int64_t run_id = 0;      // whose trace that is
};

struct tool_spec {
  tool_definition definition;
  bool in_order = false;    // calls of one response run one after the other, in the order of the response
  bool needs_shell = false; // the chat's, which starts while the response is committed
  std::function<tool_call_actor(caf::actor_system&, tool_job)> spawn;
};

using tool_list = std::shared_ptr<const std::vector<tool_spec>>;

// Where a run's tools come from: asked when it starts, and by whoever tells what a run would begin with now. Any
// thread.
using tool_source = std::function<tool_list(const chat_record& chat)>;

tool_spec python_tool();
// The same for each chat.
tool_source built_in_tools();
const tool_spec* find_tool(const tool_list& tools, const std::string& name);

// The system prompt when the configuration has none.
const std::string& default_instructions();

// The arguments as an object that the tool's schema allows, without those that it does not know of, or the validation
// errors for a retry prompt (models/argument_schema.hpp).
struct checked_arguments {
  json arguments;
  json errors = nullptr;
};
checked_arguments check_arguments(const tool_definition& tool, const json& args);

} // namespace varro
