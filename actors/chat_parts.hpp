// The parts of chat_session (chat_session.hpp): turns, branches and what they share. For the session's actor only.
#pragma once

#include "actors/chat_session.hpp"
#include "actors/steps.hpp"

namespace varro {

using chat_session_pointer = chat_session_actor::stateful_pointer<chat_session_state>;

// --- what every part does --------------------------------------------------------------------------------------------

void publish(chat_session_pointer self, chat_event event);
void show_progress(chat_session_pointer self, const std::string& text);

// Takes these steps as one change of the chat: until it is over no other begins, and who drains the ledger waits.
// REQUIRES: not busy.
void change(chat_session_pointer self, std::vector<waiting_step> steps, continuation then, error_handler otherwise);

// Why the history may not grow by this message; empty: it may.
caf::error is_full(const chat_session_state& state, const user_message& input);
// Tells how much of the server's memory the history has now.
void note_size(chat_session_pointer self);

// A turn is on, or something else that no second message may cross.
bool busy(const chat_session_state& state);
caf::error run_is_on(const chat_session_state& state);
caf::error stopping();
// Why no turn can begin now and no branch be changed; empty: it can.
caf::error refusal(const chat_session_state& state);

// --- ids (chat_ids.cpp) ----------------------------------------------------------------------------------------------

// Steps of a change, the first ones: nothing is done where no id can be drawn, or the session is stopped meanwhile.
// `keep` gets the id, or the first of so many in a row.
waiting_step draw_chat_id(chat_session_pointer self, std::function<void(int64_t)> keep);
waiting_step draw_run_ids(chat_session_pointer self, int count, std::function<void(int64_t)> keep);

// --- turns (chat_turns.cpp) ------------------------------------------------------------------------------------------

// The files before a turn: the first of these versions that exists.
struct earlier_files {
  std::vector<std::string> versions;
  bool expected = false; // a cell has run since, so that without a version the files are not as they were
};

using turn_promise = caf::typed_response_promise<turn_started>;

// The steps of a change: draw the run's id, take the steps that prepare the chat, commit the message, and start the
// run. `replaced_turn` 0: the turn is a new one at the end. Another one is replaced with all that follow it, and `next`
// are the files before it; the chat has no shell then. When the run has started, the promise is kept.
std::vector<waiting_step> turn_steps(chat_session_pointer self, std::vector<waiting_step> prepare,
                                     const user_message& input, int64_t replaced_turn, const earlier_files& next,
                                     turn_promise promise);

caf::result<turn_started> send(chat_session_pointer self, const user_message& input);

// Goes on with the newest run. REQUIRES: it is open, and its history has no open calls but these.
void resume_run(chat_session_pointer self, const model_config& model, unfinished_work work);

// The run that waits for a place has one. Another one is ignored.
void begin_run(chat_session_pointer self, int64_t run);
caf::result<done_atom> commit_node(chat_session_pointer self, run_node node);
void end_run(chat_session_pointer self, const run_end& end);
caf::result<done_atom> cancel(chat_session_pointer self);

// --- what was used (chat_usage.cpp) ----------------------------------------------------------------------------------

std::shared_ptr<const price_table> prices_of(const chat_session_state& state);

// Has the store commit the batch, with usage that is owed. One of the two is called when it has answered.
void write(chat_session_pointer self, write_batch batch, const continuation& then, const error_handler& otherwise);

// Writes these rows of the ledger of usage, or owes them.
void note_usage(chat_session_pointer self, std::vector<usage_row> rows);
// The same for rows of requests of this run, which have no owner and cost yet.
void note_request(chat_session_pointer self, int64_t run, std::vector<usage_row> rows);

// A line of the log about the run: what became of it, in numbers, and whose it is.
void log_run(const chat_session_state& state, const run_record& run, std::string_view what);

// For /metrics: viewers have just been told of a node that was finished then.
void measure_node(chat_session_state& state, std::chrono::steady_clock::time_point finished_at);

// What the newest run had under way, of these calls, when it was cut off; `outcome`: of a request to the model.
std::vector<usage_row> usage_of_halted_run(const chat_session_state& state, const std::vector<open_call>& calls,
                                           const char* outcome);

// --- the trace of the run (chat_traces.cpp) --------------------------------------------------------------------------

// Each does nothing where nobody wants traces. The run asks for its place; it has it; a step of it was told to viewers,
// since it was committed; it is over.
void begin_trace(chat_session_state& state, const run_record& run, const model_config& model);
void trace_queue(chat_session_state& state, int64_t run);
void trace_publishing(int64_t run, trace_clock::time_point since);
void end_trace(const run_record& run);

// --- runs that are left open (chat_open_runs.cpp) --------------------------------------------------------------------

// As it is shown while the database has it as running, because its end could not be stored.
run_record as_unstored(run_record run);
// A step of a change: closes a run that was left open, because its end could not be committed when it came.
waiting_step close_open_run(chat_session_pointer self);

// --- the chat's title, model and prefix (chat_details.cpp) -----------------------------------------------------------

// The model of this name, or of the chat if it is empty, with the chat's effort; `chat` as it would be.
caf::expected<model_config> model_for(const chat_session_state& state, const std::string& wanted);
caf::expected<model_config> model_for(const chat_session_state& state, const std::string& wanted,
                                      const chat_record& chat);

caf::result<done_atom> rename(chat_session_pointer self, const std::string& title);
// Today's instructions and tools from now on.
caf::result<done_atom> renew_prefix(chat_session_pointer self);

// --- branches (chat_branches.cpp) ------------------------------------------------------------------------------------

caf::result<turn_started> edit(chat_session_pointer self, int64_t turn, user_message input);
caf::result<done_atom> switch_branch(chat_session_pointer self, int64_t run);
caf::result<chat_forked> fork(chat_session_pointer self, int64_t turn,
                              const std::optional<idempotency_note>& once = std::nullopt);

// --- files (chat_files.cpp) ------------------------------------------------------------------------------------------

// Brings back the files of the active branch. Differences are in state.notice afterwards.
void restore_files_of(chat_session_pointer self, earlier_files files, continuation then);

// A crash came between a change of branch and its files: they follow now, before anybody sees the chat.
void finish_branch_change(chat_session_pointer self);

// What the user should know about files that were brought back; empty: nothing.
std::string notice_of(const workspace_change& change, bool expected);

// The keeper looks at what earlier files of this chat of the user hold; `workspace`: and at its files, which no shell
// has.
void measure_disk(chat_session_pointer self, int64_t chat, bool workspace);

// Deletes the snapshots of this chat, takes its workspace out of the way at once, and deletes it and the versions of
// its files in an actor of its own.
void remove_files_of(chat_session_pointer self, int64_t chat);

// --- the chat's shell (chat_shell_side.cpp) --------------------------------------------------------------------------

// The results of the cells that this message returns, if any, are committed; `snapshot`: one of the variables is worth
// it.
void acknowledge_cells(chat_session_pointer self, const message& content, bool snapshot);

// Steps: no snapshot is under way any more, or the deadline has come; the shell's process is gone.
waiting_step drain_snapshots(chat_session_pointer self);
waiting_step end_shell(chat_session_pointer self);

shell_past past_of_shell(const transcript& history);
// Answers when it is committed which cell's namespace this is, or that cannot be.
caf::result<done_atom> keep_snapshot(chat_session_pointer self, const snapshot_taken& taken);

} // namespace varro
