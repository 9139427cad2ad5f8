#include "actors/run_limits.hpp"

#include "actors/allowances.hpp"

#include <utility>

namespace varro {

run_limits::run_limits(clock now) : now_(std::move(now)) {}

int64_t run_limits::of(int64_t user, const std::function<void()>& refresh) {
  int64_t max = 1;
  {
    std::lock_guard guard{mutex_};
    const auto found = users_.find(user);
    const auto now = now_();
    if (found != users_.end() && now - found->second.at < limits_known_max)
      return found->second.max;
    auto& known = entry(user);
    known.at = now;
    max = known.max;
  }
  refresh();
  return max;
}

void run_limits::note(int64_t user, int64_t max) {
  std::lock_guard guard{mutex_};
  auto& known = entry(user);
  known.max = max;
  known.at = now_();
}

size_t run_limits::held() const {
  std::lock_guard guard{mutex_};
  return users_.size();
}

run_limits::known& run_limits::entry(int64_t user) {
  if (users_.size() >= limits_known_users_max && !users_.contains(user))
    users_.clear();
  return users_[user];
}

} // namespace varro
