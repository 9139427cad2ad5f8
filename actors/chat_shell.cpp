#include "actors/chat_shell.hpp"

#include "models/history.hpp"

#include <system_error>

namespace varro {

namespace {

void fail_waiters(chat_session_pointer self, const caf::error& error) {
  auto waiters = std::move(self->state.shell_waiters);
  self->state.shell_waiters.clear();
  for (auto& waiter : waiters)
    waiter.deliver(error);
}

void shell_is_ready(chat_session_pointer self) {
  auto& state = self->state;
  state.stage = shell_stage::live;
  state.cells_to_restore.clear();
  auto waiters = std::move(state.shell_waiters);
  state.shell_waiters.clear();
  for (auto& waiter : waiters) {
    waiter.deliver(state.shell, state.shell_note);
    state.shell_note.clear();
  }
}

void restore_next(chat_session_pointer self) {
  auto& state = self->state;
  if (state.cells_restored == state.cells_to_restore.size()) {
    if (state.cells_failed != 0)
      state.shell_note = "[This session was restored by running its " + std::to_string(state.cells_restored)
        + " earlier cells again. " + std::to_string(state.cells_failed)
        + " of them failed this time: some variables may be missing.]\n";
    shell_is_ready(self);
    return;
  }
  const auto& cell = state.cells_to_restore[state.cells_restored];
  auto shell = state.shell;
  self->request(shell, caf::infinite, execute_atom_v, cell.code)
    .then(
      [=, failed_before = cell.failed](const cell_result& result) {
        auto& s = self->state;
        if (s.stage != shell_stage::restoring || s.shell != shell)
          return;
        ++s.cells_restored;
        if (result.status != cell_status::ok && !failed_before)
          ++s.cells_failed;
        restore_next(self);
      },
      [=](caf::error&) {
        if (self->state.shell == shell)
          shell_is_gone(self);
      });
}

void start_fresh_shell(chat_session_pointer self) {
  auto& state = self->state;
  state.cells_restored = 0;
  state.cells_failed = 0;
  state.cells_to_restore = recorded_cells(state.contents.messages);
  if (!state.cells_to_restore.empty() && state.current)
    self->send(chat_session_actor{self}, progress_atom_v, state.current->id, "Restoring session…");
  auto workspace = workspace_of(*state.services.settings, state.contents.chat.id).string();
  self->request(state.services.shells, caf::infinite, start_atom_v, state.contents.chat.id, workspace)
    .then(
      [=](const python_shell_actor& shell) {
        auto& s = self->state;
        if (s.stage != shell_stage::starting) { // given up meanwhile
          self->send(shell, close_atom_v);
          return;
        }
        s.shell = shell;
        self->monitor(shell);
        s.stage = shell_stage::restoring;
        restore_next(self);
      },
      [=](caf::error& error) {
        auto& s = self->state;
        if (s.stage != shell_stage::starting)
          return;
        s.stage = shell_stage::none;
        fail_waiters(self, error);
      });
}

// A shell that outlived a former server is taken as it is.
void start_shell(chat_session_pointer self) {
  auto& state = self->state;
  state.stage = shell_stage::starting;
  self->request(state.services.shells, caf::infinite, attach_atom_v, state.contents.chat.id)
    .then(
      [=](const python_shell_actor& shell, const std::vector<std::string>& tags) {
        if (self->state.stage != shell_stage::starting) { // given up meanwhile
          self->send(shell, close_atom_v);
          return;
        }
        take_over_shell(self, shell, tags);
      },
      [=](caf::error&) {
        if (self->state.stage == shell_stage::starting)
          start_fresh_shell(self);
      });
}

} // namespace

void take_over_shell(chat_session_pointer self, const python_shell_actor& shell, const std::vector<std::string>& tags) {
  auto& state = self->state;
  state.shell = shell;
  self->monitor(shell);
  auto open = open_calls(messages_of(state.contents.messages));
  for (const auto& tag : tags)
    if (std::none_of(open.begin(), open.end(), [&](const auto& call) { return call.tool_call_id == tag; }))
      self->send(shell, ack_atom_v, tag); // committed before the former server ended
  shell_is_ready(self);
}

void leave_shell(chat_session_pointer self) {
  auto& state = self->state;
  if (state.shell)
    self->demonitor(state.shell.address());
  state.shell = nullptr;
  state.stage = shell_stage::none;
  fail_waiters(self, fail(errc::shutting_down, "The server is stopping."));
}

caf::result<python_shell_actor, std::string> give_shell(chat_session_pointer self) {
  auto& state = self->state;
  auto promise = self->make_response_promise<python_shell_actor, std::string>();
  if (state.stage == shell_stage::live) {
    promise.deliver(state.shell, std::exchange(state.shell_note, {}));
    return promise;
  }
  state.shell_waiters.push_back(promise);
  if (state.stage == shell_stage::none)
    start_shell(self);
  return promise;
}

void close_shell(chat_session_pointer self) {
  auto& state = self->state;
  if (state.shell) {
    self->demonitor(state.shell.address());
    self->send(state.shell, close_atom_v);
  }
  state.shell = nullptr;
  state.stage = shell_stage::none;
  state.shell_note.clear();
  fail_waiters(self, fail(errc::shell_lost, "The Python shell was closed."));
}

void abandon_restore(chat_session_pointer self) {
  if (self->state.stage == shell_stage::restoring)
    close_shell(self);
}

void shell_is_gone(chat_session_pointer self) {
  auto& state = self->state;
  auto restoring = state.stage == shell_stage::restoring;
  state.shell = nullptr;
  state.stage = shell_stage::none;
  if (restoring)
    fail_waiters(self,
                 fail(errc::shell_lost,
                      "The Python shell ended while the chat's earlier cells were run again to "
                      "restore its variables."));
}

std::filesystem::path workspace_of(const config& settings, int64_t chat_id) {
  return settings.data_dir / "workspaces" / std::to_string(chat_id);
}

void remove_workspace(chat_session_pointer self) {
  auto& state = self->state;
  auto from = workspace_of(*state.services.settings, state.contents.chat.id);
  auto to = from;
  to += ".deleted";
  std::error_code error;
  std::filesystem::rename(from, to, error);
  if (!error)
    self->spawn([to](caf::event_based_actor*) {
      std::error_code ignored; // what stays is cleared away at the next start
      std::filesystem::remove_all(to, ignored);
    });
}

} // namespace varro
