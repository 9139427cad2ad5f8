#include "config/config_in_force.hpp"

#include "config/keys.hpp"

#include <utility>

namespace varro {

config_in_force::config_in_force(std::shared_ptr<const config> first, std::map<std::string, std::string> origins)
  : now_(std::move(first)), origins_(std::move(origins)) {}

std::shared_ptr<const config> config_in_force::now() const {
  std::lock_guard guard{mutex_};
  return now_;
}

std::vector<shown_setting> config_in_force::shown() const {
  std::lock_guard guard{mutex_};
  return shown_settings(*now_, origins_);
}

void config_in_force::exchange(std::shared_ptr<const config> next, const std::map<std::string, std::string>& origins) {
  std::lock_guard guard{mutex_};
  now_ = std::move(next);
  for (const auto& row : config_keys()) {
    if (row.when != takes_force::at_reload)
      continue;
    const std::string key{row.path};
    origins_.erase(key);
    if (const auto found = origins.find(key); found != origins.end())
      origins_.insert(*found);
  }
}

} // namespace varro
