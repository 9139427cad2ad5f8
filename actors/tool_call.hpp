// One execution of the tool `python`: gets the chat's shell, runs the cell, reports to the run, ends.
#pragma once

#include "actors/tools.hpp"

namespace varro {

struct tool_call_state {
  static inline const char* name = "tool_call";
  tool_job job;
  python_shell_actor shell; // once it is known
  bool cancelled = false;
  bool reported = false;
};

tool_call_actor::behavior_type tool_call(tool_call_actor::stateful_pointer<tool_call_state> self, tool_job job);

tool_call_actor spawn_python_call(caf::actor_system& system, tool_job job);

// The tool return that a cell becomes.
tool_return_part make_tool_return(const tool_call_part& call, const cell_result& result);

} // namespace varro
