// How many passwords are hashed at once: each takes 64 MiB and a processor for tens of milliseconds, and whoever waits
// for one holds a worker. Who came first is first, and of one account there is one at a time: nobody who tries again
// and again, with a right password too, keeps others out. Thread-safe.
#pragma once

#include "config/config.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace varro {

class hash_gate {
public:
  explicit hash_gate(const auth_config& limits);

  // The right to hash, as long as it lives. The gate must outlive it.
  class pass {
  public:
    pass(hash_gate& owner, std::string whose) : owner_(&owner), whose_(std::move(whose)) {}
    pass(pass&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), whose_(std::move(other.whose_)) {}
    pass& operator=(pass&&) = delete;
    ~pass();

  private:
    hash_gate* owner_;
    std::string whose_;
  };

  // Waits for its turn. `whose`: a name, or an address where there is none. nullopt: another of theirs is under way,
  // hash_waiters_max wait already, or hash_wait_max is over; try again in a moment.
  std::optional<pass> enter(std::string whose);

private:
  const int running_max_;
  const int waiting_max_;
  const std::chrono::milliseconds wait_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int running_ = 0;              // GUARDED_BY(mutex_)
  uint64_t next_ticket_ = 0;     // GUARDED_BY(mutex_)
  std::set<uint64_t> waiting_;   // GUARDED_BY(mutex_): tickets, the first is next
  std::set<std::string> inside_; // GUARDED_BY(mutex_): whose are running or waiting
};

} // namespace varro
