// The census of shells: starts them, a few at a time, up to a limit, and closes those that nobody uses.
//
// Starting forks, which takes milliseconds, and a shell lives no longer than the thread that started it: this actor has
// a thread of its own (spawn_shell_host). It owns no process; every python_shell owns its one.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/python_shell.hpp"
#include "config/config.hpp"

#include <caf/stateful_actor.hpp>

#include <deque>
#include <map>

namespace varro {

using shell_host_internal = shell_host_actor::extend<
  // The shell of a chat has become ready. From python_shell.
  caf::reacts_to<ready_atom, int64_t /*chat*/>,
  // Closes shells that have been idle for long.
  caf::reacts_to<tick_atom>>;

struct shell_host_state {
  static inline const char* name = "shell_host";
  using clock = caf::actor_clock::clock_type;
  using start_promise = caf::typed_response_promise<python_shell_actor>;

  enum class stage : uint8_t { starting, live, closing };

  struct shell {
    python_shell_actor handle;
    stage now = stage::starting;
    bool busy = false;
    bool used = false; // ran a cell
    clock::time_point last_used{};
    std::vector<start_promise> waiting; // while starting
  };

  struct request {
    int64_t chat = 0;
    std::string workspace;
    std::vector<start_promise> waiting;
  };

  // How to make a process; tests put their own here.
  std::function<caf::expected<shell_process>(const shell_config&, const std::string&, int64_t)> start;

  std::shared_ptr<const config> settings;
  std::map<int64_t, shell> shells; // by chat: all whose processes are not gone
  std::deque<request> requests;    // those that wait for room, in order
  bool stopping = false;
  caf::typed_response_promise<done_atom> stopped;

  size_t count(stage which) const;
  // The idle shell that was used longest ago, or end().
  std::map<int64_t, shell>::iterator least_recently_used();
};

using shell_host_pointer = shell_host_internal::stateful_pointer<shell_host_state>;

shell_host_internal::behavior_type shell_host(shell_host_pointer self, std::shared_ptr<const config> settings);

shell_host_actor spawn_shell_host(caf::actor_system& system, std::shared_ptr<const config> settings);

} // namespace varro
