// What varro-shells tells: shells that have started, failed or ended, and its own end.
#include "actors/shell_host_parts.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

namespace varro {

namespace {

using stage = shell_host_state::stage;

// One that is taken over did not start now.
void measure_start(const shell_host_state::order& order, bool started) {
  if (!order.attach)
    process_metrics().note_shell_start(std::chrono::steady_clock::now() - order.at, started);
}

void take_started(shell_host_pointer self, shell_event& event) {
  auto& state = self->state;
  auto order = state.orders.find(event.request);
  auto found = order == state.orders.end() ? state.shells.end() : state.shells.find(order->second.chat);
  if (found == state.shells.end() || found->second.handle) {
    close_shell(event.process);
    state.client->close(event.shell);
    return;
  }
  measure_start(order->second, true);
  auto chat = order->second.chat;
  auto& shell = found->second;
  std::vector<live_cell> cells;
  if (auto orphan = state.orphans.find(chat); order->second.attach && orphan != state.orphans.end())
    cells = orphan->second.cells;
  state.orders.erase(order);
  shell.number = event.shell;
  auto limits = state.settings->shell;
  limits.memory_bytes_max = event.memory == 0 ? limits.memory_bytes_max : event.memory;
  shell.handle
    = spawn_python_shell(self->system(), limits, event.process, chat, std::move(cells), shell_host_internal{self});
  self->monitor(shell.handle);
  allow_anew(self, chat);
  if (shell.now == stage::closing)
    self->send(shell.handle, close_atom_v);
}

void take_failure(shell_host_pointer self, const shell_event& event) {
  auto& state = self->state;
  auto order = state.orders.find(event.request);
  if (order == state.orders.end())
    return;
  measure_start(order->second, false);
  auto chat = order->second.chat;
  auto found = state.shells.find(chat);
  auto error = fail(errc::shell_unavailable,
                    "The Python shell could not be started: " + event.why + ". `varro doctor` says how to fix it.");
  if (auto orphan = state.orphans.find(chat); order->second.attach && orphan != state.orphans.end()) {
    fail_all(orphan->second.waiting, fail(errc::not_found, "The chat's shell is gone."));
    state.orphans.erase(orphan);
  }
  state.orders.erase(order);
  if (found != state.shells.end() && !found->second.handle) {
    fail_all(found->second.waiting, error);
    state.shells.erase(found);
  }
  serve_requests(self);
  answer_stop(self);
}

void take_end(shell_host_pointer self, const shell_event& event) {
  for (auto& [chat, shell] : self->state.shells)
    if (shell.number == event.shell && shell.handle)
      self->send(shell.handle, ended_atom_v, event.status, event.why);
}

void stop_cell(shell_host_pointer self, const shell_event& event) {
  for (auto& [chat, shell] : self->state.shells)
    if (shell.number == event.shell && shell.handle)
      self->send(shell.handle, interrupt_atom_v, event.why);
}

void lose_supervisor(shell_host_pointer self, const shell_event& event) {
  auto& state = self->state;
  if (note_replaced(self))
    return;
  state.older_supervisor.reset();
  state.client.reset();
  auto why = event.why.empty() ? "varro-shells ended" : event.why;
  if (!state.stopping)
    log(log_level::error, "all shells are lost: " + why);
  std::vector<shell_event> failures;
  for (const auto& [request, order] : state.orders) {
    shell_event failure;
    failure.request = request;
    failure.why = why;
    failures.push_back(failure);
  }
  for (auto& [chat, shell] : state.shells)
    if (shell.handle)
      self->send(shell.handle, ended_atom_v, 0, std::string{"lost"});
  // Requests that wait would only fail as well, one after the other.
  while (!state.requests.empty()) {
    auto request = take_request(self, state.requests.begin()->first);
    fail_all(request.waiting, fail(errc::shell_unavailable, "The Python shell could not be started: " + why));
  }
  for (const auto& failure : failures)
    take_failure(self, failure);
  state.orphans.clear();
  know_census(self);
  answer_stop(self);
}

} // namespace

void take_news(shell_host_pointer self, shell_event& event) {
  using kind = shell_event::kind;
  switch (event.what) {
  case kind::started:
    take_started(self, event);
    break;
  case kind::failed:
    take_failure(self, event);
    break;
  case kind::ended:
    take_end(self, event);
    break;
  case kind::over:
    stop_cell(self, event);
    break;
  case kind::usage:
    note_usage(self, event.user, event.chat, event.bytes);
    break;
  case kind::found:
    self->state.orphans[event.chat] = {event.user, event.shell, std::move(event.cells), self->clock().now(), {}};
    break;
  case kind::census:
    know_census(self);
    break;
  case kind::interpreter:
    if (event.state == "down" && !event.why.empty())
      log(log_level::warning, "the warm interpreter " + event.python + " is not there: " + event.why);
    for (const auto& problem : event.problems)
      log(log_level::warning, "Python " + event.python + ": " + problem.package + ": " + problem.error);
    break;
  case kind::older:
    note_older(self, event);
    break;
  case kind::refused:
    note_refused(self, event);
    break;
  case kind::lost:
    lose_supervisor(self, event);
    break;
  }
}

} // namespace varro
