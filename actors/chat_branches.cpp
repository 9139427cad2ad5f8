#include "actors/chat_parts.hpp"
#include "actors/chat_shell.hpp"
#include "actors/chat_snapshots.hpp"
#include "base/clock.hpp"
#include "base/fault_points.hpp"
#include "models/user_prompt.hpp"

namespace varro {

namespace {

// The files were kept before the first cell of each run that had one, so those of the first such run from this turn on
// are the files before this turn.
earlier_files files_before(const transcript& history, int64_t turn) {
  earlier_files found;
  auto with_cells = history.runs_with_cells();
  for (const auto& run : history.runs())
    if (run.turn >= turn) {
      found.versions.push_back(version_before(run.id));
      found.expected = found.expected || with_cells.contains(run.id);
    }
  return found;
}

using error_handler = std::function<void(const caf::error&)>;

// The active branch is about to be left: its newest snapshot and its files are kept, and its shell ends.
void leave_branch(chat_session_pointer self, std::vector<std::string> next, std::function<void()> then,
                  error_handler otherwise) {
  auto leave = [=] {
    auto& state = self->state;
    self
      ->request(state.services.keeper, caf::infinite, branch_atom_v, state.history.chat().id,
                state.history.runs().back().id, next)
      .then([=](done_atom) { then(); }, [=](caf::error& error) { otherwise(error); });
  };
  settle(self, [=] {
    after_open_run(
      self, [=] { end_shell(self, leave); }, otherwise);
  });
}

// The message of a turn goes again, with the files that went with it; an empty text keeps that of the message.
caf::error repeat_turn(const transcript& history, int64_t turn, user_message& input) {
  const auto* found = history.first_row_of(turn);
  if (turn <= 0 || found == nullptr)
    return fail(errc::not_found, "This chat has no such turn.");
  const auto* request = found->content.as<model_request>();
  const auto* prompt
    = request && !request->parts.empty() ? std::get_if<user_prompt_part>(&request->parts.front()) : nullptr;
  if (!prompt)
    return fail(errc::invalid_input, "This turn does not begin with a message, and cannot be asked again.");
  input.files = attached_items(*prompt);
  if (input.text.empty())
    input.text = typed_text(*prompt);
  return caf::none;
}

// Another branch is active in the database: its history, then its files.
void load_branch(chat_session_pointer self, std::function<void()> then, error_handler otherwise) {
  auto& state = self->state;
  const auto& chat = state.history.chat();
  self->request(state.services.reader, caf::infinite, load_atom_v, chat.user_id, chat.id)
    .then(
      [=](chat_contents& contents) {
        auto& s = self->state;
        transcript other{std::move(contents)};
        auto left = s.history.run_ids(), entered = other.run_ids();
        auto expected = false;
        for (auto run : s.history.runs_with_cells())
          expected = expected || !entered.contains(run);
        for (auto run : other.runs_with_cells())
          expected = expected || !left.contains(run);
        s.history = std::move(other);
        restore_files_of(self, {{version_after(s.history.runs().back().id)}, expected}, then);
      },
      [=](caf::error& error) {
        otherwise(error);
        self->quit(error); // what is in memory is another branch; who asks next gets a session that is loaded anew
      });
}

void commit_fork(chat_session_pointer self, int64_t turn, int64_t to, const std::string& notice,
                 caf::typed_response_promise<chat_forked> promise) {
  auto& state = self->state;
  fault_point("fork_commit");
  commit(
    self, state.history.fork(turn, to, [&state] { return state.services.ids->next_run++; }),
    [=]() mutable {
      fault_point("fork_committed");
      promise.deliver(chat_forked{to, notice});
      end_start(self);
    },
    [=](const caf::error& error) mutable {
      remove_files_of(self, to);
      promise.deliver(error);
      end_start(self);
    });
}

} // namespace

caf::result<turn_started> edit(chat_session_pointer self, int64_t turn, user_message input) {
  auto& state = self->state;
  if (auto refused = refusal(state))
    return refused;
  if (turn == 0 && !state.history.runs().empty())
    turn = state.history.runs().back().turn;
  if (auto err = repeat_turn(state.history, turn, input))
    return err;
  if (auto model = model_for(state, input.model); !model)
    return model.error();
  auto promise = self->make_response_promise<turn_started>();
  auto files = files_before(state.history, turn);
  state.starting = true;
  leave_branch(
    self, files.versions,
    [=] {
      self->state.starting = false;
      begin_turn(self, input, turn, files, promise);
      look_for_rest(self);
    },
    [=](const caf::error& error) mutable {
      promise.deliver(error);
      end_start(self);
    });
  return promise;
}

caf::result<done_atom> switch_branch(chat_session_pointer self, int64_t run) {
  auto& state = self->state;
  if (auto refused = refusal(state))
    return refused;
  if (state.history.run_ids().contains(run))
    return done_atom_v; // it is shown already
  // Checked before the shell ends for nothing.
  if (!state.history.has_alternative(run))
    return fail(errc::not_found, "This chat has no such version.");
  write_batch batch;
  batch.chat_id = state.history.chat().id;
  batch.user_id = state.history.chat().user_id;
  batch.activate_run = run;
  state.starting = true;
  auto promise = self->make_response_promise<done_atom>();
  error_handler otherwise = [=](const caf::error& error) mutable {
    promise.deliver(error);
    end_start(self);
  };
  auto done = [=]() mutable {
    promise.deliver(done_atom_v);
    end_start(self);
  };
  leave_branch(
    self, {},
    [=] {
      fault_point("branch_commit");
      commit(
        self, batch,
        [=] {
          fault_point("branch_committed");
          load_branch(self, done, otherwise);
        },
        otherwise);
    },
    otherwise);
  return promise;
}

caf::result<chat_forked> fork(chat_session_pointer self, int64_t turn) {
  auto& state = self->state;
  if (auto refused = refusal(state))
    return refused;
  const auto& runs = state.history.runs();
  if (turn == 0 && !runs.empty())
    turn = runs.back().turn;
  if (!state.history.has_turn(turn))
    return fail(errc::not_found, "This chat has no such turn.");
  auto files = files_before(state.history, turn + 1);
  auto to = state.services.ids->next_chat++;
  auto promise = self->make_response_promise<chat_forked>();
  state.starting = true;
  error_handler otherwise = [=](const caf::error& error) mutable {
    remove_files_of(self, to);
    promise.deliver(error);
    end_start(self);
  };
  auto copy = [=] {
    auto& s = self->state;
    self->request(s.services.keeper, caf::infinite, fork_atom_v, s.history.chat().id, files.versions, to)
      .then(
        [=](const workspace_change& change) {
          commit_fork(self, turn, to, notice_of(change, files.expected), promise);
        },
        [=](caf::error& error) { otherwise(error); });
  };
  settle(self, [=] { after_open_run(self, copy, otherwise); });
  return promise;
}

} // namespace varro
