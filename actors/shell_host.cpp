// The actor itself: its handlers, the life of a shell in the census, and the stop.
#include "actors/live_shell.hpp"
#include "actors/shell_host_parts.hpp"

#include <algorithm>

namespace varro {

namespace {

using stage = shell_host_state::stage;
using start_promise = shell_host_state::start_promise;

start_promise start(shell_host_pointer self, wanted_shell wanted, shell_waiter_actor waiter) {
  auto& state = self->state;
  auto chat = wanted.chat;
  auto promise = self->make_response_promise<python_shell_actor>();
  if (state.stopping) {
    promise.deliver(fail(errc::shutting_down, "The server is stopping."));
    return promise;
  }
  state.ended_for.erase(chat); // it was told when the former one was asked for
  // What is asked for is a fresh one.
  if (auto orphan = state.orphans.find(chat); orphan != state.orphans.end() && orphan->second.waiting.empty()) {
    drop_orphan(self, orphan->second);
    state.orphans.erase(orphan);
  }
  if (auto request = state.requests.find(chat); request != state.requests.end()) {
    request->second.waiting.push_back(promise);
    return promise;
  }
  if (auto found = state.shells.find(chat); found != state.shells.end()) {
    auto& shell = found->second;
    if (shell.now == stage::starting) {
      shell.waiting.push_back(promise);
      return promise;
    }
    if (shell.now == stage::live && !shell.used) {
      promise.deliver(python_shell_actor{shell.handle});
      return promise;
    }
    close_shell_of(self, shell); // what was asked for is a fresh one
  }
  add_request(self, {std::move(wanted), {promise}, std::move(waiter), {}});
  serve_requests(self);
  return promise;
}

void cancel_start(shell_host_pointer self, int64_t chat) {
  if (!self->state.requests.contains(chat))
    return;
  auto request = take_request(self, chat);
  fail_all(request.waiting, fail(errc::cancelled, "The shell is not wanted any more."));
}

void become_live(shell_host_pointer self, int64_t chat) {
  auto found = self->state.shells.find(chat);
  if (found == self->state.shells.end() || found->second.now != stage::starting)
    return;
  auto& shell = found->second;
  shell.now = stage::live;
  shell.last_used = self->clock().now();
  for (auto& promise : std::exchange(shell.waiting, {}))
    promise.deliver(python_shell_actor{shell.handle});
  if (auto orphan = self->state.orphans.find(chat); orphan != self->state.orphans.end()) {
    for (auto& promise : orphan->second.waiting)
      promise.deliver(python_shell_actor{shell.handle}, shell.tags);
    self->state.orphans.erase(orphan);
  }
  serve_requests(self);
}

void note_use(shell_host_pointer self, int64_t chat, bool busy) {
  auto found = self->state.shells.find(chat);
  if (found == self->state.shells.end())
    return;
  found->second.busy = busy;
  found->second.used = true;
  found->second.last_used = self->clock().now();
  if (busy)
    allow_anew(self, chat);
  else
    serve_requests(self);
}

void forget(shell_host_pointer self, const caf::down_msg& down) {
  auto& state = self->state;
  auto waiter = std::find_if(state.requests.begin(), state.requests.end(),
                             [&](const auto& entry) { return entry.second.waiter.address() == down.source; });
  if (waiter != state.requests.end()) {
    cancel_start(self, waiter->first);
    return;
  }
  auto& shells = state.shells;
  auto found = find_shell(state, down.source);
  if (found == shells.end())
    return;
  auto reason = code_of(down.reason) == errc::none ? fail(errc::shell_unavailable, "The shell ended while starting.")
                                                   : down.reason;
  fail_all(found->second.waiting, reason);
  if (state.client && !(state.stopping && state.settings->keep_shells))
    state.client->close(found->second.number);
  shells.erase(found);
  serve_requests(self);
  answer_stop(self);
}

caf::typed_response_promise<done_atom> stop(shell_host_pointer self) {
  auto& state = self->state;
  state.stopping = true;
  state.stopped = self->make_response_promise<done_atom>();
  while (!state.requests.empty()) {
    auto request = take_request(self, state.requests.begin()->first);
    fail_all(request.waiting, fail(errc::shutting_down, "The server is stopping."));
  }
  for (auto& [chat, shell] : state.shells) {
    if (state.settings->keep_shells) {
      if (shell.handle)
        self->send(shell.handle, detach_atom_v);
    } else if (shell.now == stage::closing && shell.handle) {
      self->send(shell.handle, close_atom_v); // it may have ended and keep results that now nobody fetches
    } else {
      close_shell_of(self, shell);
    }
  }
  // The others are waited for: whoever still has a shell when varro-shells sees this server go takes that for its end.
  if (state.settings->keep_shells)
    std::erase_if(state.shells, [](const auto& entry) { return !entry.second.handle; });
  auto promise = state.stopped;
  answer_stop(self);
  return promise;
}

const char* state_of(const shell_host_state::shell& shell) {
  switch (shell.now) {
  case stage::starting:
    return "starting";
  case stage::closing:
    return "closing";
  default:
    return shell.busy ? "busy" : "idle";
  }
}

live_shells list(shell_host_pointer self) {
  const auto now = self->clock().now();
  const auto seconds = [](auto duration) { return std::chrono::duration_cast<std::chrono::seconds>(duration).count(); };
  auto all = std::make_shared<std::vector<live_shell>>();
  for (const auto& [chat, shell] : self->state.shells)
    all->push_back(
      {shell.user, chat, state_of(shell), shell.busy ? 0 : seconds(now - shell.last_used), shell.files_bytes});
  for (const auto& [chat, orphan] : self->state.orphans)
    if (!self->state.shells.contains(chat)) // else it is being taken over
      all->push_back({orphan.user, chat, "idle", seconds(now - orphan.found_at), 0});
  return all;
}

// Its chat is told as of one that dies.
void close(shell_host_pointer self, int64_t chat) {
  if (auto found = self->state.shells.find(chat); found != self->state.shells.end())
    close_shell_of(self, found->second);
  else if (const auto orphan = self->state.orphans.find(chat); orphan != self->state.orphans.end()) {
    drop_orphan(self, orphan->second);
    self->state.orphans.erase(orphan);
  }
}

} // namespace

std::map<int64_t, shell_host_state::shell>::iterator find_shell(shell_host_state& state, const caf::actor_addr& actor) {
  return std::find_if(state.shells.begin(), state.shells.end(),
                      [&](const auto& entry) { return entry.second.handle == actor; });
}

void close_shell_of(shell_host_pointer self, shell_host_state::shell& shell) {
  if (shell.now == stage::closing)
    return;
  shell.now = stage::closing;
  fail_all(shell.waiting, fail(errc::shell_unavailable, "The shell was closed before it was ready."));
  if (shell.handle)
    self->send(shell.handle, close_atom_v);
}

supervisor_client& client_of(shell_host_pointer self) {
  auto& state = self->state;
  if (!state.client) {
    shell_host_internal me{self};
    auto weak = caf::actor_cast<caf::weak_actor_ptr>(me);
    state.census_known = false;
    state.client = std::make_unique<supervisor_client>(
      supervisor_settings{state.settings->data_dir, state.settings->shell}, [weak](shell_event event) {
        if (auto strong = weak.lock())
          caf::anon_send(caf::actor_cast<shell_host_internal>(strong), std::make_shared<shell_event>(std::move(event)));
      });
  }
  return *state.client;
}

void answer_stop(shell_host_pointer self) {
  auto& state = self->state;
  if (!state.stopping || !state.shells.empty() || !state.stopped.pending())
    return;
  if (state.client && !state.settings->keep_shells) {
    state.client->end(); // its loss brings us back
    return;
  }
  state.client.reset();
  state.stopped.deliver(done_atom_v);
  self->quit();
}

shell_host_internal::behavior_type shell_host(shell_host_pointer self, std::shared_ptr<const config> settings,
                                              store_actor store, store_reader_actor reader,
                                              allowances_actor allowances) {
  auto& state = self->state;
  state.settings = std::move(settings);
  state.store = std::move(store);
  state.reader = std::move(reader);
  state.allowances = std::move(allowances);
  self->set_down_handler([=](const caf::down_msg& down) { forget(self, down); });
  self->send(self, tick_atom_v);
  client_of(self); // its interpreter is warm when the first chat needs it
  return {
    [=](start_atom, wanted_shell& wanted) { return start(self, std::move(wanted), {}); },
    [=](start_atom, wanted_shell& wanted, shell_waiter_actor& waiter) {
      return start(self, std::move(wanted), std::move(waiter));
    },
    [=](cancel_atom, int64_t chat) { cancel_start(self, chat); },
    [=](busy_atom, int64_t chat, bool busy) { note_use(self, chat, busy); },
    [=](usage_atom, int64_t user, int64_t chat, int64_t bytes) { note_usage(self, user, chat, bytes); },
    [=](count_atom) { return static_cast<int64_t>(self->state.shells.size()); },
    [=](list_atom) { return list(self); },
    [=](close_atom, int64_t chat) { close(self, chat); },
    [=](stats_atom) {
      actor_counts counts;
      counts.shells = static_cast<int64_t>(self->state.shells.size());
      counts.waiting_shells = static_cast<int64_t>(self->state.requests.size());
      return counts;
    },
    [=](stop_atom) { return stop(self); },
    [=](ready_atom, int64_t chat) { become_live(self, chat); },
    [=](attach_atom, int64_t chat) { return attach(self, chat); },
    [=](ack_atom, uint64_t shell, uint64_t cell) {
      if (self->state.client)
        self->state.client->acknowledge(shell, cell);
      note_committed_cell(self, shell);
    },
    [=](snapshot_atom, uint64_t shell, int64_t chat, uint64_t id, int64_t base) {
      return ask_for_snapshot(self, shell, chat, id, base);
    },
    [=](restore_atom, uint64_t shell, int64_t chat, uint64_t id, int64_t footer) {
      return ask_to_restore(self, shell, chat, id, footer);
    },
    [=](shell_news& news) { take_news(self, *news); },
    [=](tick_atom) { close_idle(self); },
    [=](progress_atom) { tell_places(self); },
  };
}

shell_host_actor spawn_shell_host(caf::actor_system& system, std::shared_ptr<const config> settings, store_actor store,
                                  store_reader_actor reader, allowances_actor allowances) {
  return system.spawn(shell_host, std::move(settings), std::move(store), std::move(reader), std::move(allowances));
}

} // namespace varro
