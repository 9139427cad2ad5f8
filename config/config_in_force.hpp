// The configuration that is in force at a moment: a reload exchanges it whole, and whoever has taken one keeps that
// one.
//
// Who reads a key that a reload changes (takes_force::at_reload) asks now() each time. All other keys have the same
// values in each configuration of one server, so that one of the start does for them. Thread-safe.
#pragma once

#include "config/shown_settings.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace varro {

class config_in_force {
public:
  // origins: as load_config tells them.
  explicit config_in_force(std::shared_ptr<const config> first, std::map<std::string, std::string> origins = {});

  std::shared_ptr<const config> now() const; // never null
  std::vector<shown_setting> shown() const;  // without secrets

  // origins: of the file that was read for it. Those of keys that wait for the next start stay as they are.
  void exchange(std::shared_ptr<const config> next, const std::map<std::string, std::string>& origins);

private:
  mutable std::mutex mutex_;
  std::shared_ptr<const config> now_;          // GUARDED_BY(mutex_)
  std::map<std::string, std::string> origins_; // GUARDED_BY(mutex_)
};

} // namespace varro
