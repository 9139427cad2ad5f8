// Ends the process when a stop takes longer than it may: says who hung, and leaves no shell that was not to be kept.
//
// The database is sound at any moment, so a stop can be broken off; a run that it did not close goes on at the next
// start.
#pragma once

#include "base/stop_progress.hpp"
#include "config/config.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace varro {

inline constexpr std::chrono::seconds stop_max{9};
// The kernel's own alarm, for a stop that not even this thread can break off, because stderr is blocked, say.
inline constexpr std::chrono::seconds stop_alarm{14};

class stop_deadline {
public:
  // The stop has begun.
  stop_deadline(std::shared_ptr<const stop_progress> progress, std::shared_ptr<const config> settings);
  // It is over. Both on the same thread.
  ~stop_deadline();
  stop_deadline(const stop_deadline&) = delete;

private:
  void watch();
  [[noreturn]] void break_off();

  std::shared_ptr<const stop_progress> progress_;
  std::shared_ptr<const config> settings_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

} // namespace varro
