// Snapshots of a shell's variables, and bringing them back: requests to the worker, by way of shell_host, and answers.
#include "actors/python_shell_parts.hpp"

#include <algorithm>

namespace varro {

namespace {

using stage = python_shell_state::stage;

} // namespace

caf::result<snapshot_taken> take_snapshot(python_shell_pointer self, int64_t base) {
  auto& state = self->state;
  if (state.now == stage::ending || !state.host)
    return fail(errc::shell_lost, "The shell ended.");
  auto promise = self->make_response_promise<snapshot_taken>();
  auto id = state.next_request++;
  state.snapshots[id] = {false, promise};
  state.snapshot_awaited = false;
  tell_busy(self);
  self->request(state.host, caf::infinite, snapshot_atom_v, state.process.number, state.chat, id, base)
    .then(
      [=](bool anew) {
        if (auto found = self->state.snapshots.find(id); found != self->state.snapshots.end())
          found->second.anew = anew;
      },
      [=](caf::error& error) mutable {
        if (self->state.snapshots.erase(id) != 0) {
          tell_busy(self);
          promise.deliver(error);
          note_rest(self);
        }
      });
  return promise;
}

// Of one that a former server asked for nobody wants to hear.
void finish_snapshot(python_shell_pointer self, const worker_snapshot& frame) {
  auto& state = self->state;
  auto found = state.snapshots.find(frame.id);
  if (found == state.snapshots.end())
    return;
  auto request = std::move(found->second);
  state.snapshots.erase(found);
  tell_busy(self);
  if (!frame.failure.empty()) {
    request.answer.deliver(fail(errc::storage_failed, "no snapshot was taken: " + frame.failure));
    note_rest(self);
    return;
  }
  auto tag = state.tags.find(frame.cell);
  request.answer.deliver(snapshot_taken{static_cast<int64_t>(frame.footer), request.anew,
                                        tag == state.tags.end() ? std::string{} : tag->second});
  state.tags.erase(state.tags.begin(), state.tags.lower_bound(frame.cell));
  note_rest(self); // after the answer: it is kept before the chat asks for another shell
}

caf::result<snapshot_restored> restore(python_shell_pointer self, int64_t footer) {
  auto& state = self->state;
  if (state.now == stage::ending || !state.host)
    return fail(errc::shell_lost, "The shell ended.");
  auto promise = self->make_response_promise<snapshot_restored>();
  auto id = state.next_request++;
  state.restores[id] = promise;
  self->request(state.host, caf::infinite, restore_atom_v, state.process.number, state.chat, id, footer)
    .then([](done_atom) {},
          [=](caf::error& error) mutable {
            if (self->state.restores.erase(id) != 0)
              promise.deliver(error);
          });
  return promise;
}

void finish_restore(python_shell_pointer self, const worker_restored& frame) {
  auto& state = self->state;
  auto found = state.restores.find(frame.id);
  if (found == state.restores.end())
    return;
  auto answer = std::move(found->second);
  state.restores.erase(found);
  if (!frame.failure.empty()) {
    answer.deliver(fail(errc::storage_failed, frame.failure));
    note_rest(self);
    return;
  }
  snapshot_restored restored;
  restored.count = static_cast<int64_t>(frame.restored.size() + frame.restored_more);
  restored.names.assign(frame.restored.begin(),
                        frame.restored.begin()
                          + static_cast<std::ptrdiff_t>(std::min(frame.restored.size(), restored_names_max)));
  for (const auto& variable : frame.lost)
    restored.lost.push_back(variable.name + " (" + variable.reason + ")");
  if (frame.lost_more != 0)
    restored.lost.push_back("and " + std::to_string(frame.lost_more) + " more");
  answer.deliver(std::move(restored));
  note_rest(self);
}

void end_snapshots(python_shell_pointer self) {
  auto& state = self->state;
  auto gone = fail(errc::shell_lost, "The shell ended.");
  for (auto& [id, request] : std::exchange(state.snapshots, {}))
    request.answer.deliver(gone);
  for (auto& [id, answer] : std::exchange(state.restores, {}))
    answer.deliver(gone);
}

} // namespace varro
