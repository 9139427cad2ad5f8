#include "actors/stop_deadline.hpp"

#include "base/log.hpp"
#include "shell/running_supervisor.hpp"

#include <cstdlib>
#include <string>

#include <unistd.h>

namespace varro {

stop_deadline::stop_deadline(std::shared_ptr<const stop_progress> progress, std::shared_ptr<const config> settings)
  : progress_(std::move(progress)), settings_(std::move(settings)) {
  alarm(static_cast<unsigned>(stop_alarm.count()));
  thread_ = std::thread{[this] { watch(); }};
}

stop_deadline::~stop_deadline() {
  {
    std::lock_guard guard{mutex_};
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
  alarm(0);
}

void stop_deadline::watch() {
  std::unique_lock lock{mutex_};
  if (!changed_.wait_for(lock, stop_max, [this] { return over_; }))
    break_off();
}

void stop_deadline::break_off() {
  // Read first: the end of the shells lets the stop go on, and then others are awaited than those that held it up.
  auto awaited = progress_->text();
  bool kept = settings_->keep_shells;
  // Before anything is said, because saying it may take for ever.
  bool ended = !kept && kill_supervisor(settings_->data_dir);
  log(log_level::error,
      "the stop is broken off after " + std::to_string(stop_max.count())
        + " s. Still awaited: " + (awaited.empty() ? "the end of threads" : awaited) + ". The shells "
        + (kept      ? "are kept"
             : ended ? "were ended"
                     : "had ended, or could not be"));
  _exit(EXIT_FAILURE);
}

} // namespace varro
