// One chat: its history in memory, its run, its shell, and the events that its viewers see.
//
// Commit before publish: a row enters the history and the streams only when store has answered. All of a session's
// events go to http_gateway in the order in which they were committed, so that a replay followed by what comes after is
// gapless.
#pragma once

#include "actors/agent_run.hpp"
#include "actors/services.hpp"
#include "render/blocks.hpp"

#include <functional>
#include <map>
#include <set>

namespace varro {

// A cell that helps to rebuild the namespace.
struct recorded_cell {
  std::string code;
  bool failed = false; // it raised when it ran first
  int64_t seq = 0;     // of its return
};

enum class shell_stage { none, starting, restoring, live };

using shell_promise = caf::typed_response_promise<python_shell_actor, std::string>;

struct chat_session_state {
  static inline const char* name = "chat_session";

  session_services services;
  chat_contents contents; // committed rows only; chat.last_seq also counts rows on their way
  bool stored = false;    // the chat's row is in the database

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

// The events of these contents that a viewer who has seen `after` has not: exactly what a live viewer got. An event's
// id is the newest message that is shown whole once this event is shown: of a message with several blocks only the last
// one carries the message's own seq, so that a viewer who breaks off between two of them misses nothing.
std::vector<stream_event> events_after(const chat_contents& contents, int64_t after,
                                       std::shared_ptr<markdown_renderer> markdown = nullptr);
std::vector<stream_event> to_events(const std::vector<block>& blocks, int64_t seq);

// The newest turn's user message: where a stream without an id starts.
int64_t newest_turn_seq(const chat_contents& contents);

// `unstored` says why no block tells how the run ended, if that is so.
stream_event done_event(const run_record& run, const std::string& unstored = {});

// The cells that made the namespace, oldest first: those whose result was committed, after the last one that took its
// shell along.
std::vector<recorded_cell> recorded_cells(const std::vector<message_row>& rows);

// Whether this row is the result of a cell.
bool returns_cell(const message_row& row);

// The newest snapshot of the namespace that these cells made, if there is one.
std::optional<snapshot_record> newest_snapshot(const std::vector<snapshot_record>& snapshots,
                                               const std::vector<recorded_cell>& cells);

// Which row returns this call; 0 if none does.
int64_t seq_of_return(const std::vector<message_row>& rows, const std::string& tool_call_id);

// A return for each of these calls that says that its result is lost, so that the history is valid again.
message_history returns_for_lost_calls(const std::vector<open_call>& calls, const std::string& reason);

// What becomes of the calls that a cut-off run left open, when a shell of the former server has begun the cells
// `begun`. Cells of one response run in order, each after the commit of the one before: a call after a begun one has
// not run.
struct cut_off_calls {
  std::vector<open_call> lost;      // may have run; never run again
  std::vector<open_call> remaining; // go on
};
cut_off_calls sort_open_calls(const std::vector<message_row>& rows, const std::set<std::string>& begun);

// What the model requests of this run used so far, as its committed responses say.
run_spending spent_by(const std::vector<message_row>& rows, int64_t run_id);

// The shell that a chat wants. A Python that is no longer configured is replaced by the default one, and the note says
// so; else it is empty.
wanted_shell shell_for(const chat_record& chat, const config& settings, std::string& note);

message_history messages_of(const std::vector<message_row>& rows);

} // namespace varro
