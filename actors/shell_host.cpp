#include "actors/shell_host.hpp"

namespace varro {

namespace {

using stage = shell_host_state::stage;
using start_promise = shell_host_state::start_promise;

void fail_all(std::vector<start_promise>& promises, const caf::error& error) {
  for (auto& promise : promises)
    promise.deliver(error);
  promises.clear();
}

void close_shell_of(shell_host_pointer self, shell_host_state::shell& shell) {
  if (shell.now == stage::closing)
    return;
  shell.now = stage::closing;
  fail_all(shell.waiting, fail(errc::shell_unavailable, "The shell was closed before it was ready."));
  self->send(shell.handle, close_atom_v);
}

void start_one(shell_host_pointer self, shell_host_state::request request) {
  auto& state = self->state;
  auto process = state.start(state.settings->shell, request.workspace, request.chat);
  if (!process) {
    fail_all(request.waiting, process.error());
    return;
  }
  auto& shell = state.shells[request.chat];
  shell.handle
    = spawn_python_shell(self->system(), state.settings->shell, *process, request.chat, shell_host_internal{self});
  shell.last_used = self->clock().now();
  shell.waiting = std::move(request.waiting);
  self->monitor(shell.handle);
}

// Starts what there is room for, in order; otherwise makes room by closing idle shells.
void serve_requests(shell_host_pointer self) {
  auto& state = self->state;
  const auto& limits = state.settings->shell;
  for (auto next = state.requests.begin(); next != state.requests.end();) {
    if (state.count(stage::starting) >= static_cast<size_t>(limits.starting_max))
      return;
    if (state.shells.contains(next->chat)) { // its old shell is still ending
      ++next;
      continue;
    }
    if (state.shells.size() >= static_cast<size_t>(limits.live_max)) {
      auto leaving = state.count(stage::closing);
      for (auto idle = state.least_recently_used(); leaving < state.requests.size() && idle != state.shells.end();
           idle = state.least_recently_used(), ++leaving)
        close_shell_of(self, idle->second);
      return;
    }
    auto request = std::move(*next);
    next = state.requests.erase(next);
    start_one(self, std::move(request));
  }
}

start_promise start(shell_host_pointer self, int64_t chat, std::string workspace) {
  auto& state = self->state;
  auto promise = self->make_response_promise<python_shell_actor>();
  if (state.stopping) {
    promise.deliver(fail(errc::shutting_down, "The server is stopping."));
    return promise;
  }
  for (auto& request : state.requests) {
    if (request.chat == chat) {
      request.waiting.push_back(promise);
      return promise;
    }
  }
  if (auto found = state.shells.find(chat); found != state.shells.end()) {
    auto& shell = found->second;
    if (shell.now == stage::starting) {
      shell.waiting.push_back(promise);
      return promise;
    }
    if (shell.now == stage::live && !shell.used) {
      promise.deliver(shell.handle);
      return promise;
    }
    close_shell_of(self, shell); // what was asked for is a fresh one
  }
  state.requests.push_back({chat, std::move(workspace), {promise}});
  serve_requests(self);
  return promise;
}

void become_live(shell_host_pointer self, int64_t chat) {
  auto found = self->state.shells.find(chat);
  if (found == self->state.shells.end() || found->second.now != stage::starting)
    return;
  auto& shell = found->second;
  shell.now = stage::live;
  shell.last_used = self->clock().now();
  for (auto& promise : std::exchange(shell.waiting, {}))
    promise.deliver(shell.handle);
  serve_requests(self);
}

void note_use(shell_host_pointer self, int64_t chat, bool busy) {
  auto found = self->state.shells.find(chat);
  if (found == self->state.shells.end())
    return;
  found->second.busy = busy;
  found->second.used = true;
  found->second.last_used = self->clock().now();
  if (!busy)
    serve_requests(self);
}

void answer_stop(shell_host_pointer self) {
  auto& state = self->state;
  if (state.stopping && state.shells.empty() && state.stopped.pending()) {
    state.stopped.deliver(done_atom_v);
    self->quit();
  }
}

void forget(shell_host_pointer self, const caf::down_msg& down) {
  auto& shells = self->state.shells;
  auto found
    = std::find_if(shells.begin(), shells.end(), [&](const auto& entry) { return entry.second.handle == down.source; });
  if (found == shells.end())
    return;
  auto reason = code_of(down.reason) == errc::none ? fail(errc::shell_unavailable, "The shell ended while starting.")
                                                   : down.reason;
  fail_all(found->second.waiting, reason);
  shells.erase(found);
  serve_requests(self);
  answer_stop(self);
}

void close_idle(shell_host_pointer self) {
  auto& state = self->state;
  if (state.stopping)
    return;
  auto idle = std::chrono::duration_cast<shell_host_state::clock::duration>(state.settings->shell.idle);
  auto now = self->clock().now();
  for (auto& [chat, shell] : state.shells)
    if (shell.now == stage::live && !shell.busy && now - shell.last_used >= idle)
      close_shell_of(self, shell);
  self->delayed_send(self, std::max<shell_host_state::clock::duration>(idle / 4, std::chrono::milliseconds{100}),
                     tick_atom_v);
}

caf::typed_response_promise<done_atom> stop(shell_host_pointer self) {
  auto& state = self->state;
  state.stopping = true;
  state.stopped = self->make_response_promise<done_atom>();
  for (auto& request : state.requests)
    fail_all(request.waiting, fail(errc::shutting_down, "The server is stopping."));
  state.requests.clear();
  for (auto& [chat, shell] : state.shells)
    close_shell_of(self, shell);
  auto promise = state.stopped;
  answer_stop(self);
  return promise;
}

} // namespace

size_t shell_host_state::count(stage which) const {
  return static_cast<size_t>(
    std::count_if(shells.begin(), shells.end(), [=](const auto& entry) { return entry.second.now == which; }));
}

std::map<int64_t, shell_host_state::shell>::iterator shell_host_state::least_recently_used() {
  auto found = shells.end();
  for (auto it = shells.begin(); it != shells.end(); ++it)
    if (it->second.now == stage::live && !it->second.busy
        && (found == shells.end() || it->second.last_used < found->second.last_used))
      found = it;
  return found;
}

shell_host_internal::behavior_type shell_host(shell_host_pointer self, std::shared_ptr<const config> settings) {
  auto& state = self->state;
  state.settings = std::move(settings);
  state.start = [](const shell_config& limits, const std::string& workspace, int64_t chat) {
    return start_shell(limits, workspace, chat);
  };
  self->set_down_handler([=](const caf::down_msg& down) { forget(self, down); });
  self->send(self, tick_atom_v);
  return {
    [=](start_atom, int64_t chat, std::string& workspace) { return start(self, chat, std::move(workspace)); },
    [=](busy_atom, int64_t chat, bool busy) { note_use(self, chat, busy); },
    [=](count_atom) { return static_cast<int64_t>(self->state.shells.size()); },
    [=](stop_atom) { return stop(self); },
    [=](ready_atom, int64_t chat) { become_live(self, chat); },
    [=](tick_atom) { close_idle(self); },
  };
}

shell_host_actor spawn_shell_host(caf::actor_system& system, std::shared_ptr<const config> settings) {
  return system.spawn<caf::detached>(shell_host, std::move(settings));
}

} // namespace varro
