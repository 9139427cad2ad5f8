// One chat: its history in memory, its run, and what its viewers are told; its shell is with its chat_shell.
//
// Commit before publish: a row enters the history and the streams only when store has answered. Everything that a
// session tells goes to http_gateway in the order in which it was committed, so that a replay followed by what comes
// after is gapless. It is told as values (chat_event.hpp): how it looks is nothing that a session knows.
#pragma once

#include "actors/current_turn.hpp"
#include "actors/ledger.hpp"
#include "actors/services.hpp"
#include "actors/transcript.hpp"

#include <set>

namespace varro {

struct chat_session_state {
  static inline const char* name = "chat_session";

  session_services services;
  transcript history;
  bool stored = false; // the chat's row is in the database

  current_turn turn;
  bool halted_while_waiting = false; // the run that was halted had not begun
  ledger commits;                    // of rows and runs
  std::vector<usage_row> owed_usage; // of commits that failed: the next one takes it along

  chat_shell_actor shell;
  std::string notice; // what the page shall tell, of files that are not what the branch had, and the like

  std::set<uint64_t> viewers;
  bool stopping = false;
  // When the newest turn was asked for, until its first node is told: for /metrics.
  std::optional<std::chrono::steady_clock::time_point> asked_at;

  // For the trace of the run that begins next (chat_traces.cpp).
  turn_origin origin;
  trace_clock::time_point committing_since; // its message
  trace_clock::time_point committed_at;     // it
  trace_clock::time_point queued_since;
};

chat_session_actor::behavior_type chat_session(chat_session_actor::stateful_pointer<chat_session_state> self,
                                               session_services services, chat_contents contents, bool stored);

// --- the parts that need no actor, for tests -------------------------------------------------------------------------

// The first 30 characters (code points) of a message, white space folded, without the lines that fence code.
std::string title_of(const std::string& text);

} // namespace varro
