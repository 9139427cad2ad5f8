// Runs that are left open, because their end could not be committed when it came.
#include "actors/chat_parts.hpp"

namespace varro {

run_record as_unstored(run_record run) {
  run.status = run_status::failed;
  run.error.clear();
  run.end_seq = 0;
  return run;
}

waiting_step close_open_run(chat_session_pointer self) {
  return [=](const continuation& then, const error_handler& otherwise) {
    auto& state = self->state;
    if (!state.history.has_open_run()) {
      then();
      return;
    }
    auto before = state.history.runs().back();
    auto batch = state.history.interrupt("Interrupted: the end of this answer could not be stored when it came.");
    auto rows = batch.messages;
    state.commits.commit(
      std::move(batch),
      [=] {
        for (const auto& row : rows) {
          self->state.history.append(row);
          acknowledge_cells(self, row.content, false);
        }
        then();
      },
      [=](const caf::error& error) {
        self->state.history.update_run(before);
        otherwise(error);
      });
  };
}

} // namespace varro
