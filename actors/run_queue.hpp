// How many runs are on at once, and whose is next: further ones wait, served round robin by user (fair_queue.hpp).
//
// A run's message is committed before it comes here, so nothing is lost: after a crash its session takes it up and it
// enters again. It leaves, or its place comes free, when its agent_run ends, in whatever way.
//
// A run keeps its place while its cells wait for a shell. That cannot come to a stand: a shell that runs a cell needs
// no place to end it, and one that runs none makes room. The exception is a cell that a former server's shell has
// begun: its shell waits for its run. So such a run has a place at once, beyond the limit if need be; a former server
// had given it one.
#pragma once

#include "actors/fair_queue.hpp"
#include "actors/interfaces.hpp"
#include "actors/services.hpp"

#include <map>
#include <string>

namespace varro {

struct run_queue_state {
  static inline const char* name = "run_queue";

  struct run {
    queued_run about;
    agent_run_actor loop; // monitored
    run_owner_actor owner;
    bool on = false;  // has a place
    std::string told; // of its place in the queue
  };

  int64_t runs_max = 0; // of all users; 0: no limit
  run_limit_of_user user_max;
  std::shared_ptr<gauges> counts;

  std::map<int64_t, run> runs; // by id
  std::map<caf::actor_addr, int64_t> loops;
  std::map<int64_t, int64_t> on_of; // places by user; none is 0
  int64_t on = 0;
  fair_queue waiting; // ids of runs
  bool ticking = false;
  bool stopping = false;

  // How many more runs of this user can be on.
  int64_t more_of(int64_t user) const;
  int64_t free() const;
};

// So often at most those who wait are told of their places, and limits are asked for anew.
inline constexpr std::chrono::milliseconds places_told_every{1'000};

// `user_max` none: users have no limit.
run_queue_actor::behavior_type run_queue(run_queue_actor::stateful_pointer<run_queue_state> self, int64_t runs_max,
                                         run_limit_of_user user_max, std::shared_ptr<gauges> counts);

} // namespace varro
