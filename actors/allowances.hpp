// Tells what users may use and have used. On a thread of its own, because it reads the database.
//
// What was used is read anew each time, out of sums of days that the commits of messages themselves keep
// (storage/limit_book.hpp): there is no second account that a crash could lose or that runs beside each other could
// tell differently. Who has the answer to a commit finds its rows counted. Limits are remembered for
// limits_known_max, so that one that is set is in force that soon. A reload of the configuration is in force with the
// next question: limits, and the prices and currency of each allowance.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/run_limits.hpp"
#include "actors/user_allowance.hpp"
#include "config/config_in_force.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>

namespace varro {

inline constexpr std::chrono::seconds limits_known_max{2};
inline constexpr size_t limits_known_users_max = 10'000;

struct allowances_state {
  static inline const char* name = "allowances";

  struct known_limits {
    user_limits limits;
    caf::actor_clock::time_point read_at;
  };

  std::unique_ptr<limit_book> book;
  std::shared_ptr<const config_in_force> in_force;
  std::shared_ptr<const config> settings; // in force when something was asked last
  std::function<unix_us()> now;
  std::shared_ptr<run_limits> runs;      // which it tells; null: nobody
  std::map<int64_t, known_limits> known; // by user
};

// REQUIRES: a book that nobody else uses.
allowances_actor::behavior_type allowances(allowances_actor::stateful_pointer<allowances_state> self,
                                           std::unique_ptr<limit_book> book,
                                           std::shared_ptr<const config_in_force> in_force,
                                           std::function<unix_us()> now, std::shared_ptr<run_limits> runs = nullptr);

// On a thread of its own. Ends by an exit message.
allowances_actor spawn_allowances(caf::actor_system& system, std::unique_ptr<limit_book> book,
                                  std::shared_ptr<const config_in_force> in_force, std::shared_ptr<run_limits> runs);

// For session_services::runs_at_once: what these limits hold, which `actor` keeps as new as limits_known_max.
std::function<int64_t(int64_t user)> runs_at_once_of(std::shared_ptr<run_limits> runs, const allowances_actor& actor);

// What these rows say. errc::storage_failed: a name or value that is none, as a newer Varro may have written it.
caf::expected<written_limits> written_in(const std::vector<limit_row>& rows);

} // namespace varro
