// A varro-shells of before an upgrade, or of another configuration: it goes on with its shells, and is replaced when it
// has none.
#include "actors/python_shell.hpp"
#include "actors/shell_host_parts.hpp"
#include "base/log.hpp"
#include "shell/running_supervisor.hpp"

#include <algorithm>
#include <iterator>

namespace varro {

namespace {

using namespace std::chrono_literals;
using stage = shell_host_state::stage;
using clock = shell_host_state::clock;

// Runs that go on ask for the shells of their cells when their chats are loaded, which begins with the server. Nobody
// says when the last one is, so that this is the least, and a cell's time if that is longer.
constexpr std::chrono::seconds claim_max_least{60};
constexpr std::chrono::seconds end_max{10};

// The shell stays live until it has nothing to do any more.
void retire(shell_host_pointer self, shell_host_state::shell& shell, const std::string& why) {
  shell.retiring = true;
  self->request(shell.handle, caf::infinite, passivate_atom_v)
    .then(
      [=, handle = shell.handle](bool sleeps) {
        auto found = find_shell(self->state, handle.address());
        if (!sleeps || found == self->state.shells.end())
          return;
        found->second.now = stage::closing;
        note_ended_for(self->state, found->first, why);
      },
      [](caf::error&) {}); // it has ended
}

void put_all_to_sleep(shell_host_pointer self, const shell_host_state::older& older) {
  auto& state = self->state;
  const auto now = self->clock().now();
  const auto cell_max = state.settings->shell.cell_max;
  const auto claim_max = std::max<clock::duration>(claim_max_least, cell_max);
  const std::string why
    = older.has_same_settings ? "the server was upgraded" : "the server has another configuration of shells by now";
  const auto words = "The former shell of this chat was put to sleep, because " + why + ".";
  for (auto& [chat, shell] : state.shells) {
    if (shell.now != stage::live || shell.retiring)
      continue;
    const bool rests = !shell.busy && now - shell.last_used >= shell_rest;
    // One that has run no cell yet may be about to get its variables back.
    if (rests)
      put_to_sleep(self, shell, words);
    else if (shell.used && must_retire(older, now, cell_max))
      retire(self, shell, words);
  }
  for (auto orphan = state.orphans.begin(); orphan != state.orphans.end();) {
    const bool may_be_claimed = !orphan->second.cells.empty() && now - orphan->second.found_at < claim_max;
    const bool ends = orphan->second.waiting.empty() && !may_be_claimed;
    if (ends) {
      note_ended_for(state, orphan->first, words);
      drop_orphan(self, orphan->second);
    }
    orphan = ends ? state.orphans.erase(orphan) : std::next(orphan);
  }
}

} // namespace

bool must_sleep(const shell_host_state::older& older, clock::time_point now) {
  return !older.has_same_settings || now - older.taken_over_at >= older_supervisor_max;
}

bool must_retire(const shell_host_state::older& older, clock::time_point now, std::chrono::milliseconds cell_max) {
  return now - older.taken_over_at >= (older.has_same_settings ? older_supervisor_max : 0h) + cell_max;
}

void note_ended_for(shell_host_state& state, int64_t chat, const std::string& why) {
  if (state.ended_for.size() >= ended_for_max && !state.ended_for.contains(chat))
    state.ended_for.erase(state.ended_for.begin());
  state.ended_for[chat] = why;
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
    note_ended_for(self->state, chat,
                   "The former shell of this chat could not be taken over after an upgrade of the server.");
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
