#include "actors/chat_shell.hpp"

#include "actors/chat_snapshots.hpp"
#include "actors/shell_notes.hpp"
#include "base/fault_points.hpp"
#include "base/log.hpp"
#include "workspace/paths.hpp"
#include "workspace/snapshot_store.hpp"

#include <algorithm>
#include <system_error>

namespace varro {

namespace {

void forget_shell(chat_session_state& state) {
  state.shell = nullptr;
  state.stage = shell_stage::none;
  state.snapshotting = false;
}

void fail_waiters(chat_session_pointer self, const caf::error& error) {
  auto waiters = std::move(self->state.shell_waiters);
  self->state.shell_waiters.clear();
  for (auto& waiter : waiters)
    waiter.deliver(error);
}

void hand_out(chat_session_pointer self) {
  auto& state = self->state;
  auto waiters = std::move(state.shell_waiters);
  state.shell_waiters.clear();
  for (auto& waiter : waiters) {
    waiter.deliver(state.shell, state.shell_note);
    state.shell_note.clear();
  }
}

void shell_is_ready(chat_session_pointer self) {
  self->state.stage = shell_stage::live;
  self->state.cells_to_restore.clear();
  self->state.shell_note.insert(0, std::exchange(self->state.python_note, {}));
  serve_waiters(self);
}

void tell_restoring(chat_session_pointer self) {
  const auto& state = self->state;
  if (!state.shell_waiters.empty() && !state.cells_to_restore.empty() && state.current)
    self->send(chat_session_actor{self}, progress_atom_v, state.current->id, "Restoring session…");
}

void restore_next(chat_session_pointer self) {
  auto& state = self->state;
  if (state.cells_restored == state.cells_to_restore.size()) {
    state.rerun_cells = false;
    state.shell_note = rerun_note(state.cells_restored, state.cells_failed);
    shell_is_ready(self);
    take_snapshot(self);
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

// The namespace comes back from the newest snapshot; the recorded cells are run again only when the user asked for it.
void restore_namespace(chat_session_pointer self) {
  auto& state = self->state;
  if (state.rerun_cells) {
    restore_next(self);
    return;
  }
  const auto& cells = state.cells_to_restore;
  auto snapshot = state.history.newest_snapshot(cells);
  if (!snapshot) {
    if (!cells.empty())
      state.shell_note = gone_note(cells.size(), "there is no snapshot of them");
    shell_is_ready(self);
    return;
  }
  auto later = std::count_if(cells.begin(), cells.end(), [&](const auto& cell) { return cell.seq > snapshot->seq; });
  auto count = cells.size();
  auto shell = state.shell;
  self->request(shell, caf::infinite, restore_atom_v, snapshot->footer)
    .then(
      [=](const snapshot_restored& restored) {
        auto& s = self->state;
        if (s.stage != shell_stage::restoring || s.shell != shell)
          return;
        s.snapshot_base = snapshot->footer;
        s.shell_note = woken_note(restored, static_cast<size_t>(later));
        shell_is_ready(self);
      },
      [=](caf::error& error) {
        auto& s = self->state;
        if (s.stage != shell_stage::restoring || s.shell != shell)
          return;
        if (code_of(error) == errc::none || code_of(error) == errc::shell_lost) {
          shell_is_gone(self);
          return;
        }
        s.shell_note = gone_note(count, "their snapshot could not be read: " + text_of(error));
        shell_is_ready(self);
      });
}

void start_fresh_shell(chat_session_pointer self) {
  auto& state = self->state;
  state.cells_restored = 0;
  state.cells_failed = 0;
  state.cells_to_restore = state.history.cells();
  state.snapshot_base = -1;
  tell_restoring(self);
  self
    ->request(state.services.shells, caf::infinite, start_atom_v,
              shell_for(state.history.chat(), *state.services.settings, state.python_note))
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
        restore_namespace(self);
      },
      [=](caf::error& error) {
        auto& s = self->state;
        if (s.stage != shell_stage::starting)
          return;
        s.stage = shell_stage::none;
        fail_waiters(self, error);
      });
}

// Nobody waits for these results: what they returned is committed, or was told to be lost.
void acknowledge_all(chat_session_pointer self, const std::vector<std::string>& tags) {
  for (const auto& tag : tags)
    self->send(self->state.shell, ack_atom_v, tag);
}

void start_shell(chat_session_pointer self) {
  auto& state = self->state;
  state.stage = shell_stage::starting;
  state.cells_to_restore.clear();
  self->request(state.services.shells, caf::infinite, attach_atom_v, state.history.chat().id)
    .then(
      [=](const python_shell_actor& shell, const std::vector<std::string>& tags) {
        if (self->state.stage != shell_stage::starting) { // given up meanwhile
          self->send(shell, close_atom_v);
          return;
        }
        adopt_shell(self, shell);
        acknowledge_all(self, tags);
        shell_is_ready(self);
      },
      [=](caf::error&) {
        if (self->state.stage == shell_stage::starting)
          start_fresh_shell(self);
      });
}

} // namespace

wanted_shell shell_for(const chat_record& chat, const config& settings, std::string& note) {
  wanted_shell wanted{chat.user_id, chat.id, workspace_of(settings.data_dir, chat.id).string(), chat.python};
  note.clear();
  if (!wanted.python.empty() && !settings.shell.has_interpreter(wanted.python)) {
    note = "[The Python \"" + wanted.python + "\" of this chat is no longer configured; this is \""
      + settings.shell.default_python + "\".]\n";
    wanted.python.clear();
  }
  return wanted;
}

void prepare_shell(chat_session_pointer self) {
  auto& state = self->state;
  if (state.current && !state.keeping_files && state.files_kept_for != state.current->id)
    keep_files(self); // also when those of another run were kept meanwhile
  // Cells that are run again write files, those that are about to be kept.
  if (state.stage == shell_stage::none && !(state.keeping_files && state.rerun_cells))
    start_shell(self);
}

void serve_waiters(chat_session_pointer self) {
  auto& state = self->state;
  if (state.shell_waiters.empty())
    return;
  prepare_shell(self);
  if (state.stage == shell_stage::live && !state.keeping_files)
    hand_out(self);
}

caf::result<python_shell_actor, std::string> give_shell(chat_session_pointer self) {
  auto& state = self->state;
  auto promise = self->make_response_promise<python_shell_actor, std::string>();
  state.shell_waiters.push_back(promise);
  serve_waiters(self);
  tell_restoring(self);
  return promise;
}

caf::result<python_shell_actor, std::string> give_another_shell(chat_session_pointer self,
                                                                const python_shell_actor& ended) {
  if (self->state.shell == ended)
    let_go_of_shell(self);
  return give_shell(self);
}

void close_shell(chat_session_pointer self) {
  auto& state = self->state;
  if (state.shell) {
    self->demonitor(state.shell.address());
    self->send(state.shell, close_atom_v);
  }
  forget_shell(state);
  state.shell_note.clear();
  fail_waiters(self, fail(errc::shell_lost, "The Python shell was closed."));
}

void discard_shell(chat_session_pointer self) {
  auto known = static_cast<bool>(self->state.shell);
  close_shell(self);
  if (!known)
    end_shell(self, [] {});
}

void end_shell(chat_session_pointer self, std::function<void()> then) {
  auto& state = self->state;
  if (state.shell) {
    state.ending_shells[state.shell.address()] = std::move(then);
    self->send(state.shell, close_atom_v); // it is monitored
    forget_shell(state);
    state.shell_note.clear();
    return;
  }
  state.stage = shell_stage::none; // one that starts is given up
  self->request(state.services.shells, caf::infinite, attach_atom_v, state.history.chat().id)
    .then(
      [=](const python_shell_actor& shell, const std::vector<std::string>& tags) {
        adopt_shell(self, shell);
        acknowledge_all(self, tags);
        end_shell(self, then);
      },
      [=](caf::error&) { then(); });
}

void let_go_of_shell(chat_session_pointer self) {
  auto& state = self->state;
  if (state.shell)
    self->demonitor(state.shell.address());
  forget_shell(state);
}

void adopt_shell(chat_session_pointer self, const python_shell_actor& shell) {
  auto& state = self->state;
  state.shell = shell;
  state.stage = shell_stage::live;
  self->monitor(shell);
}

bool acknowledge_cells(chat_session_pointer self, const message& content) {
  const auto* request = std::get_if<model_request>(&content);
  if (request == nullptr || !self->state.shell)
    return false;
  bool any = false;
  for (const auto& part : request->parts)
    if (const auto* result = std::get_if<tool_return_part>(&part);
        result != nullptr && result->tool_name == python_tool_name) {
      fault_point("cell_acknowledge");
      self->send(self->state.shell, ack_atom_v, result->tool_call_id);
      any = true;
    }
  return any;
}

void abandon_restore(chat_session_pointer self) {
  if (self->state.stage == shell_stage::restoring)
    close_shell(self);
}

bool note_ended_shell(chat_session_pointer self, const caf::actor_addr& shell) {
  auto& ending = self->state.ending_shells;
  auto found = ending.find(shell);
  if (found == ending.end())
    return false;
  auto then = std::move(found->second);
  ending.erase(found);
  then();
  return true;
}

void shell_is_gone(chat_session_pointer self) {
  auto& state = self->state;
  auto restoring = state.stage == shell_stage::restoring;
  forget_shell(state);
  if (restoring)
    fail_waiters(self,
                 fail(errc::shell_lost,
                      "The Python shell ended while the chat's earlier cells were run again to "
                      "restore its variables."));
}

} // namespace varro
