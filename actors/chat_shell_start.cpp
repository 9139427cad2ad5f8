// How a chat's shell comes to be live: one of a former server is taken over, else a fresh one gets the namespace back.
#include "actors/chat_shell_parts.hpp"
#include "actors/shell_notes.hpp"
#include "workspace/paths.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varro {

namespace {

using self_pointer = chat_shell_pointer;

// --- restore ---------------------------------------------------------------------------------------------------------

// The namespace is back, from the snapshot with this footer (-1: from none), and `note` tells the next reader of it.
void shell_is_ready(self_pointer self, const std::string& note, int64_t snapshot_base = -1) {
  auto& state = self->state;
  if (state.stage.has_cells())
    process_traces().note(state.run, {span_name::restore, 0, 0, state.started_at});
  state.note = state.stage.now_restoring()->python_note + note;
  state.stage.go_live(snapshot_base);
  serve_waiters(self);
}

// While this shell is being restored.
shell_stage::restoring* restoring_as(self_pointer self, const python_shell_actor& shell) {
  auto* now = self->state.stage.now_restoring();
  return now != nullptr && now->shell == shell ? now : nullptr;
}

void rerun_next(self_pointer self) {
  auto& state = self->state;
  auto* now = state.stage.now_restoring();
  if (now->run_again == now->cells.size()) {
    state.rerun_cells = false;
    shell_is_ready(self, rerun_note(now->run_again, now->failed));
    take_snapshot(self);
    return;
  }
  const auto& cell = now->cells[now->run_again];
  auto shell = now->shell;
  self->request(shell, caf::infinite, execute_atom_v, cell.code)
    .then(
      [=, failed_before = cell.failed](const cell_result& result) {
        auto* still = restoring_as(self, shell);
        if (still == nullptr)
          return;
        ++still->run_again;
        if (result.status != cell_status::ok && !failed_before)
          ++still->failed;
        rerun_next(self);
      },
      [=](caf::error&) {
        if (self->state.stage.shell() == shell)
          lose_shell(self);
      });
}

// From the newest snapshot; the recorded cells are run again only when the user asked for it.
void restore_from(self_pointer self, const std::optional<snapshot_record>& snapshot) {
  auto& state = self->state;
  const auto& cells = state.stage.now_restoring()->cells;
  if (!snapshot) {
    shell_is_ready(self, cells.empty() ? state.note : gone_note(cells.size(), "there is no snapshot of them"));
    return;
  }
  auto later = std::count_if(cells.begin(), cells.end(), [&](const auto& cell) { return cell.seq > snapshot->seq; });
  auto count = cells.size();
  auto shell = state.stage.shell();
  self->request(shell, caf::infinite, restore_atom_v, snapshot->footer)
    .then(
      [=, footer = snapshot->footer](const snapshot_restored& restored) {
        if (restoring_as(self, shell) != nullptr)
          shell_is_ready(self, woken_note(restored, static_cast<size_t>(later)), footer);
      },
      [=](caf::error& error) {
        if (restoring_as(self, shell) == nullptr)
          return;
        if (code_of(error) == errc::none || code_of(error) == errc::shell_lost)
          lose_shell(self);
        else
          shell_is_ready(self, gone_note(count, "their snapshot could not be read: " + text_of(error)));
      });
}

// A snapshot may have been committed since the shell was asked for.
void restore_namespace(self_pointer self, const python_shell_actor& shell) {
  if (self->state.rerun_cells) {
    rerun_next(self);
    return;
  }
  self->request(self->state.owner, caf::infinite, history_atom_v, shell_atom_v)
    .then(
      [=](const shell_past& past) {
        if (restoring_as(self, shell) != nullptr)
          restore_from(self, past.snapshot);
      },
      [](caf::error&) {}); // the session has ended
}

// --- start -----------------------------------------------------------------------------------------------------------

void note_start(chat_shell_state& state, std::string error) {
  span done{span_name::shell_start, 0, 0, state.started_at};
  done.error = std::move(error);
  process_traces().note(state.run, std::move(done));
  state.started_at = trace_clock::now(); // of the restoring
}

void start_fresh_shell(self_pointer self, const shell_past& past, const std::string& former_note) {
  auto& state = self->state;
  std::string python_note;
  auto wanted = shell_for(past.chat, *state.services.settings, python_note);
  state.stage.start_fresh(past.cells, former_note + python_note);
  tell_restoring(self);
  state.started_at = trace_clock::now();
  self
    ->request(state.services.shells, caf::infinite, start_atom_v, std::move(wanted),
              shell_waiter_actor{chat_shell_actor{self}})
    .then(
      [=](const python_shell_actor& shell) {
        self->state.given_up = false;
        note_start(self->state, {});
        if (!self->state.stage.restore(shell)) { // given up meanwhile
          self->send(shell, close_atom_v);
          return;
        }
        self->monitor(shell);
        restore_namespace(self, shell);
      },
      [=](caf::error& error) {
        auto& s = self->state;
        note_start(s, "not_started");
        s.place.clear();
        const bool taken_back = std::exchange(s.given_up, false);
        const bool cancelled = code_of(error) == errc::cancelled;
        if (s.stage.now_starting() == nullptr || (cancelled && !taken_back)) // of an earlier start
          return;
        s.stage.forget();
        if (cancelled)
          serve_waiters(self); // of another run
        else
          fail_waiters(self, error);
      });
}

// `former_note`: what became of a former shell.
void ask_for_past(self_pointer self, const std::string& former_note) {
  self->request(self->state.owner, caf::infinite, history_atom_v, shell_atom_v)
    .then(
      [=](const shell_past& past) {
        if (self->state.stage.now_starting() != nullptr)
          start_fresh_shell(self, past, former_note);
      },
      [](caf::error&) {}); // the session has ended
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

void tell_restoring(chat_shell_pointer self) {
  const auto& state = self->state;
  if (!state.waiters.empty() && state.stage.has_cells() && state.run != 0)
    self->send(state.owner, restore_atom_v, state.run);
}

void tell_place(chat_shell_pointer self) {
  const auto& state = self->state;
  if (!state.place.empty() && !state.waiters.empty() && state.run != 0)
    self->send(state.owner, shell_atom_v, state.run, state.place);
}

void take_place(chat_shell_pointer self, std::string words) {
  auto& state = self->state;
  const bool waited = !state.place.empty();
  state.place = std::move(words);
  tell_place(self);
  if (!waited || !state.place.empty() || state.waiters.empty() || state.run == 0)
    return;
  self->send(state.owner, shell_atom_v, state.run, std::string{"Running tools…"});
  tell_restoring(self);
}

void give_up_start(chat_shell_pointer self) {
  auto& state = self->state;
  if (state.stage.now_starting() == nullptr)
    return;
  state.given_up = true;
  fail_waiters(self, fail(errc::cancelled, "The run was stopped."));
  self->send(state.services.shells, cancel_atom_v, state.chat);
}

void start_shell(chat_shell_pointer self) {
  auto& state = self->state;
  state.stage.start();
  self->request(state.services.shells, caf::infinite, attach_atom_v, state.chat)
    .then(
      [=](const python_shell_actor& shell, const std::vector<std::string>& tags) {
        if (self->state.stage.now_starting() == nullptr) { // given up meanwhile
          self->send(shell, close_atom_v);
          return;
        }
        adopt_shell(self, shell);
        acknowledge_all(self, shell, tags);
        serve_waiters(self);
      },
      [=](caf::error& error) {
        if (self->state.stage.now_starting() != nullptr)
          ask_for_past(self, code_of(error) == errc::shell_lost ? "[" + text_of(error) + "]\n" : std::string{});
      });
}

} // namespace varro
