// A shell's cells: the queue of those that wait, the one in flight, and the answers of both.
#include "actors/python_shell_parts.hpp"

#include <algorithm>

namespace varro {

namespace {

using stage = python_shell_state::stage;

using namespace std::chrono_literals;

void acknowledge(python_shell_pointer self, uint64_t cell) {
  if (self->state.host)
    self->send(self->state.host, ack_atom_v, self->state.process.number, cell);
}

} // namespace

void start_next_cell(python_shell_pointer self) {
  auto& state = self->state;
  if (state.now != stage::idle || state.queue.empty())
    return;
  // One without a tag brings variables back, of which there is no snapshot.
  if (is_leaving(self) && state.queue.front().id == 0 && !state.queue.front().tag.empty()) {
    retire_if_settled(self);
    return;
  }
  state.now = stage::running;
  state.result = {};
  state.begun = false;
  state.interrupt_reason.clear();
  state.slots.clear();
  auto displays = display_limit_of(state.settings, state.left_to_show);
  auto limits = state.settings;
  limits.display_bytes_max = displays.bytes;
  auto& cell = state.queue.front();
  auto left = state.settings.cell_max;
  if (cell.id == 0) {
    cell.id = ++state.cells_begun;
    state.left = output_allowance{limits};
    auto bytes = encode_execute(cell.id, cell.tag, cell.code, state.settings, displays);
    self->write(state.connection, bytes.size(), bytes.data());
    self->flush(state.connection);
  } else { // what a former server allowed it is not known
    state.left = output_allowance{state.settings};
    auto now
      = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    left -= std::clamp(now - std::chrono::milliseconds{cell.started_at_ms}, 0ms, left);
  }
  state.cell_id = cell.id;
  self->delayed_send(self, left, deadline_atom_v, state.cell_id);
  state.tags[cell.id] = cell.tag;
  tell_busy(self);
}

void answer_first_cell(python_shell_pointer self) {
  auto& state = self->state;
  auto cell = std::move(state.queue.front());
  state.queue.pop_front();
  if (cell.tag.empty())
    acknowledge(self, cell.id);
  else if (cell.expected)
    state.unacknowledged[cell.tag] = cell.id;
  if (cell.expected)
    cell.answer.deliver(std::exchange(state.result, {}));
  else if (!cell.tag.empty())
    state.finished[cell.tag] = {cell.id, std::exchange(state.result, {})};
}

caf::error cell_not_begun() {
  return fail(errc::shell_lost, "The Python shell ended before this cell ran; it was not executed.");
}

void drop_waiting_cells(python_shell_pointer self, size_t from, cell_status status, const std::string& reason) {
  auto& queue = self->state.queue;
  while (queue.size() > from) {
    cell_result result;
    result.status = status;
    result.reason = reason;
    if (queue.back().expected)
      queue.back().answer.deliver(std::move(result));
    queue.pop_back();
  }
}

void give_back_waiting_cells(python_shell_pointer self, size_t from) {
  auto& queue = self->state.queue;
  while (queue.size() > from && queue.back().id == 0) {
    queue.back().answer.deliver(cell_not_begun());
    queue.pop_back();
  }
  drop_waiting_cells(self, from, cell_status::lost, "The shell ended before the result of this cell was read.");
}

void finish_cell(python_shell_pointer self, const worker_done& done) {
  auto& state = self->state;
  state.result.status = done.status;
  state.result.duration = done.duration;
  state.result.processor = done.processor;
  if (done.status == cell_status::interrupted)
    state.result.reason = state.interrupt_reason.empty() ? "The cell interrupted itself; its variables are kept."
                                                         : state.interrupt_reason;
  if (state.queue.front().tag.empty())
    state.snapshot_awaited = true;
  answer_first_cell(self);
  state.now = stage::idle;
  state.rests_since = self->clock().now();
  tell_busy(self);
  start_next_cell(self);
  note_rest(self);
}

caf::typed_response_promise<cell_result> execute(python_shell_pointer self, std::string code, std::string tag) {
  auto& state = self->state;
  auto promise = self->make_response_promise<cell_result>();
  state.queue.push_back({std::move(code), std::move(tag), 0, 0, true, promise});
  if (state.now == stage::ending)
    give_back_waiting_cells(self, state.queue.size() - 1);
  else
    start_next_cell(self);
  return promise;
}

caf::typed_response_promise<cell_result> result_of(python_shell_pointer self, const std::string& tag) {
  auto& state = self->state;
  auto promise = self->make_response_promise<cell_result>();
  if (auto found = state.finished.find(tag); found != state.finished.end()) {
    state.unacknowledged[tag] = found->second.id;
    promise.deliver(std::move(found->second.result));
    state.finished.erase(found);
    if (state.now == stage::ending && state.queue.empty() && state.finished.empty() && has_ended(state.process))
      look_for_end_later(self);
    return promise;
  }
  for (auto& cell : state.queue)
    if (cell.tag == tag && !cell.expected) {
      cell.expected = true;
      cell.answer = promise;
      return promise;
    }
  promise.deliver(fail(errc::not_found, "There is no such cell."));
  return promise;
}

void acknowledge_tag(python_shell_pointer self, const std::string& tag) {
  auto& state = self->state;
  if (auto found = state.unacknowledged.find(tag); found != state.unacknowledged.end()) {
    acknowledge(self, found->second);
    state.unacknowledged.erase(found);
    state.snapshot_awaited = true;
    note_rest(self);
  } else if (auto finished = state.finished.find(tag); finished != state.finished.end()) {
    acknowledge(self, finished->second.id);
    state.finished.erase(finished);
    note_rest(self);
  } else {
    for (auto& cell : state.queue)
      if (cell.tag == tag && !cell.expected)
        cell.tag.clear(); // acknowledged as soon as it has come
  }
}

} // namespace varro
