// Room for shells: the starts that wait for it, and the shells that are put to sleep to make it.
#include "actors/place_words.hpp"
#include "actors/shell_host_parts.hpp"
#include "shell/machine_memory.hpp"

#include <algorithm>
#include <iterator>

namespace varro {

namespace {

constexpr std::chrono::milliseconds look_min{100}, look_max{5'000}; // between looks for shells to put to sleep
constexpr std::chrono::seconds about_to_be_used_max{1};             // a shell that was handed out
constexpr size_t asleep_at_once_divisor = 20;                       // of the live ones, when memory is short
constexpr std::chrono::milliseconds places_told_every{500};         // at most; who has room at once is told nothing

using stage = shell_host_state::stage;

void start_one(shell_host_pointer self, shell_host_state::request request) {
  auto& state = self->state;
  auto& shell = state.shells[request.wanted.chat];
  shell.last_used = self->clock().now();
  shell.user = request.wanted.user;
  shell.waiting = std::move(request.waiting);
  auto number = state.next_order++;
  state.orders[number] = {request.wanted.chat, false, std::chrono::steady_clock::now()};
  find_left(self, request.wanted.user, request.wanted.chat, [=, wanted = std::move(request.wanted)](quota_left left) {
    const auto& python = wanted.python.empty() ? self->state.settings->shell.default_python : wanted.python;
    client_of(self).start(number, wanted.user, wanted.chat, std::filesystem::path{wanted.workspace}.filename().string(),
                          python, left.of_user, left.user_quota, memory_of(self->state, wanted.user));
  });
}

} // namespace

void put_to_sleep(shell_host_pointer self, shell_host_state::shell& shell, const std::string& why) {
  shell.now = stage::closing;
  self->request(shell.handle, caf::infinite, sleep_atom_v)
    .then(
      [=, handle = shell.handle](bool sleeps) {
        auto& state = self->state;
        // Who finds it asleep asks after this answer.
        auto found = find_shell(state, handle.address());
        if (found == state.shells.end())
          return;
        if (sleeps) {
          if (!why.empty())
            note_ended_for(state, found->first, why);
          return;
        }
        found->second.now = stage::live;
        found->second.last_used = self->clock().now();
        if (state.stopping || state.requests.contains(found->first)) // it is to be replaced
          close_shell_of(self, found->second);
        serve_requests(self);
      },
      [](caf::error&) {}); // it has ended
}

namespace {

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

void add_request(shell_host_pointer self, shell_host_state::request request) {
  auto& state = self->state;
  const auto user = request.wanted.user;
  const auto chat = request.wanted.chat;
  if (request.waiter)
    self->monitor(request.waiter);
  state.requests.emplace(chat, std::move(request));
  state.turns.enter(user, chat, state.has_shell_of(user));
  if (!std::exchange(state.telling_places, true))
    self->delayed_send(self, places_told_every, progress_atom_v);
}

shell_host_state::request take_request(shell_host_pointer self, int64_t chat) {
  auto& state = self->state;
  auto found = state.requests.find(chat);
  auto request = std::move(found->second);
  state.requests.erase(found);
  state.turns.leave(chat); // unless its turn has come
  if (request.waiter)
    self->demonitor(request.waiter.address());
  if (!request.told.empty())
    self->send(request.waiter, progress_atom_v, std::string{});
  return request;
}

void serve_requests(shell_host_pointer self) {
  auto& state = self->state;
  replace_older(self);
  if (is_held_back(self))
    return;
  const auto& limits = state.settings->shell;
  // Else its old shell is still ending, or its user has as many as they may.
  auto may = [&](const fair_queue::entry& each) {
    return !state.shells.contains(each.ticket) && more_shells_of(self, each.user) > 0;
  };
  for (auto now = demand_of(self);
       now.startable > 0 && state.count(stage::starting) < static_cast<size_t>(limits.starting_max);
       now = demand_of(self)) {
    if (state.shells.size() >= static_cast<size_t>(limits.live_max)) {
      // Who waits for shells of their own takes nobody's place.
      const auto wanted = state.requests.size() - now.held_back;
      auto leaving = state.count(stage::closing);
      for (auto idle = state.least_recently_used(); leaving < wanted && idle != state.shells.end();
           idle = state.least_recently_used(), ++leaving)
        put_to_sleep(self, idle->second);
      break;
    }
    const auto next = state.turns.next(may);
    if (!next) // what was known of the limits has just been forgotten
      break;
    start_one(self, take_request(self, next->ticket));
  }
  make_own_room(self);
}

void tell_places(shell_host_pointer self) {
  auto& state = self->state;
  serve_requests(self); // the limits of users may have changed, and their shells have become idle for long enough
  state.telling_places = !state.requests.empty();
  if (!state.telling_places)
    return;
  for (const auto& [chat, place] : state.turns.places([=](int64_t user) { return more_shells_of(self, user); })) {
    auto& request = state.requests.at(chat);
    auto words
      = place.held_back ? held_back_words(self, request.wanted.user, place.own) : place_words("Python shell", place);
    if (!request.waiter || words == request.told)
      continue;
    request.told = std::move(words);
    self->send(request.waiter, progress_atom_v, request.told);
  }
  self->delayed_send(self, places_told_every, progress_atom_v);
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
  replace_older(self);
  self->delayed_send(self, std::clamp<shell_host_state::clock::duration>(idle / 4, look_min, look_max), tick_atom_v);
}

size_t shell_host_state::count(stage which) const {
  return static_cast<size_t>(
    std::count_if(shells.begin(), shells.end(), [=](const auto& entry) { return entry.second.now == which; }));
}

bool shell_host_state::has_shell_of(int64_t user) const {
  return std::any_of(shells.begin(), shells.end(), [=](const auto& entry) { return entry.second.user == user; });
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
