// One turn's loop: ask the model, run its tool calls, ask again, until it makes none or a limit is reached.
//
// Every step is handed to chat_session, which commits it, before the next one begins: a tool never runs for a call that
// a crash could take back.
#pragma once

#include "actors/allowances.hpp"
#include "actors/answer_end.hpp"
#include "actors/interfaces.hpp"
#include "actors/live_runs.hpp"
#include "actors/tools.hpp"
#include "base/run_traces.hpp"
#include "config/config.hpp"
#include "models/history.hpp"

#include <deque>
#include <map>
#include <set>

namespace varro {

// What a run that is taken up again has used already.
struct run_spending {
  token_usage usage;
  int64_t model_requests = 0;
};

// What a run that is taken up again has to do first: the calls that its history leaves open, and which of them a shell
// has begun.
struct unfinished_work {
  std::vector<open_call> calls;
  std::set<std::string> begun; // by tool_call_id
};

struct run_setup {
  int64_t run_id = 0;
  std::string conversation_id;
  model_config model;
  agent_config limits;
  tool_list tools;
  // What stands before the history in each request: the chat's own, which may be of an earlier release.
  std::string instructions;
  std::vector<tool_definition> tool_texts;
  message_history history; // ends with the user's message, or where a crash cut the run off
  unfinished_work unfinished;
  run_spending spent;
  run_owner_actor session;
  shell_source_actor shells;
  model_client_actor models;
  live_runs::pass live = nullptr;   // who looks after the server sees the run as long as it is on
  int64_t user_id = 0;              // whose limits hold
  int64_t chat_id = 0;              // that the limit of the disk is looked at from
  allowances_actor allowances = {}; // null: nothing is limited, as in tests
};

// Answers of a turn in a row whose tool call the limit of output tokens may cut off.
inline constexpr int cut_calls_max = 1;

// Answers in a row that were a call which even the vendor could not read, and after which the model is asked again.
inline constexpr int garbled_calls_max = 2;

struct running_call {
  tool_call_part call;
  tool_call_actor actor;
  open_span traced = {};
};

struct agent_run_state {
  static inline const char* name = "agent_run";

  run_setup setup;
  message_list history;              // shared with requests under way
  run_end end;                       // grows with the run
  std::vector<usage_row> held_usage; // of the newest request: written with what becomes of its answer
  bool begun = false;
  bool cancelled = false;
  bool asking = false;  // a model request is under way
  open_span asked;      // it
  bool looking = false; // at what the user may use
  bool ended = false;
  int retries_in_a_row = 0;
  int cuts_in_a_row = 0;
  int garbled_in_a_row = 0;
  bool answer_cut = false;                     // the current response ended at its limit of output tokens
  bool cut = false;                            // so that a call of it could not be read
  bool retried = false;                        // in the current round of calls
  bool succeeded = false;                      // likewise
  std::string reached;                         // a limit, so that the run ends with the current response's calls
  size_t open = 0;                             // calls of the current response without a committed outcome
  std::deque<tool_job> waiting;                // in-order calls that have not started
  std::map<std::string, running_call> running; // by tool_call_id
};

// Which limit of a turn (agent_config) is reached, in sentences for the user; empty: none.
std::string turn_limit_reached(const agent_run_state& state);

// A call is running that the next one in order waits for.
bool in_order_running(const agent_run_state& state);

agent_run_actor::behavior_type agent_run(agent_run_actor::stateful_pointer<agent_run_state> self, run_setup setup);

} // namespace varro
