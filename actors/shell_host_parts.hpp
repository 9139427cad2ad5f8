// The parts of shell_host (shell_host.hpp): quotas, room, limits of users, news, shells of a former server and
// snapshots. For the host's actor only.
#pragma once

#include "actors/shell_host.hpp"

#include <chrono>
#include <functional>
#include <vector>

namespace varro {

// --- what every part does (shell_host.cpp) ---------------------------------------------------------------------------

// Answers all of them with this error.
template <class Promise>
void fail_all(std::vector<Promise>& promises, const caf::error& error) {
  for (auto& promise : promises)
    promise.deliver(error);
  promises.clear();
}
// In state.shells; its end where this actor's shell is gone.
std::map<int64_t, shell_host_state::shell>::iterator find_shell(shell_host_state& state, const caf::actor_addr& actor);
void close_shell_of(shell_host_pointer self, shell_host_state::shell& shell);
// Starts varro-shells, or connects to it, if there is no client.
supervisor_client& client_of(shell_host_pointer self);
// Answers a stop once no shell is left, and ends the actor.
void answer_stop(shell_host_pointer self);

// --- the quotas of users (shell_host_quotas.cpp) ---------------------------------------------------------------------

// Asks what is left for this chat; when it is not known, all there is.
void find_left(shell_host_pointer self, int64_t user, int64_t chat, std::function<void(quota_left)> then);
// Tells the chat's shell what is left for it now.
void allow_anew(shell_host_pointer self, int64_t chat);
// The result of a cell of this shell is stored, and what it showed has taken from the user's quota.
void note_committed_cell(shell_host_pointer self, uint64_t shell);
// The user's other shells have that much less.
void note_usage(shell_host_pointer self, int64_t user, int64_t chat, int64_t bytes);

// --- room (shell_host_room.cpp) --------------------------------------------------------------------------------------

// Has this one wait for its user's turn. REQUIRES: no start of this chat waits.
void add_request(shell_host_pointer self, shell_host_state::request request);
// It does not wait any more. REQUIRES: it does.
shell_host_state::request take_request(shell_host_pointer self, int64_t chat);
// Starts what there is room for, round robin by user; otherwise makes room by closing idle shells.
void serve_requests(shell_host_pointer self);
// Tells those that wait their places, where these have changed; comes back while there are any.
void tell_places(shell_host_pointer self);
// Puts shells to sleep that have been idle for long, or that memory is short for; comes back after a while.
void close_idle(shell_host_pointer self);

// An idle shell; a cell that reached it meanwhile keeps it awake. `why`: what its chat is told when it sleeps.
void put_to_sleep(shell_host_pointer self, shell_host_state::shell& shell, const std::string& why = {});

// --- limits of users (shell_host_limits.cpp) -------------------------------------------------------------------------

// A shell that was handed out, or ran a cell, is not put to sleep so soon for another one of its user.
inline constexpr std::chrono::seconds own_rest_min{1};

// How many more shells the user may have now; fair_queue::no_limit. None as long as nobody has said, which is asked
// then; starts are served anew when that is answered.
int64_t more_shells_of(shell_host_pointer self, int64_t user);
// What a shell of the user may have, in bytes, by what is known of their limit.
size_t memory_of(const shell_host_state& state, int64_t user);
// The starts that wait, as far as their chats' former shells are gone.
struct start_demand {
  size_t startable = 0; // were there room on the server
  size_t held_back = 0; // by the limits of their users
};
start_demand demand_of(shell_host_pointer self);
// Puts idle shells of those to sleep whose starts are held back, the least recently used first: nobody else's.
void make_own_room(shell_host_pointer self);
// What is told of a start that is held back: "Waiting until another Python shell of yours is idle, …"
std::string held_back_words(shell_host_pointer self, int64_t user, int64_t own_place);

// --- what varro-shells tells (shell_host_news.cpp) -------------------------------------------------------------------

void take_news(shell_host_pointer self, shell_event& event);

// --- shells of a former server (shell_host_orphans.cpp) --------------------------------------------------------------

// Takes over the chat's shell, once varro-shells has told the census; errc::not_found when there is none.
shell_host_state::attach_promise attach(shell_host_pointer self, int64_t chat);
// varro-shells has told which shells there were, or is gone.
void know_census(shell_host_pointer self);
// Has it closed. The caller takes it out of the map.
void drop_orphan(shell_host_pointer self, const shell_host_state::orphan& orphan);

// --- upgrades (shell_host_upgrade.cpp) -------------------------------------------------------------------------------

// How long an older varro-shells may go on with shells that never all end at the same time. Then each is put to sleep
// as soon as it is idle, and none is started, until the installed program is at work: what was mended in it has to come
// into force at some time.
inline constexpr std::chrono::hours older_supervisor_max{24};
// Chats whose next cell tells why their shell ended; others are restored without that.
inline constexpr size_t ended_for_max = 10'000;

// Whether its shells are to be put to sleep rather than to end by themselves. Another configuration has to hold at
// once.
bool must_sleep(const shell_host_state::older& older, shell_host_state::clock::time_point now);
// Whether its shells take no further cells, however busy their chats are: cells that were under way at the begin of
// must_sleep had their time.
bool must_retire(const shell_host_state::older& older, shell_host_state::clock::time_point now,
                 std::chrono::milliseconds cell_max);
void note_older(shell_host_pointer self, const shell_event& event);
// An upgrade has ended the chat's shell.
void note_ended_for(shell_host_state& state, int64_t chat, const std::string& why);
// Shells that could not be taken over have ended.
void note_refused(shell_host_pointer self, const shell_event& event);
// Whether starts wait: for the installed varro-shells, or to know which one is at work.
bool is_held_back(shell_host_pointer self);
// Does what can be done to that end now. REQUIRES: nobody walks over the shells or orphans.
void replace_older(shell_host_pointer self);
// varro-shells is gone: false if that was not asked for by replace_older. Else another one is started.
bool note_replaced(shell_host_pointer self);

// --- snapshots (shell_host_snapshots.cpp) ----------------------------------------------------------------------------

// Answers whether the file is a new one. `base` is where the snapshot before is, or negative: none.
caf::result<bool> ask_for_snapshot(shell_host_pointer self, uint64_t shell, int64_t chat, uint64_t id, int64_t base);
caf::result<done_atom> ask_to_restore(shell_host_pointer self, uint64_t shell, int64_t chat, uint64_t id,
                                      int64_t footer);

} // namespace varro
