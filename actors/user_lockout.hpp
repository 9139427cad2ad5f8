// Ends the runs and shells of users who may not use the server any more, whoever said so: `varro user disable` is
// another process, and a run may begin in the very moment in which a page of admins disables its user.
//
// Once a second it asks the database about the users who have something on, and about nobody where nothing is.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/live_runs.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <memory>

namespace varro {

inline constexpr std::chrono::seconds lockouts_looked_for{1};

struct user_lockout_parts {
  std::shared_ptr<live_runs> live;
  chat_registry_actor registry;
  shell_host_actor shells;
  store_reader_actor reader;
};

struct user_lockout_state {
  static inline const char* name = "user_lockout";
  user_lockout_parts parts;
};

// Ends by an exit message.
user_lockout_actor::behavior_type user_lockout(user_lockout_actor::stateful_pointer<user_lockout_state> self,
                                               user_lockout_parts parts);

} // namespace varro
