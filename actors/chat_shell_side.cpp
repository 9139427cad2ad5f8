// What a session has to do with its chat_shell: tells it what is committed, and commits for it.
#include "actors/chat_parts.hpp"
#include "base/fault_points.hpp"
#include "base/log.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "workspace/snapshot_store.hpp"

#include <string>
#include <variant>
#include <vector>

namespace varro {

void acknowledge_cells(chat_session_pointer self, const message& content, bool snapshot) {
  const auto* request = std::get_if<model_request>(&content);
  if (request == nullptr)
    return;
  std::vector<std::string> tags;
  for (const auto& part : request->parts)
    if (const auto* result = std::get_if<tool_return_part>(&part); result != nullptr && is_cell(*result))
      tags.push_back(result->tool_call_id);
  if (tags.empty())
    return;
  self->send(self->state.shell, ack_atom_v, std::move(tags), snapshot);
  measure_disk(self, self->state.history.chat().id, false); // its files were kept before the cell
}

waiting_step drain_snapshots(chat_session_pointer self) {
  return [=](const continuation& then, const error_handler& otherwise) {
    self->request(self->state.shell, caf::infinite, snapshot_atom_v)
      .then([=](done_atom) { then(); }, [=](caf::error& error) { otherwise(error); });
  };
}

waiting_step end_shell(chat_session_pointer self) {
  return [=](const continuation& then, const error_handler& otherwise) {
    self->request(self->state.shell, caf::infinite, close_atom_v)
      .then([=](done_atom) { then(); }, [=](caf::error& error) { otherwise(error); });
  };
}

shell_past past_of_shell(const transcript& history) {
  shell_past past{history.chat(), history.cells(), {}};
  past.snapshot = history.newest_snapshot(past.cells);
  return past;
}

// Which cell's namespace it is, is known by the cell's return; without one there is nothing to keep. A stop waits for
// it with the other snapshots, and so it is not in the ledger, which has no deadline.
caf::result<done_atom> keep_snapshot(chat_session_pointer self, const snapshot_taken& taken) {
  auto& state = self->state;
  write_batch batch;
  batch.chat_id = state.history.chat().id;
  batch.user_id = state.history.chat().user_id;
  batch.forget_snapshots = taken.anew;
  if (auto seq = state.history.seq_of_return(taken.tag); seq != 0)
    batch.snapshots.push_back({seq, taken.footer});
  if (batch.snapshots.empty() && !taken.anew)
    return done_atom_v;
  batch.snapshot_bytes = snapshots_bytes(state.services.settings->data_dir, batch.chat_id);
  auto added = batch.snapshots;
  auto promise = self->make_response_promise<done_atom>();
  fault_point("snapshot_commit");
  self->request(state.services.store, caf::infinite, commit_atom_v, std::move(batch))
    .then(
      [=, anew = taken.anew](done_atom) mutable {
        fault_point("snapshot_committed");
        self->state.history.keep_snapshots(added, anew);
        promise.deliver(done_atom_v);
      },
      [=](caf::error& error) mutable {
        log(log_level::error,
            "a snapshot of chat " + std::to_string(self->state.history.chat().id) + " is not kept: " + text_of(error));
        promise.deliver(done_atom_v);
      });
  return promise;
}

} // namespace varro
