#include "actors/chat_snapshots.hpp"

#include "base/fault_points.hpp"
#include "base/log.hpp"

namespace varro {

namespace {

constexpr auto settle_max = std::chrono::seconds{4}; // of a stop, which has 9 s in all

bool is_settled(const chat_session_state& state) {
  return !state.snapshotting && state.snapshots_kept == 0;
}

void note_settled(chat_session_pointer self) {
  const auto& state = self->state;
  if (is_settled(state))
    settle_now(self);
}

// Which cell's namespace it is, is known by the cell's return; without one there is nothing to keep.
void keep_snapshot(chat_session_pointer self, const snapshot_taken& taken) {
  auto& state = self->state;
  write_batch batch;
  batch.chat_id = state.history.chat().id;
  batch.user_id = state.history.chat().user_id;
  batch.forget_snapshots = taken.anew;
  if (auto seq = state.history.seq_of_return(taken.tag); seq != 0)
    batch.snapshots.push_back({seq, taken.footer});
  if (batch.snapshots.empty() && !taken.anew)
    return;
  auto added = batch.snapshots;
  ++state.snapshots_kept;
  fault_point("snapshot_commit");
  self->request(state.services.store, caf::infinite, commit_atom_v, std::move(batch))
    .then(
      [=](done_atom) {
        fault_point("snapshot_committed");
        self->state.history.keep_snapshots(added, taken.anew);
        --self->state.snapshots_kept;
        note_settled(self);
      },
      [=](caf::error& error) {
        --self->state.snapshots_kept;
        log(log_level::error,
            "a snapshot of chat " + std::to_string(self->state.history.chat().id) + " is not kept: " + text_of(error));
        note_settled(self);
      });
}

} // namespace

void take_snapshot(chat_session_pointer self) {
  auto& state = self->state;
  if (!state.shell || state.stage != shell_stage::live)
    return;
  if (state.snapshotting) {
    state.snapshot_due = true;
    return;
  }
  state.snapshotting = true;
  state.snapshot_due = false;
  auto shell = state.shell;
  auto go_on = [=] {
    auto& s = self->state;
    if (s.shell != shell)
      return;
    s.snapshotting = false;
    if (s.snapshot_due)
      take_snapshot(self);
    else
      note_settled(self);
  };
  self->request(shell, caf::infinite, snapshot_atom_v, state.snapshot_base)
    .then(
      [=](const snapshot_taken& taken) {
        if (self->state.shell == shell)
          self->state.snapshot_base = taken.footer;
        keep_snapshot(self, taken);
        go_on();
      },
      [=](caf::error& error) {
        log(log_level::debug, chat_name(self->state.history.chat().id) + ": " + text_of(error));
        go_on();
      });
}

void settle_now(chat_session_pointer self) {
  for (auto& then : std::exchange(self->state.when_settled, {}))
    then();
}

void settle(chat_session_pointer self, std::function<void()> then) {
  auto& state = self->state;
  state.when_settled.push_back(std::move(then));
  if (is_settled(state))
    settle_now(self);
  else
    self->delayed_send(chat_session_actor{self}, settle_max, deadline_atom_v);
}

} // namespace varro
