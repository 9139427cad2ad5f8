// How many runs of a user may be on at once, for run_queue, which waits for nobody: what `allowances` said last.
//
// Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace varro {

class run_limits {
public:
  using clock = std::function<std::chrono::steady_clock::time_point()>;
  explicit run_limits(clock now = std::chrono::steady_clock::now);

  // 0: no limit. Of a user of whom nothing is known yet: 1, which is within every limit. Calls `refresh` where nothing
  // is known, or what is known is older than limits_known_max, at most once in that time for a user.
  int64_t of(int64_t user, const std::function<void()>& refresh);
  void note(int64_t user, int64_t max);

  size_t held() const; // users, for tests; at most limits_known_users_max

private:
  struct known {
    int64_t max = 1;
    std::chrono::steady_clock::time_point at; // when it was noted, or asked for
  };

  known& entry(int64_t user);

  clock now_;
  mutable std::mutex mutex_;
  std::map<int64_t, known> users_;
};

} // namespace varro
