// One chat's shell: started or restored when a cell needs it, handed out to tool_call, ended when its chat says so.
//
// A shell that is not live is started when a cell first needs it, or taken over from a former server. After each cell
// the namespace is written to the chat's file of snapshots; a fresh shell gets it back from there ("Restoring
// session…"), and the next cell's reader is told what is back. The recorded cells are run again only when the user
// asked for it: what they show is dropped, what they define is back. Before the first cell of a run the chat's files
// are kept. It commits nothing: its chat_session, whose history says what there is to restore, does. Spawned by that
// session, linked to it, and ends with it.
#pragma once

#include "actors/services.hpp"
#include "actors/shell_stage.hpp"
#include "base/run_traces.hpp"

#include <vector>

namespace varro {

using shell_promise = caf::typed_response_promise<python_shell_actor, std::string>;

struct chat_shell_state {
  static inline const char* name = "chat_shell";

  session_services services;
  shell_owner_actor owner;
  int64_t chat = 0;
  int64_t run = 0; // whose cells may come; 0: none

  shell_stage stage;
  std::vector<shell_promise> waiters;
  std::string place;        // among the starts that wait for room, in words; empty: it does not wait
  bool given_up = false;    // the start that waits for room, because its run was stopped
  std::string note;         // for the next cell's reader
  bool rerun_cells = false; // the user asked for it, instead of the snapshot

  trace_clock::time_point started_at; // the start or the restoring that is under way
  int snapshots_kept = 0;             // that the owner commits now
  std::vector<caf::typed_response_promise<done_atom>> when_snapshots_drained;

  bool keeping_files = false; // before the run's first cell
  int64_t files_kept_for = 0; // run
};

chat_shell_actor::behavior_type chat_shell(chat_shell_actor::stateful_pointer<chat_shell_state> self,
                                           session_services services, shell_owner_actor owner, int64_t chat);

// The shell that a chat wants. A Python that is no longer configured is replaced by the default one, and the note says
// so; else it is empty.
wanted_shell shell_for(const chat_record& chat, const config& settings, std::string& note);

} // namespace varro
