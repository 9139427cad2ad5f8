// A varro-shells of before an upgrade, or of another configuration: it goes on with its shells, and is replaced when it
// has none.
#include "actors/shell_host_parts.hpp"
#include "base/log.hpp"
#include "shell/running_supervisor.hpp"

#include <iterator>

namespace varro {

namespace {

using stage = shell_host_state::stage;
using clock = shell_host_state::clock;

// A cell's result is committed, and the snapshot after it begun, within this time of its end.
constexpr std::chrono::seconds rest_min{2};
// Runs that go on ask for the shells of their cells as soon as the server has started.
constexpr std::chrono::seconds claim_max{60};
constexpr std::chrono::seconds end_max{10};

void put_all_to_sleep(shell_host_pointer self, const shell_host_state::older& older) {
  auto& state = self->state;
  const auto now = self->clock().now();
  const std::string why
    = older.has_same_settings ? "the server was upgraded" : "the server has another configuration of shells by now";
  const auto words = "The former shell of this chat was put to sleep, because " + why + ".";
  for (auto& [chat, shell] : state.shells) {
    if (shell.now != stage::live || shell.busy || now - shell.last_used < rest_min)
      continue;
    state.ended_for[chat] = words;
    put_to_sleep(self, shell);
  }
  for (auto orphan = state.orphans.begin(); orphan != state.orphans.end();) {
    const bool may_be_claimed = !orphan->second.cells.empty() && now - orphan->second.found_at < claim_max;
    const bool ends = orphan->second.waiting.empty() && !may_be_claimed;
    if (ends) {
      state.ended_for[orphan->first] = words;
      drop_orphan(self, orphan->second);
    }
    orphan = ends ? state.orphans.erase(orphan) : std::next(orphan);
  }
}

} // namespace

bool must_sleep(const shell_host_state::older& older, clock::time_point now) {
  return !older.has_same_settings || now - older.taken_over_at >= older_supervisor_max;
}

void note_older(shell_host_pointer self, const shell_event& event) {
  self->state.older_supervisor = shell_host_state::older{self->clock().now(), event.has_same_settings, {}};
  const auto name = event.version.empty() ? std::string{"an earlier version"} : "version " + event.version;
  log(log_level::warning,
      "varro-shells of " + name + " is still at work; it is replaced "
        + (event.has_same_settings ? "as soon as it has no shell, after "
               + std::to_string(std::chrono::hours{older_supervisor_max}.count()) + " hours at the latest"
                                   : "once its cells have ended, because the configuration of shells is another one"));
}

void note_refused(shell_host_pointer self, const shell_event& event) {
  for (auto chat : event.chats)
    self->state.ended_for[chat]
      = "The former shell of this chat could not be taken over after an upgrade of the server.";
}

bool is_held_back(shell_host_pointer self) {
  const auto& state = self->state;
  if (state.client && !state.census_known) // whose it is comes before
    return true;
  const auto& older = state.older_supervisor;
  return older && (older->ending_since || must_sleep(*older, self->clock().now()));
}

void replace_older(shell_host_pointer self) {
  auto& state = self->state;
  if (!state.older_supervisor || !state.client || !state.census_known || state.stopping)
    return;
  auto& older = *state.older_supervisor;
  const auto now = self->clock().now();
  if (older.ending_since) {
    if (now - *older.ending_since < end_max)
      return;
    log(log_level::error, "an older varro-shells does not end and is killed");
    older.ending_since = now;
    kill_supervisor(state.settings->data_dir);
    return;
  }
  if (must_sleep(older, now))
    put_all_to_sleep(self, older);
  if (!state.shells.empty() || !state.orphans.empty() || !state.orders.empty())
    return;
  log(log_level::info, "varro-shells is replaced by the installed one");
  older.ending_since = now;
  state.client->end(); // its loss brings us back
}

bool note_replaced(shell_host_pointer self) {
  auto& state = self->state;
  if (!state.older_supervisor || !state.older_supervisor->ending_since || state.stopping)
    return false;
  state.older_supervisor.reset();
  state.client.reset();
  client_of(self); // its census serves the starts that wait
  return true;
}

} // namespace varro
