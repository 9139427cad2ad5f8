// The actor itself: its handlers, the ladder of deadline, interrupts and kill, and the ways to close it.
#include "actors/python_shell_parts.hpp"
#include "actors/shell_death.hpp"

#include <algorithm>

namespace varro {

namespace {

using stage = python_shell_state::stage;

constexpr size_t read_bytes = 64u << 10;

std::string seconds_text(std::chrono::milliseconds duration) {
  auto ms = duration.count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

void interrupt(python_shell_pointer self, std::string reason) {
  auto& state = self->state;
  if (state.now != stage::running || !state.interrupt_reason.empty())
    return;
  state.interrupt_reason = std::move(reason);
  interrupt_shell(state.process);
  self->delayed_send(self, state.settings.interrupt_grace / 2, interrupt_atom_v, state.cell_id);
  self->delayed_send(self, state.settings.interrupt_grace, kill_atom_v, state.cell_id);
}

// Python drops an exception that arises while it destroys an object, such as a file that was never closed. An interrupt
// that comes in such a moment is lost, so a cell that goes on gets another one before it is killed. One that is busy
// with the first does not notice (varro_worker/interrupts.py).
void interrupt_again(python_shell_pointer self, uint64_t id) {
  const auto& state = self->state;
  if (state.now == stage::running && id == state.cell_id)
    interrupt_shell(state.process);
}

void interrupt_all(python_shell_pointer self) {
  auto& state = self->state;
  // A stop is meant for the turn: a cell that waits behind the one in flight must not begin now.
  if (state.now != stage::ending)
    drop_waiting_cells(self, state.now == stage::running ? 1 : 0, cell_status::interrupted, "Stopped before it ran.");
  interrupt(self, "The cell was stopped; its variables are kept.");
}

void pass_deadline(python_shell_pointer self, uint64_t id) {
  auto& state = self->state;
  if (id == 0 && state.now == stage::starting)
    lose(self, cell_status::lost, "Python was not ready within " + seconds_text(state.settings.start_max) + ".");
  else if (id != 0 && id == state.cell_id)
    interrupt(self,
              "The cell ran longer than " + seconds_text(state.settings.cell_max)
                + " and was interrupted; its variables are kept.");
}

void pass_grace(python_shell_pointer self, uint64_t id) {
  auto& state = self->state;
  if (state.now == stage::running && id == state.cell_id)
    lose(self, cell_status::killed,
         "The cell did not end within " + seconds_text(state.settings.interrupt_grace)
           + " of being interrupted, and its shell was killed." + fresh_shell);
}

void close(python_shell_pointer self) {
  auto& state = self->state;
  if (state.now != stage::ending) {
    state.closed = true;
    lose(self, cell_status::lost, "The shell was closed.");
  } else if (!state.finished.empty()) {
    state.finished.clear();
    look_for_end_later(self);
  }
}

bool fall_asleep(python_shell_pointer self) {
  const auto& state = self->state;
  if (state.now == stage::starting || state.now == stage::running || !state.snapshots.empty()
      || !state.restores.empty())
    return false;
  close(self);
  return true;
}

// The server goes and the shell stays: what is in flight is left to the next one.
void leave(python_shell_pointer self) {
  auto& state = self->state;
  state.kept = state.now != stage::ending;
  self->quit();
}

} // namespace

void tell_busy(python_shell_pointer self) {
  const auto& state = self->state;
  if (state.host)
    self->send(state.host, busy_atom_v, state.chat, state.now == stage::running || !state.snapshots.empty());
}

bool is_leaving(python_shell_pointer self) {
  const auto& state = self->state;
  return state.retiring
    && (state.unacknowledged.empty() || self->clock().now() - state.retiring_since >= state.settings.cell_max);
}

void retire_if_settled(python_shell_pointer self) {
  auto& state = self->state;
  if (!state.retiring || state.now != stage::idle || !state.snapshots.empty() || !state.restores.empty())
    return;
  const bool has_rested = self->clock().now() - state.rests_since >= shell_rest;
  const bool is_settled = state.unacknowledged.empty() && state.finished.empty() && !state.snapshot_awaited;
  if (!has_rested && !is_settled)
    return;
  std::exchange(state.retiring, {})->deliver(true); // before cells that wait are given back
  close(self);
}

void note_rest(python_shell_pointer self) {
  auto& state = self->state;
  state.rests_since = self->clock().now();
  if (!state.retiring)
    return;
  retire_if_settled(self);
  if (state.retiring)
    self->delayed_send(self, shell_rest, tick_atom_v);
}

caf::result<bool> retire(python_shell_pointer self) {
  auto& state = self->state;
  if (state.now == stage::ending || state.retiring)
    return false;
  auto promise = self->make_response_promise<bool>();
  state.retiring = promise;
  state.retiring_since = self->clock().now();
  retire_if_settled(self);
  if (state.retiring)
    self->delayed_send(self, shell_rest, tick_atom_v);
  return promise;
}

python_shell_state::~python_shell_state() {
  if (!kept)
    kill_shell(process);
  process.fd = -1; // the broker's
  close_shell(process);
}

python_shell_broker::behavior_type python_shell(python_shell_pointer self, shell_config settings, shell_process process,
                                                int64_t chat, std::vector<live_cell> cells, shell_census_actor host) {
  auto& state = self->state;
  state.settings = std::move(settings);
  state.process = process;
  state.chat = chat;
  state.host = std::move(host);
  for (auto& each : cells) {
    state.queue.push_back({"", std::move(each.tag), each.id, each.started_at_ms, false, {}});
    state.cells_begun = std::max(state.cells_begun, each.id);
  }
  state.reader.emplace(state.settings.frame_bytes_max);
  auto connection = self->add_scribe(std::exchange(state.process.fd, -1));
  state.connection = connection;
  self->configure_read(connection, caf::io::receive_policy::at_most(read_bytes));
  self->delayed_send(self, state.settings.start_max, deadline_atom_v, uint64_t{0});
  self->set_exit_handler([=](caf::exit_msg&) { close(self); });
  return {
    [=](execute_atom, std::string& code) { return execute(self, std::move(code), {}); },
    [=](execute_atom, std::string& code, std::string& tag) { return execute(self, std::move(code), std::move(tag)); },
    [=](result_atom, const std::string& tag) { return result_of(self, tag); },
    [=](ack_atom, const std::string& tag) { acknowledge_tag(self, tag); },
    [=](snapshot_atom, int64_t base) { return take_snapshot(self, base); },
    [=](restore_atom, int64_t footer) { return restore(self, footer); },
    [=](interrupt_atom) { interrupt_all(self); },
    [=](interrupt_atom, std::string& reason) { interrupt(self, std::move(reason)); },
    [=](usage_atom, quota_left left) { self->state.left_to_show = left; },
    [=](close_atom) { close(self); },
    [=](sleep_atom) { return fall_asleep(self); },
    [=](passivate_atom) { return retire(self); },
    [=](tick_atom) { retire_if_settled(self); },
    [=](detach_atom) { leave(self); },
    [=](const caf::io::new_data_msg& data) { receive(self, data); },
    [=](const caf::io::connection_closed_msg&) {
      self->state.read_to_end = self->state.now != stage::ending;
      begin_end(self, false);
    },
    [=](deadline_atom, uint64_t id) { pass_deadline(self, id); },
    [=](interrupt_atom, uint64_t id) { interrupt_again(self, id); },
    [=](kill_atom, uint64_t id) { pass_grace(self, id); },
    [=](ended_atom, int status, std::string& why) { note_exit(self, status, std::move(why)); },
    [=](reap_atom) {
      if (self->state.now == stage::ending)
        look_for_end(self);
    },
  };
}

python_shell_broker spawn_python_shell(caf::actor_system& system, const shell_config& settings, shell_process process,
                                       int64_t chat, std::vector<live_cell> cells, shell_census_actor host) {
  return system.middleman().spawn_broker(python_shell, settings, process, chat, std::move(cells), std::move(host));
}

} // namespace varro
