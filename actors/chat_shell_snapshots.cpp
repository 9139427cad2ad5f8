#include "actors/chat_shell_parts.hpp"
#include "base/log.hpp"

#include <utility>

namespace varro {

namespace {

constexpr auto drain_max = std::chrono::seconds{4}; // of a stop, which has 9 s in all

bool is_drained(const chat_shell_state& state) {
  return !state.stage.is_snapshotting() && state.snapshots_kept == 0;
}

void note_drained(chat_shell_pointer self) {
  if (is_drained(self->state))
    give_up_snapshots(self);
}

// The owner tells of a commit that failed; an error here is that it is gone.
void keep_snapshot(chat_shell_pointer self, const snapshot_taken& taken) {
  ++self->state.snapshots_kept;
  auto kept = [=] {
    --self->state.snapshots_kept;
    note_drained(self);
  };
  self->request(self->state.owner, caf::infinite, snapshot_atom_v, taken)
    .then([=](done_atom) { kept(); }, [=](caf::error&) { kept(); });
}

} // namespace

void take_snapshot(chat_shell_pointer self) {
  auto* live = self->state.stage.now_live();
  if (live == nullptr)
    return;
  if (live->snapshotting) {
    live->snapshot_due = true;
    return;
  }
  live->snapshotting = true;
  live->snapshot_due = false;
  auto shell = live->shell;
  auto still_live = [=]() -> shell_stage::live* {
    auto* now = self->state.stage.now_live();
    return now != nullptr && now->shell == shell ? now : nullptr;
  };
  auto ended = [=] {
    auto* now = still_live();
    if (now == nullptr)
      return;
    now->snapshotting = false;
    if (now->snapshot_due)
      take_snapshot(self);
    else
      note_drained(self);
  };
  self->request(shell, caf::infinite, snapshot_atom_v, live->snapshot_base)
    .then(
      [=](const snapshot_taken& taken) {
        if (auto* now = still_live())
          now->snapshot_base = taken.footer;
        keep_snapshot(self, taken);
        ended();
      },
      [=](caf::error& error) {
        log(log_level::debug, chat_name(self->state.chat) + ": " + text_of(error));
        ended();
      });
}

caf::result<done_atom> drain_snapshots(chat_shell_pointer self) {
  if (is_drained(self->state))
    return done_atom_v;
  auto promise = self->make_response_promise<done_atom>();
  self->state.when_snapshots_drained.push_back(promise);
  self->delayed_send(chat_shell_actor{self}, drain_max, deadline_atom_v);
  return promise;
}

void give_up_snapshots(chat_shell_pointer self) {
  for (auto& waiter : std::exchange(self->state.when_snapshots_drained, {}))
    waiter.deliver(done_atom_v);
}

} // namespace varro
