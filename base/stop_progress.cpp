#include "base/stop_progress.hpp"

#include <utility>

namespace varro {

void stop_progress::waits_for(const std::string& who, std::string what) {
  std::lock_guard guard{mutex_};
  awaited_[who] = std::move(what);
}

void stop_progress::is_done(const std::string& who) {
  std::lock_guard guard{mutex_};
  awaited_.erase(who);
}

std::string stop_progress::text() const {
  std::lock_guard guard{mutex_};
  std::string result;
  size_t named = 0;
  for (const auto& [who, what] : awaited_) {
    if (named == named_max)
      return result + "; and " + std::to_string(awaited_.size() - named) + " more";
    result += (named++ > 0 ? "; " : "") + who + ": " + what;
  }
  return result;
}

} // namespace varro
