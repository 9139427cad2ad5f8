// The parts of chat_session (chat_session.hpp): turns, branches and what they share. For the session's actor only.
#pragma once

#include "actors/chat_session.hpp"

namespace varro {

using chat_session_pointer = chat_session_actor::stateful_pointer<chat_session_state>;

// --- what every part does --------------------------------------------------------------------------------------------

void publish(chat_session_pointer self, stream_event event);
void show_progress(chat_session_pointer self, std::string text);

// If nothing is being committed: commits the end that waits for that, else calls what waits.
void look_for_rest(chat_session_pointer self);

// Commits a batch of the history. A stop of the session waits for it, because what it writes follows what is committed.
template <class Done, class Failed>
void commit(chat_session_pointer self, write_batch batch, Done done, Failed failed) {
  ++self->state.commits;
  self->request(self->state.services.store, caf::infinite, commit_atom_v, std::move(batch))
    .then(
      [=](done_atom) mutable {
        --self->state.commits;
        done();
        look_for_rest(self);
      },
      [=](caf::error& error) mutable {
        --self->state.commits;
        failed(error);
        look_for_rest(self);
      });
}

// No turn is being committed and no branch changed any more.
void end_start(chat_session_pointer self);

// A turn is on, or something else that no second message may cross.
bool busy(const chat_session_state& state);
caf::error run_is_on(const chat_session_state& state);
caf::error stopping();
// Why no turn can begin now and no branch be changed; empty: it can.
caf::error refusal(const chat_session_state& state);

// --- turns (chat_turns.cpp) ------------------------------------------------------------------------------------------

// The files before a turn: the first of these versions that exists.
struct earlier_files {
  std::vector<std::string> versions;
  bool expected = false; // a cell has run since, so that without a version the files are not as they were
};

using turn_promise = caf::typed_response_promise<turn_started>;

// Commits the message and starts its run. REQUIRES: no run is on. `replaced_turn` 0: the turn is a new one at the end.
// Another one is replaced with all that follow it, and `next` are the files before it; the chat has no shell then.
void begin_turn(chat_session_pointer self, const user_message& input, int64_t replaced_turn, earlier_files next,
                turn_promise promise);

// The model of this name, or of the chat if it is empty, with the chat's effort; `chat` as it would be.
caf::expected<model_config> model_for(const chat_session_state& state, const std::string& wanted);
caf::expected<model_config> model_for(const chat_session_state& state, const std::string& wanted,
                                      const chat_record& chat);

// Goes on with the newest run. REQUIRES: it is open, and its history has no open calls but these.
void resume_run(chat_session_pointer self, const model_config& model, unfinished_work work);

caf::result<done_atom> commit_node(chat_session_pointer self, run_node node);
void end_run(chat_session_pointer self, const run_end& end);
caf::result<done_atom> cancel(chat_session_pointer self);

// --- runs that are left open (chat_session.cpp) ----------------------------------------------------------------------

// As it is shown while the database has it as running, because its end could not be stored.
run_record as_unstored(run_record run);
// Does this at once, or when a run that was left open is closed: its end could not be committed when it came.
void after_open_run(chat_session_pointer self, std::function<void()> then,
                    std::function<void(const caf::error&)> otherwise);

// --- the chat's title and prefix (chat_details.cpp) ------------------------------------------------------------------

caf::result<done_atom> rename(chat_session_pointer self, const std::string& title);
// Today's instructions and tools from now on.
caf::result<done_atom> renew_prefix(chat_session_pointer self);

// --- branches (chat_branches.cpp) ------------------------------------------------------------------------------------

caf::result<turn_started> edit(chat_session_pointer self, int64_t turn, user_message input);
caf::result<done_atom> switch_branch(chat_session_pointer self, int64_t run);
caf::result<chat_forked> fork(chat_session_pointer self, int64_t turn);

// --- files (chat_files.cpp) ------------------------------------------------------------------------------------------

// Before the first cell of a run, its chat's files are kept: who comes back to before this turn finds them. Whoever
// waits for the shell is served afterwards. REQUIRES: a run is on.
void keep_files(chat_session_pointer self);

// Brings back the files of the active branch. Differences are in state.notice afterwards.
void restore_files_of(chat_session_pointer self, earlier_files files, std::function<void()> then);

// A crash came between a change of branch and its files: they follow now, before anybody sees the chat.
void finish_branch_change(chat_session_pointer self);

// What the user should know about files that were brought back; empty: nothing.
std::string notice_of(const workspace_change& change, bool expected);

// Deletes the snapshots of this chat, takes its workspace out of the way at once, and deletes it and the versions of
// its files in an actor of its own.
void remove_files_of(chat_session_pointer self, int64_t chat);

} // namespace varro
