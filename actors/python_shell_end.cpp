// How a shell ends: the looks for its process, what becomes of its cells, and the reason that they are told.
#include "actors/python_shell_parts.hpp"
#include "actors/shell_death.hpp"

#include <algorithm>

namespace varro {

namespace {

using stage = python_shell_state::stage;

constexpr int looks_before_kill = 12; // about half a second for a process that lost its socket to end by itself
constexpr int looks_for_status = 40;  // about two seconds for the exit status of a process that is gone
constexpr auto finished_max = std::chrono::minutes{1}; // for results of a shell that is gone

// The cell in flight was not begun: its worker says so first, everything that the worker wrote has come here, and
// nothing of it lives that could still begin. An interpreter's end and a broken protocol leave that open, and so does
// the end of varro-shells, which may take frames along.
bool is_surely_not_begun(const python_shell_state& state) {
  return !state.begun && state.read_to_end && !state.killed && state.exit_status
    && (state.end_why.empty() || state.end_why == "memory" || state.end_why.ends_with(" quota"));
}

void kill_now(python_shell_pointer self) {
  self->state.killed = true;
  kill_shell(self->state.process);
}

void finish(python_shell_pointer self) {
  auto& state = self->state;
  if (state.end_reason.empty()) {
    auto death = explain_exit(state.exit_status.value_or(0),
                              state.exit_status || !state.end_why.empty() ? state.end_why : "unknown", state.settings,
                              state.left_to_show.user_quota);
    state.end_status = death.status;
    state.end_reason = death.reason;
  }
  if (is_surely_not_begun(state) && !state.queue.empty() && state.queue.front().expected) {
    state.queue.front().answer.deliver(cell_not_begun());
    state.queue.pop_front();
  }
  while (!state.queue.empty()) {
    state.result.status = state.end_status;
    state.result.reason = state.end_reason;
    answer_first_cell(self);
  }
  if (!state.finished.empty()) { // somebody may still ask for them
    self->delayed_send(self, finished_max, close_atom_v);
    return;
  }
  if (state.closed)
    self->quit();
  else if (state.was_ready)
    self->quit(fail(errc::shell_lost, state.end_reason));
  else
    self->quit(
      fail(errc::shell_unavailable,
           "The Python shell could not be started: " + state.end_reason + " `varro doctor` says how to fix it."));
}

} // namespace

void begin_end(python_shell_pointer self, bool kill) {
  auto& state = self->state;
  if (state.now == stage::ending)
    return;
  if (auto retiring = std::exchange(state.retiring, {}))
    retiring->deliver(false);
  state.was_ready = state.now != stage::starting;
  end_snapshots(self);
  // Whether a cell was in flight must be known later; the queue alone does not say it.
  size_t in_flight = state.now == stage::running ? 1 : 0;
  state.now = stage::ending;
  tell_busy(self); // before anybody asks shell_host for another one
  give_back_waiting_cells(self, in_flight);
  self->close(state.connection);
  if (kill)
    kill_now(self);
  look_for_end_later(self);
}

void lose(python_shell_pointer self, cell_status status, std::string reason) {
  if (self->state.now == stage::ending)
    return;
  self->state.end_status = status;
  self->state.end_reason = std::move(reason);
  begin_end(self, true);
}

void look_for_end_later(python_shell_pointer self) {
  auto delay = std::min(1 << std::min(self->state.looks++, 6), 50);
  self->delayed_send(self, std::chrono::milliseconds{delay}, reap_atom_v);
}

void look_for_end(python_shell_pointer self) {
  auto& state = self->state;
  if (has_ended(state.process)) {
    // How it ended is on its way; without varro-shells nobody knows.
    if (state.exit_status || !state.host || ++state.looks_after_end > looks_for_status) {
      finish(self);
      return;
    }
  } else if (!state.killed && state.looks > looks_before_kill) {
    if (state.end_why.empty()) // one that dies slowly may have been killed for another reason, which is on its way
      state.end_why = "silence";
    kill_now(self);
  }
  look_for_end_later(self);
}

void note_exit(python_shell_pointer self, int status, std::string why) {
  self->state.exit_status = status;
  if (!why.empty())
    self->state.end_why = std::move(why);
}

} // namespace varro
