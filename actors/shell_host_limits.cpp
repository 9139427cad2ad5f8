// How many shells of a user may live: what is known of that, and the room that users make for themselves.
#include "actors/allowances.hpp"
#include "actors/place_words.hpp"
#include "actors/shell_host_parts.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace varro {

namespace {

using stage = shell_host_state::stage;

constexpr std::chrono::seconds orphan_rest_min{5}; // after a start, until runs that go on have asked

// Null: nobody can tell, and what was known goes on.
void note_limit(shell_host_pointer self, int64_t user, const user_limits* limits) {
  auto& known = self->state.limits[user];
  if (limits != nullptr) {
    known.max = limits->shells_alive.value_or(0);
    known.memory = shell_memory_of(*limits, self->state.settings->shell.memory_bytes_max);
  }
  known.is_known = true;
  known.is_asked = false;
  known.told_at = self->clock().now();
  serve_requests(self);
}

void ask_for_limit(shell_host_pointer self, int64_t user) {
  self->state.limits[user].is_asked = true;
  self->request(self->state.allowances, caf::infinite, usage_atom_v, user)
    .then([=](const allowance_ptr& told) { note_limit(self, user, &told->limits); },
          [=](caf::error& error) {
            log(log_level::error, "the limits of a user are not known: " + text_of(error));
            note_limit(self, user, nullptr);
          });
}

// Nothing: nobody has said yet. 0: no limit.
std::optional<int64_t> limit_of(shell_host_pointer self, int64_t user) {
  auto& state = self->state;
  if (user == 0 || !state.allowances)
    return 0;
  if (state.limits.size() >= limits_known_users_max && !state.limits.contains(user))
    state.limits.clear();
  const auto known = state.limits[user];
  const bool is_old = !known.is_known || self->clock().now() - known.told_at >= limits_known_max;
  if (is_old && !known.is_asked)
    ask_for_limit(self, user);
  return known.is_known ? std::optional{known.max} : std::nullopt;
}

// The user's idle shell that was used longest ago, and not just now; or end().
std::map<int64_t, shell_host_state::shell>::iterator resting_shell_of(shell_host_pointer self, int64_t user) {
  auto& shells = self->state.shells;
  const auto now = self->clock().now();
  auto found = shells.end();
  for (auto each = shells.begin(); each != shells.end(); ++each) {
    const auto& shell = each->second;
    if (shell.user == user && shell.now == stage::live && !shell.busy && now - shell.last_used >= own_rest_min
        && (found == shells.end() || shell.last_used < found->second.last_used))
      found = each;
  }
  return found;
}

// A shell of a former server that has nothing to do and that nobody has asked for; its variables are in a snapshot. Of
// one with results that nobody has said to have, a run that goes on may just be about to ask for them.
bool drop_orphan_of(shell_host_pointer self, int64_t user) {
  auto& state = self->state;
  const auto now = self->clock().now();
  const auto found = std::find_if(state.orphans.begin(), state.orphans.end(), [&](const auto& entry) {
    const auto& [chat, orphan] = entry;
    const bool is_done
      = std::all_of(orphan.cells.begin(), orphan.cells.end(), [](const auto& each) { return each.done; });
    return orphan.user == user && orphan.waiting.empty() && is_done
      && (orphan.cells.empty() || now - orphan.found_at >= orphan_rest_min);
  });
  if (found == state.orphans.end())
    return false;
  drop_orphan(self, found->second);
  state.orphans.erase(found);
  return true;
}

int64_t leaving_of(const shell_host_state& state, int64_t user) {
  return std::count_if(state.shells.begin(), state.shells.end(), [=](const auto& entry) {
    return entry.second.user == user && entry.second.now == stage::closing;
  });
}

} // namespace

int64_t more_shells_of(shell_host_pointer self, int64_t user) {
  const auto limit = limit_of(self, user);
  if (!limit)
    return 0;
  if (*limit == 0)
    return fair_queue::no_limit;
  auto& state = self->state;
  if (!state.stopping)
    client_of(self); // which brings the census
  // Before it, nobody knows how many shells of a former server are this user's.
  return state.census_known ? std::max<int64_t>(*limit - state.shells_of(user), 0) : 0;
}

size_t memory_of(const shell_host_state& state, int64_t user) {
  const auto known = state.limits.find(user);
  const auto memory = known == state.limits.end() ? 0 : known->second.memory;
  return memory == 0 ? state.settings->shell.memory_bytes_max : memory;
}

start_demand demand_of(shell_host_pointer self) {
  const auto& state = self->state;
  start_demand demand;
  std::map<int64_t, int64_t> more; // by user
  for (const auto& [chat, request] : state.requests) {
    if (state.shells.contains(chat))
      continue;
    const auto user = request.wanted.user;
    const auto [left, is_new] = more.try_emplace(user, 0);
    if (is_new)
      left->second = more_shells_of(self, user);
    if (left->second > 0) {
      --left->second;
      ++demand.startable;
    } else {
      ++demand.held_back;
    }
  }
  return demand;
}

void make_own_room(shell_host_pointer self) {
  auto& state = self->state;
  std::map<int64_t, int64_t> wanted; // by user
  for (const auto& [chat, request] : state.requests)
    if (!state.shells.contains(chat))
      ++wanted[request.wanted.user];
  for (const auto& [user, count] : wanted) {
    const auto limit = limit_of(self, user).value_or(0);
    if (limit == 0)
      continue;
    auto beyond = state.shells_of(user) - leaving_of(state, user) + count - limit;
    for (; beyond > 0; --beyond) {
      const auto idle = resting_shell_of(self, user);
      if (idle != state.shells.end())
        put_to_sleep(self, idle->second);
      else if (!drop_orphan_of(self, user))
        break;
    }
  }
}

std::string held_back_words(shell_host_pointer self, int64_t user, int64_t own_place) {
  const auto limit = limit_of(self, user);
  if (!limit || *limit == 0)
    return place_words("Python shell", {own_place, 0, false});
  const auto used = std::to_string(self->state.shells_of(user));
  return "Waiting until another Python shell of yours is idle: " + used + " of " + std::to_string(*limit)
    + " are alive (shells_alive); " + ordinal(own_place) + " of your own";
}

int64_t shell_host_state::shells_of(int64_t user) const {
  const auto alive
    = std::count_if(shells.begin(), shells.end(), [=](const auto& entry) { return entry.second.user == user; });
  const auto former = std::count_if(orphans.begin(), orphans.end(), [&](const auto& entry) {
    return entry.second.user == user && !shells.contains(entry.first);
  });
  return alive + former;
}

} // namespace varro
