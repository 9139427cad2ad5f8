#include "actors/shell_host.hpp"

#include "base/log.hpp"
#include "shell/machine_memory.hpp"
#include "workspace/snapshot_store.hpp"
#include "workspace/usage.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace varro {

namespace {

constexpr std::chrono::milliseconds look_min{100}, look_max{5'000}; // between looks for shells to put to sleep
constexpr std::chrono::seconds about_to_be_used_max{1};             // a shell that was handed out
constexpr size_t asleep_at_once_divisor = 20;                       // of the live ones, when memory is short

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

// --- the quotas of users

// Asks what the user's quota leaves for this chat.
template <class Then>
void find_left(shell_host_pointer self, int64_t user, int64_t chat, Then then) {
  auto& state = self->state;
  const auto& limits = state.settings->shell;
  if (limits.user_bytes_max == 0 || user == 0 || !state.reader) {
    then(std::numeric_limits<size_t>::max());
    return;
  }
  self->request(state.reader, caf::infinite, usage_atom_v, user, chat)
    .then([=, &limits](int64_t others) mutable { then(left_for_user(static_cast<size_t>(others), limits)); },
          [=](caf::error& error) mutable {
            log(log_level::error, "the quota of a user is not known: " + text_of(error));
            then(std::numeric_limits<size_t>::max());
          });
}

void allow_anew(shell_host_pointer self, int64_t chat) {
  auto found = self->state.shells.find(chat);
  if (found == self->state.shells.end() || self->state.settings->shell.user_bytes_max == 0)
    return;
  find_left(self, found->second.user, chat, [=, number = found->second.number](size_t left) {
    if (self->state.client && number != 0)
      self->state.client->allow(number, left);
  });
}

// The user's other shells have that much less.
void note_usage(shell_host_pointer self, int64_t user, int64_t chat, int64_t bytes) {
  auto& state = self->state;
  if (!state.store || user == 0)
    return;
  self->request(state.store, caf::infinite, usage_atom_v, user, chat, bytes)
    .then(
      [=](done_atom) {
        for (const auto& [other, shell] : self->state.shells)
          if (other != chat && shell.user == user && shell.busy)
            allow_anew(self, other);
      },
      [](caf::error& error) { log(log_level::error, "the size of a workspace was not kept: " + text_of(error)); });
}

// --- starts, and room for them

void start_one(shell_host_pointer self, shell_host_state::request request) {
  auto& state = self->state;
  auto& shell = state.shells[request.wanted.chat];
  shell.last_used = self->clock().now();
  shell.user = request.wanted.user;
  shell.waiting = std::move(request.waiting);
  auto number = state.next_order++;
  state.orders[number] = {request.wanted.chat, false};
  find_left(self, request.wanted.user, request.wanted.chat, [=, wanted = std::move(request.wanted)](size_t left) {
    const auto& python = wanted.python.empty() ? self->state.settings->shell.default_python : wanted.python;
    client_of(self).start(number, wanted.user, wanted.chat, std::filesystem::path{wanted.workspace}.filename().string(),
                          python, left);
  });
}

void serve_requests(shell_host_pointer self);

// An idle shell; a cell that reached it meanwhile keeps it awake.
void put_to_sleep(shell_host_pointer self, shell_host_state::shell& shell) {
  shell.now = stage::closing;
  self->request(shell.handle, caf::infinite, sleep_atom_v)
    .then(
      [=, handle = shell.handle](bool sleeps) {
        auto& state = self->state;
        auto found = std::find_if(state.shells.begin(), state.shells.end(),
                                  [&](const auto& entry) { return entry.second.handle == handle; });
        if (sleeps || found == state.shells.end())
          return;
        found->second.now = stage::live;
        found->second.last_used = self->clock().now();
        bool replaced = std::any_of(state.requests.begin(), state.requests.end(),
                                    [&](const auto& each) { return each.wanted.chat == found->first; });
        if (state.stopping || replaced)
          close_shell_of(self, found->second);
        serve_requests(self);
      },
      [](caf::error&) {}); // it has ended
}

// Starts what there is room for, in order; otherwise makes room by closing idle shells.
void serve_requests(shell_host_pointer self) {
  auto& state = self->state;
  const auto& limits = state.settings->shell;
  for (auto next = state.requests.begin(); next != state.requests.end();) {
    if (state.count(stage::starting) >= static_cast<size_t>(limits.starting_max))
      return;
    if (state.shells.contains(next->wanted.chat)) { // its old shell is still ending
      ++next;
      continue;
    }
    if (state.shells.size() >= static_cast<size_t>(limits.live_max)) {
      auto leaving = state.count(stage::closing);
      for (auto idle = state.least_recently_used(); leaving < state.requests.size() && idle != state.shells.end();
           idle = state.least_recently_used(), ++leaving)
        put_to_sleep(self, idle->second);
      return;
    }
    auto request = std::move(*next);
    next = state.requests.erase(next);
    start_one(self, std::move(request));
  }
}

void drop_orphan(shell_host_pointer self, const shell_host_state::orphan& orphan) {
  if (self->state.client)
    self->state.client->close(orphan.number);
}

start_promise start(shell_host_pointer self, wanted_shell wanted) {
  auto& state = self->state;
  auto chat = wanted.chat;
  auto promise = self->make_response_promise<python_shell_actor>();
  if (state.stopping) {
    promise.deliver(fail(errc::shutting_down, "The server is stopping."));
    return promise;
  }
  // What is asked for is a fresh one.
  if (auto orphan = state.orphans.find(chat); orphan != state.orphans.end() && orphan->second.waiting.empty()) {
    drop_orphan(self, orphan->second);
    state.orphans.erase(orphan);
  }
  for (auto& request : state.requests) {
    if (request.wanted.chat == chat) {
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
      promise.deliver(python_shell_actor{shell.handle});
      return promise;
    }
    close_shell_of(self, shell); // what was asked for is a fresh one
  }
  state.requests.push_back({std::move(wanted), {promise}});
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

void fail_attach(std::vector<shell_host_state::attach_promise>& promises, const caf::error& error) {
  for (auto& promise : promises)
    promise.deliver(error);
  promises.clear();
}

void forget(shell_host_pointer self, const caf::down_msg& down) {
  auto& state = self->state;
  auto& shells = state.shells;
  auto found
    = std::find_if(shells.begin(), shells.end(), [&](const auto& entry) { return entry.second.handle == down.source; });
  if (found == shells.end())
    return;
  auto reason = code_of(down.reason) == errc::none ? fail(errc::shell_unavailable, "The shell ended while starting.")
                                                   : down.reason;
  fail_all(found->second.waiting, reason);
  if (state.client)
    state.client->close(found->second.number);
  shells.erase(found);
  serve_requests(self);
  answer_stop(self);
}

// --- what varro-shells tells

void take_started(shell_host_pointer self, shell_event& event) {
  auto& state = self->state;
  auto order = state.orders.find(event.request);
  auto found = order == state.orders.end() ? state.shells.end() : state.shells.find(order->second.chat);
  if (found == state.shells.end() || found->second.handle) {
    close_shell(event.process);
    state.client->close(event.shell);
    return;
  }
  auto chat = order->second.chat;
  auto& shell = found->second;
  std::vector<live_cell> cells;
  if (auto orphan = state.orphans.find(chat); order->second.attach && orphan != state.orphans.end())
    cells = orphan->second.cells;
  state.orders.erase(order);
  shell.number = event.shell;
  shell.handle = spawn_python_shell(self->system(), state.settings->shell, event.process, chat, std::move(cells),
                                    shell_host_internal{self});
  self->monitor(shell.handle);
  if (shell.now == stage::closing)
    self->send(shell.handle, close_atom_v);
}

void take_failure(shell_host_pointer self, const shell_event& event) {
  auto& state = self->state;
  auto order = state.orders.find(event.request);
  if (order == state.orders.end())
    return;
  auto chat = order->second.chat;
  auto found = state.shells.find(chat);
  auto error = fail(errc::shell_unavailable,
                    "The Python shell could not be started: " + event.why + ". `varro doctor` says how to fix it.");
  if (auto orphan = state.orphans.find(chat); order->second.attach && orphan != state.orphans.end()) {
    fail_attach(orphan->second.waiting, fail(errc::not_found, "The chat's shell is gone."));
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

void know_census(shell_host_pointer self) {
  self->state.census_known = true;
  for (auto& waiting : std::exchange(self->state.after_census, {}))
    waiting();
}

void lose_supervisor(shell_host_pointer self, const shell_event& event) {
  auto& state = self->state;
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
  for (auto& request : std::exchange(state.requests, {}))
    fail_all(request.waiting, fail(errc::shell_unavailable, "The Python shell could not be started: " + why));
  for (const auto& failure : failures)
    take_failure(self, failure);
  state.orphans.clear();
  know_census(self);
  answer_stop(self);
}

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
  case kind::lost:
    lose_supervisor(self, event);
    break;
  }
}

// --- shells of a former server

void attach_now(shell_host_pointer self, int64_t chat, shell_host_state::attach_promise promise) {
  auto& state = self->state;
  auto found = state.orphans.find(chat);
  if (state.stopping || found == state.orphans.end()) {
    promise.deliver(fail(errc::not_found, "The chat has no shell."));
    return;
  }
  found->second.waiting.push_back(promise);
  if (found->second.waiting.size() > 1)
    return;
  auto& shell = state.shells[chat];
  shell.used = true;
  shell.user = found->second.user;
  shell.last_used = self->clock().now();
  for (const auto& cell : found->second.cells)
    shell.tags.push_back(cell.tag);
  state.orders[state.next_order] = {chat, true};
  client_of(self).attach(state.next_order++, found->second.number);
}

shell_host_state::attach_promise attach(shell_host_pointer self, int64_t chat) {
  auto promise = self->make_response_promise<python_shell_actor, std::vector<std::string>>();
  client_of(self);
  if (self->state.census_known)
    attach_now(self, chat, promise);
  else
    self->state.after_census.push_back([=] { attach_now(self, chat, promise); });
  return promise;
}

// --- snapshots

caf::result<bool> ask_for_snapshot(shell_host_pointer self, uint64_t shell, int64_t chat, uint64_t id, int64_t base) {
  auto& state = self->state;
  if (!state.client)
    return fail(errc::shell_lost, "The shell is gone.");
  const auto& limits = state.settings->shell;
  auto opened = open_snapshots(state.settings->data_dir, chat, limits.snapshot_file_bytes_max);
  if (!opened)
    return opened.error();
  std::optional<uint64_t> before;
  if (base >= 0 && !opened->anew)
    before = static_cast<uint64_t>(base);
  auto frame = snapshot_frame(id, before, limits.snapshot_bytes_max, limits.snapshot_max);
  state.client->send_frame(shell, std::move(frame), std::move(opened->file));
  return opened->anew;
}

caf::result<done_atom> ask_to_restore(shell_host_pointer self, uint64_t shell, int64_t chat, uint64_t id,
                                      int64_t footer) {
  auto& state = self->state;
  if (!state.client || footer < 0)
    return fail(errc::shell_lost, "The shell is gone.");
  auto file = read_snapshots(state.settings->data_dir, chat);
  if (!file)
    return file.error();
  state.client->send_frame(shell, restore_frame(id, static_cast<uint64_t>(footer)), std::move(*file));
  return done_atom_v;
}

// When memory gets short, some of those that were used longest ago; the next look tells whether more have to follow.
void make_memory(shell_host_pointer self) {
  auto& state = self->state;
  auto memory = read_machine_memory();
  auto reserve = state.settings->shell.memory_reserve_bytes;
  if (reserve == 0)
    reserve = memory.total_bytes / 10;
  if (memory.total_bytes == 0 || memory.available_bytes >= reserve)
    return;
  auto count = state.count(stage::live) / asleep_at_once_divisor + 1;
  auto now = self->clock().now();
  for (auto idle = state.least_recently_used();
       count > 0 && idle != state.shells.end() && now - idle->second.last_used > about_to_be_used_max;
       idle = state.least_recently_used(), --count)
    put_to_sleep(self, idle->second);
}

void close_idle(shell_host_pointer self) {
  auto& state = self->state;
  if (state.stopping)
    return;
  auto idle = std::chrono::duration_cast<shell_host_state::clock::duration>(state.settings->shell.idle);
  auto now = self->clock().now();
  for (auto& [chat, shell] : state.shells)
    if (shell.now == stage::live && !shell.busy && now - shell.last_used >= idle)
      put_to_sleep(self, shell);
  for (auto orphan = state.orphans.begin(); orphan != state.orphans.end();) {
    bool forgotten = orphan->second.waiting.empty() && now - orphan->second.found_at >= idle;
    if (forgotten)
      drop_orphan(self, orphan->second);
    orphan = forgotten ? state.orphans.erase(orphan) : std::next(orphan);
  }
  make_memory(self);
  self->delayed_send(self, std::clamp<shell_host_state::clock::duration>(idle / 4, look_min, look_max), tick_atom_v);
}

caf::typed_response_promise<done_atom> stop(shell_host_pointer self) {
  auto& state = self->state;
  state.stopping = true;
  state.stopped = self->make_response_promise<done_atom>();
  for (auto& request : state.requests)
    fail_all(request.waiting, fail(errc::shutting_down, "The server is stopping."));
  state.requests.clear();
  for (auto& [chat, shell] : state.shells) {
    if (!state.settings->keep_shells)
      close_shell_of(self, shell);
    else if (shell.handle)
      self->send(shell.handle, detach_atom_v);
  }
  if (state.settings->keep_shells)
    state.shells.clear();
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

shell_host_internal::behavior_type shell_host(shell_host_pointer self, std::shared_ptr<const config> settings,
                                              store_actor store, store_reader_actor reader) {
  auto& state = self->state;
  state.settings = std::move(settings);
  state.store = std::move(store);
  state.reader = std::move(reader);
  self->set_down_handler([=](const caf::down_msg& down) { forget(self, down); });
  self->send(self, tick_atom_v);
  client_of(self); // its interpreter is warm when the first chat needs it
  return {
    [=](start_atom, wanted_shell& wanted) { return start(self, std::move(wanted)); },
    [=](busy_atom, int64_t chat, bool busy) { note_use(self, chat, busy); },
    [=](usage_atom, int64_t user, int64_t chat, int64_t bytes) { note_usage(self, user, chat, bytes); },
    [=](count_atom) { return static_cast<int64_t>(self->state.shells.size()); },
    [=](stop_atom) { return stop(self); },
    [=](ready_atom, int64_t chat) { become_live(self, chat); },
    [=](attach_atom, int64_t chat) { return attach(self, chat); },
    [=](ack_atom, uint64_t shell, uint64_t cell) {
      if (self->state.client)
        self->state.client->acknowledge(shell, cell);
    },
    [=](snapshot_atom, uint64_t shell, int64_t chat, uint64_t id, int64_t base) {
      return ask_for_snapshot(self, shell, chat, id, base);
    },
    [=](restore_atom, uint64_t shell, int64_t chat, uint64_t id, int64_t footer) {
      return ask_to_restore(self, shell, chat, id, footer);
    },
    [=](shell_news& news) { take_news(self, *news); },
    [=](tick_atom) { close_idle(self); },
  };
}

shell_host_actor spawn_shell_host(caf::actor_system& system, std::shared_ptr<const config> settings, store_actor store,
                                  store_reader_actor reader) {
  return system.spawn(shell_host, std::move(settings), std::move(store), std::move(reader));
}

} // namespace varro
