// Processes of a shell that stand still, so that they can be looked at. One thread at a time.
#pragma once

#include "base/descriptor.hpp"

#include <chrono>
#include <map>

#include <sys/types.h>

namespace varro {

class stopped_processes {
public:
  stopped_processes() = default;
  stopped_processes(const stopped_processes&) = delete;
  ~stopped_processes() {
    go_on();
  }

  // Stops `root` and all its descendants that are in its namespace of processes; those are followed that are forked
  // meanwhile. Waits at most so long until they stand still: a process does so only when its system call is over.
  // False when some do not.
  bool stop(pid_t root, size_t processes_max, std::chrono::milliseconds wait_max);
  // Whether none of them has a thread that runs.
  bool stand_still() const;
  void go_on();
  bool is_empty() const noexcept {
    return held_.empty();
  }

private:
  bool add_new(pid_t root, size_t processes_max);

  std::map<pid_t, descriptor> held_;
};

} // namespace varro
