#include "actors/chat_parts.hpp"
#include "base/clock.hpp"
#include "base/fault_points.hpp"
#include "models/user_prompt.hpp"
#include "workspace/snapshot_store.hpp"

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

// The active branch is about to be left: its newest snapshot and its files are kept, and its shell ends.
std::vector<waiting_step> leave_branch(chat_session_pointer self, const std::vector<std::string>& next) {
  auto keep_its_files = [=](const continuation& then, const error_handler& otherwise) {
    auto& state = self->state;
    self
      ->request(state.services.keeper, caf::infinite, branch_atom_v, state.history.chat().id,
                state.history.runs().back().id, next)
      .then([=](done_atom) { then(); }, [=](caf::error& error) { otherwise(error); });
  };
  return {drain_snapshots(self), close_open_run(self), end_shell(self), keep_its_files};
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
void load_branch(chat_session_pointer self, const continuation& then, const error_handler& otherwise) {
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
        note_size(self);
        restore_files_of(self, {{version_after(s.history.runs().back().id)}, expected}, then);
      },
      [=](caf::error& error) {
        otherwise(error);
        self->quit(error); // what is in memory is another branch; who asks next gets a session that is loaded anew
      });
}

void commit_switch(chat_session_pointer self, int64_t run, const continuation& then, const error_handler& otherwise) {
  auto& state = self->state;
  write_batch batch;
  batch.chat_id = state.history.chat().id;
  batch.user_id = state.history.chat().user_id;
  batch.activate_run = run;
  fault_point("branch_commit");
  state.commits.commit(
    std::move(batch),
    [=] {
      fault_point("branch_committed");
      then();
    },
    otherwise);
}

// A fork that is under way.
struct new_fork {
  int64_t chat = 0;
  int64_t first_run = 0;
  std::string notice; // how its files differ from what they were
  std::optional<idempotency_note> once;
};

// A chat's id, then one for each of its runs.
std::vector<waiting_step> draw_fork(chat_session_pointer self, int64_t turn, const std::shared_ptr<new_fork>& fork) {
  return {draw_chat_id(self, [=](int64_t id) { fork->chat = id; }),
          draw_run_ids(self, self->state.history.runs_up_to(turn), [=](int64_t first) { fork->first_run = first; })};
}

void commit_fork(chat_session_pointer self, int64_t turn, const new_fork& fork, const continuation& then,
                 const error_handler& otherwise) {
  auto& state = self->state;
  fault_point("fork_commit");
  auto batch = state.history.fork(turn, fork.chat, fork.first_run);
  batch.once = fork.once;
  batch.snapshot_bytes = snapshots_bytes(state.services.settings->data_dir, fork.chat);
  state.commits.commit(
    std::move(batch),
    [=] {
      fault_point("fork_committed");
      then();
    },
    otherwise);
}

} // namespace

caf::result<turn_started> edit(chat_session_pointer self, int64_t turn, user_message input) {
  auto& state = self->state;
  if (auto refused = refusal(state))
    return refused;
  if (auto refused = state.services.resident->refusal(state.history.chat().user_id, state.services.settings->chat))
    return refused;
  if (turn == 0 && !state.history.runs().empty())
    turn = state.history.runs().back().turn;
  if (auto err = repeat_turn(state.history, turn, input))
    return err;
  if (auto model = model_for(state, input.model); !model)
    return model.error();
  auto promise = self->make_response_promise<turn_started>();
  auto files = files_before(state.history, turn);
  change(
    self, turn_steps(self, leave_branch(self, files.versions), input, turn, files, promise), [] {},
    [=](const caf::error& error) mutable { promise.deliver(error); });
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
  auto promise = self->make_response_promise<done_atom>();
  auto steps = leave_branch(self, {});
  steps.emplace_back(
    [=](const continuation& then, const error_handler& otherwise) { commit_switch(self, run, then, otherwise); });
  steps.emplace_back(
    [=](const continuation& then, const error_handler& otherwise) { load_branch(self, then, otherwise); });
  change(
    self, std::move(steps), [=]() mutable { promise.deliver(done_atom_v); },
    [=](const caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

caf::result<chat_forked> fork(chat_session_pointer self, int64_t turn, const std::optional<idempotency_note>& once) {
  auto& state = self->state;
  if (auto refused = refusal(state))
    return refused;
  const auto& runs = state.history.runs();
  if (turn == 0 && !runs.empty())
    turn = runs.back().turn;
  if (!state.history.has_turn(turn))
    return fail(errc::not_found, "This chat has no such turn.");
  auto files = files_before(state.history, turn + 1);
  auto promise = self->make_response_promise<chat_forked>();
  auto made = std::make_shared<new_fork>();
  made->once = once;
  auto copy_files = [=](const continuation& then, const error_handler& otherwise) {
    auto& s = self->state;
    self->request(s.services.keeper, caf::infinite, fork_atom_v, s.history.chat().id, files.versions, made->chat)
      .then(
        [=](const workspace_change& changed) {
          made->notice = notice_of(changed, files.expected);
          then();
        },
        [=](caf::error& error) { otherwise(error); });
  };
  auto commit_rows = [=](const continuation& then, const error_handler& otherwise) {
    commit_fork(self, turn, *made, then, otherwise);
  };
  auto steps = draw_fork(self, turn, made);
  for (auto& step : {drain_snapshots(self), close_open_run(self), waiting_step{copy_files}, waiting_step{commit_rows}})
    steps.push_back(step);
  change(
    self, std::move(steps),
    [=]() mutable {
      measure_disk(self, made->chat, true);
      promise.deliver(chat_forked{made->chat, made->notice});
    },
    [=](const caf::error& error) mutable {
      if (made->chat != 0)
        remove_files_of(self, made->chat);
      promise.deliver(error);
    });
  return promise;
}

} // namespace varro
