// One chat: its history in memory, its run, its shell, and the events that its viewers see.
//
// Commit before publish: a row enters the history and the streams only when store has answered. All of a session's
// events go to http_gateway in the order in which they were committed, so that a replay followed by what comes after is
// gapless.
#pragma once

#include "actors/services.hpp"
#include "actors/transcript.hpp"

#include <functional>
#include <map>
#include <set>

namespace varro {

enum class shell_stage { none, starting, restoring, live };

using shell_promise = caf::typed_response_promise<python_shell_actor, std::string>;

struct chat_session_state {
  static inline const char* name = "chat_session";

  session_services services;
  transcript history;
  bool stored = false; // the chat's row is in the database

  // The run, if one is on.
  agent_run_actor run;
  std::optional<run_record> current;
  bool starting = false;              // a turn is being committed, or a branch changed
  int commits = 0;                    // of rows and runs, under way
  std::function<void()> when_at_rest; // a stop waits until nothing is being committed
  bool ending = false;                // the end of the run is being committed, or waits for what is
  std::optional<run_record> ended;    // the end that waits
  std::string progress;
  block_renderer live{0}; // has seen the rows of the newest turn

  // The shell.
  shell_stage stage = shell_stage::none;
  python_shell_actor shell;
  std::string shell_note;  // for the next cell's reader
  std::string python_note; // why a shell that starts is of another Python than the chat's, for the same reader
  std::vector<shell_promise> shell_waiters;
  std::vector<recorded_cell> cells_to_restore;
  size_t cells_restored = 0;
  size_t cells_failed = 0;                         // that had not failed when they ran first
  bool rerun_cells = false;                        // the user asked for it, instead of the snapshot
  bool snapshotting = false;                       // a snapshot of the shell is under way
  bool snapshot_due = false;                       // and a cell has ended since it was asked for
  int snapshots_kept = 0;                          // whose commits are under way
  std::vector<std::function<void()>> when_settled; // called once no snapshot is under way any more
  int64_t snapshot_base = -1; // footer of the newest one that this shell wrote or was restored from

  // The files.
  bool keeping_files = false;                                     // before the run's first cell
  int64_t files_kept_for = 0;                                     // run
  std::map<caf::actor_addr, std::function<void()>> ending_shells; // what follows when the process is gone
  std::string notice;                                             // how they differ from what the branch had

  std::set<uint64_t> viewers;
  bool stopping = false;
};

chat_session_actor::behavior_type chat_session(chat_session_actor::stateful_pointer<chat_session_state> self,
                                               session_services services, chat_contents contents, bool stored);

// --- the parts that need no actor, for tests -------------------------------------------------------------------------

// The first 30 characters (code points) of a message, white space folded.
std::string title_of(const std::string& text);

// `unstored` says why no block tells how the run ended, if that is so.
stream_event done_event(const run_record& run, const std::string& unstored = {});

// The shell that a chat wants. A Python that is no longer configured is replaced by the default one, and the note says
// so; else it is empty.
wanted_shell shell_for(const chat_record& chat, const config& settings, std::string& note);

} // namespace varro
