// The runs that are on, for who looks after the server: whose, in which chat, since when; nothing of what they say.
//
// Thread-safe. A run is in here as long as the pass that enter() gave lives.
#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace varro {

struct live_run {
  int64_t user = 0;
  int64_t chat = 0;
  std::string model; // model_config::id
  unix_us since = 0;
};

class live_runs : public std::enable_shared_from_this<live_runs> {
public:
  using pass = std::shared_ptr<const void>;

  [[nodiscard]] pass enter(live_run run);
  // The oldest first.
  std::vector<live_run> list() const;

private:
  mutable std::mutex mutex_;
  std::map<int64_t, live_run> runs_; // guarded by mutex_; by the order in which they came
  int64_t next_ = 0;                 // guarded by mutex_
};

} // namespace varro
