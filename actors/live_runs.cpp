#include "actors/live_runs.hpp"

#include <utility>

namespace varro {

live_runs::pass live_runs::enter(live_run run) {
  std::lock_guard guard{mutex_};
  const auto number = next_++;
  runs_.emplace(number, std::move(run));
  // The pointer points to nothing of use; its end takes the run out.
  return {static_cast<const void*>(this), [table = shared_from_this(), number](const void*) {
            std::lock_guard leaving{table->mutex_};
            table->runs_.erase(number);
          }};
}

std::vector<live_run> live_runs::list() const {
  std::lock_guard guard{mutex_};
  std::vector<live_run> all;
  all.reserve(runs_.size());
  for (const auto& [number, run] : runs_)
    all.push_back(run);
  return all;
}

} // namespace varro
