#include "actors/job_thread.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <utility>

namespace varro {

job_thread::job_thread(caf::actor_system& system, std::chrono::seconds looked_for)
  : system_(system), looked_for_(looked_for) {}

job_thread::~job_thread() {
  stop();
}

void job_thread::start(look work) {
  thread_ = std::jthread{[this, work = std::move(work)](const std::stop_token& stop) { run(work, stop); }};
}

void job_thread::stop() {
  thread_.request_stop();
  if (thread_.joinable())
    thread_.join();
}

void job_thread::run(const look& work, const std::stop_token& stop) {
  caf::scoped_actor self{system_};
  std::unique_lock lock{mutex_};
  std::string told;
  auto pause = looked_for_;
  while (!stop.stop_requested()) {
    auto problem = work(self, stop);
    pause = problem.empty() ? looked_for_ : std::min(pause * 2, job_pause_max);
    if (!stop.stop_requested() && !problem.empty() && problem != told)
      log(log_level::warning, problem);
    told = std::move(problem);
    stopped_.wait_for(lock, stop, pause, [] { return false; });
  }
}

} // namespace varro
