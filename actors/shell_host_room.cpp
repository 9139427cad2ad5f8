// Room for shells: the starts that wait for it, and the shells that are put to sleep to make it.
#include "actors/shell_host_parts.hpp"
#include "shell/machine_memory.hpp"

#include <algorithm>
#include <iterator>

namespace varro {

namespace {

constexpr std::chrono::milliseconds look_min{100}, look_max{5'000}; // between looks for shells to put to sleep
constexpr std::chrono::seconds about_to_be_used_max{1};             // a shell that was handed out
constexpr size_t asleep_at_once_divisor = 20;                       // of the live ones, when memory is short

using stage = shell_host_state::stage;

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

} // namespace

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

} // namespace varro
