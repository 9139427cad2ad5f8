// One execution of the tool `python`: gets the chat's shell, runs the cell, reports to the run, ends.
//
// A shell may end while the cell is on its way to it: put to sleep, closed, died. When it is certain that the cell was
// not begun, it runs in a fresh shell, and its reader is told.
#pragma once

#include "actors/tools.hpp"

#include <chrono>

namespace varro {

// A cell whose shell ends before it begins goes to another one; not more often than this.
inline constexpr int ended_shells_max = 3;

struct tool_call_state {
  static inline const char* name = "tool_call";
  tool_job job;
  python_shell_actor shell; // once it is known
  int shells_ended = 0;     // before they began the cell
  bool asked = false;       // the shell owes an answer
  bool cancelled = false;
  bool reported = false;
  std::chrono::steady_clock::time_point asked_at; // when the chat was asked for its shell
  std::chrono::steady_clock::time_point begun_at; // when the shell was asked for it
};

tool_call_actor::behavior_type tool_call(tool_call_actor::stateful_pointer<tool_call_state> self, tool_job job);

tool_call_actor spawn_python_call(caf::actor_system& system, tool_job job);

// What becomes of a call that no tool ran: the model is to make it anew, because of this content; it has a result
// nevertheless; or the user stopped the run before.
tool_outcome retry_outcome(const tool_call_part& call, json content);
tool_outcome unrun_outcome(const tool_call_part& call, cell_status status, std::string reason);
tool_outcome stopped_outcome(const tool_call_part& call);

} // namespace varro
