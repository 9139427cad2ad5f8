#include "actors/chat_shell.hpp"

#include "actors/chat_shell_parts.hpp"
#include "base/fault_points.hpp"

#include <utility>

namespace varro {

namespace {

using self_pointer = chat_shell_pointer;

caf::error closed() {
  return fail(errc::shell_lost, "The Python shell was closed.");
}

void hand_out(self_pointer self, const python_shell_actor& live) {
  auto& state = self->state;
  for (auto& waiter : std::exchange(state.waiters, {}))
    waiter.deliver(live, std::exchange(state.note, {}));
}

// A cell will come: has the run's files kept and the shell started, beside each other, where that is not done yet.
void prepare_shell(self_pointer self) {
  auto& state = self->state;
  if (state.run != 0 && !state.keeping_files && state.files_kept_for != state.run)
    keep_files(self); // also when those of another run were kept meanwhile
  if (auto* ending = state.stage.now_ending())
    ending->wanted = true;
  // Cells that are run again write files, those that are about to be kept.
  if (state.stage.is_none() && !(state.keeping_files && state.rerun_cells))
    start_shell(self);
}

caf::result<python_shell_actor, std::string> give_shell(self_pointer self) {
  auto promise = self->make_response_promise<python_shell_actor, std::string>();
  self->state.waiters.push_back(promise);
  serve_waiters(self);
  tell_restoring(self);
  tell_place(self);
  return promise;
}

// --- end -------------------------------------------------------------------------------------------------------------

// Forgets the shell and lets it live.
void detach_shell(self_pointer self) {
  auto& stage = self->state.stage;
  if (auto shell = stage.shell())
    self->demonitor(shell.address());
  stage.forget();
}

// For a cell that this shell has not begun before it ended.
caf::result<python_shell_actor, std::string> give_another_shell(self_pointer self, const python_shell_actor& ended) {
  if (self->state.run == 0)
    return closed();
  if (self->state.stage.shell() == ended)
    detach_shell(self);
  return give_shell(self);
}

// The process of the shell that was ended is gone.
void shell_has_ended(self_pointer self) {
  auto ended = self->state.stage.take_ended();
  for (auto& then : ended.then)
    then();
  if (ended.wanted)
    serve_waiters(self);
}

// Ends the process, if there is one; who waits for it gets an error.
void close_shell(self_pointer self) {
  auto& state = self->state;
  if (auto shell = state.stage.shell()) {
    self->demonitor(shell.address());
    self->send(shell, close_atom_v);
  }
  state.stage.forget();
  state.given_up = false;
  state.note.clear();
  fail_waiters(self, closed());
}

// Ends the chat's shell, also one of a former server, and goes on when its process is gone.
void end_shell(self_pointer self, continuation then) {
  auto& state = self->state;
  if (!state.stage.end(std::move(then)))
    return; // it is ending, and `then` waits for that
  if (const auto& shell = state.stage.now_ending()->shell) {
    self->send(shell, close_atom_v); // it is monitored
    state.note.clear();
    return;
  }
  self->request(state.services.shells, caf::infinite, attach_atom_v, state.chat)
    .then(
      [=](const python_shell_actor& shell, const std::vector<std::string>& tags) {
        self->state.stage.end_former(shell);
        self->monitor(shell);
        acknowledge_all(self, shell, tags);
        self->send(shell, close_atom_v);
        self->state.note.clear();
      },
      [=](caf::error&) { shell_has_ended(self); });
}

void discard_shell(self_pointer self) {
  auto known = static_cast<bool>(self->state.stage.shell());
  close_shell(self);
  if (!known)
    end_shell(self, [] {});
}

void on_down(self_pointer self, const caf::actor_addr& source) {
  auto& stage = self->state.stage;
  if (const auto* ending = stage.now_ending()) {
    if (ending->shell && ending->shell.address() == source)
      shell_has_ended(self);
  } else if (auto shell = stage.shell(); shell && shell.address() == source) {
    lose_shell(self);
  }
}

caf::result<std::vector<std::string>> attach(self_pointer self) {
  auto promise = self->make_response_promise<std::vector<std::string>>();
  self->request(self->state.services.shells, caf::infinite, attach_atom_v, self->state.chat)
    .then(
      [=](const python_shell_actor& shell, const std::vector<std::string>& tags) mutable {
        adopt_shell(self, shell);
        promise.deliver(tags);
      },
      [=](caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

void acknowledge(self_pointer self, const std::vector<std::string>& tags, bool snapshot) {
  auto shell = self->state.stage.shell();
  if (!shell)
    return;
  for (const auto& tag : tags) {
    fault_point("cell_acknowledge");
    self->send(shell, ack_atom_v, tag);
  }
  if (snapshot)
    take_snapshot(self);
}

} // namespace

void fail_waiters(chat_shell_pointer self, const caf::error& error) {
  for (auto& waiter : std::exchange(self->state.waiters, {}))
    waiter.deliver(error);
}

void lose_shell(self_pointer self) {
  auto& stage = self->state.stage;
  auto restoring = stage.now_restoring() != nullptr;
  stage.forget();
  if (restoring)
    fail_waiters(self,
                 fail(errc::shell_lost,
                      "The Python shell ended while the chat's earlier cells were run again to "
                      "restore its variables."));
}

void adopt_shell(self_pointer self, const python_shell_actor& shell) {
  self->state.stage.adopt(shell);
  self->monitor(shell);
}

void acknowledge_all(self_pointer self, const python_shell_actor& shell, const std::vector<std::string>& tags) {
  for (const auto& tag : tags)
    self->send(shell, ack_atom_v, tag);
}

void serve_waiters(chat_shell_pointer self) {
  auto& state = self->state;
  if (state.waiters.empty())
    return;
  prepare_shell(self);
  if (auto* live = state.stage.now_live(); live != nullptr && !state.keeping_files)
    hand_out(self, live->shell);
}

chat_shell_actor::behavior_type chat_shell(self_pointer self, session_services services, shell_owner_actor owner,
                                           int64_t chat) {
  auto& state = self->state;
  state.services = std::move(services);
  state.owner = std::move(owner);
  state.chat = chat;
  self->set_down_handler([=](const caf::down_msg& down) { on_down(self, down.source); });
  self->set_exit_handler([=](const caf::exit_msg& exit) { self->quit(exit.reason); }); // also of a session that is done
  return {
    [=](start_atom, int64_t run) { self->state.run = run; },
    [=](ready_atom) { prepare_shell(self); },
    [=](cancel_atom) {
      if (self->state.stage.now_restoring() != nullptr)
        close_shell(self);
      else
        give_up_start(self);
    },
    [=](ack_atom, const std::vector<std::string>& tags, bool snapshot) { acknowledge(self, tags, snapshot); },
    [=](attach_atom) { return attach(self); },
    [=](snapshot_atom) { return drain_snapshots(self); },
    [=](deadline_atom) { give_up_snapshots(self); },
    [=](close_atom) {
      auto promise = self->make_response_promise<done_atom>();
      end_shell(self, [=]() mutable { promise.deliver(done_atom_v); });
      return promise;
    },
    [=](close_atom, bool former) {
      if (former)
        discard_shell(self);
      else
        close_shell(self);
    },
    [=](rerun_atom) {
      discard_shell(self);
      self->state.rerun_cells = true;
    },
    [=](passivate_atom) { return self->state.stage.is_none() && self->state.waiters.empty(); },
    [=](stop_atom, bool detach) {
      if (detach)
        detach_shell(self);
      else
        close_shell(self);
      self->quit();
      return done_atom_v;
    },
    [=](progress_atom, std::string& words) { take_place(self, std::move(words)); },
    [=](shell_atom) { return give_shell(self); },
    [=](shell_atom, const python_shell_actor& ended) { return give_another_shell(self, ended); },
  };
}

} // namespace varro
