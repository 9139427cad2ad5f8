#include "http/oidc_rechecks.hpp"

#include "base/log.hpp"

#include <algorithm>

namespace varro {

using std::chrono::microseconds;

oidc_rechecks::oidc_rechecks(oidc_service& service, const oidc_config& settings)
  : service_(service), step_(microseconds{settings.recheck} / 8), after_(microseconds{settings.recheck} / 2) {}

oidc_rechecks::~oidc_rechecks() {
  stop();
}

void oidc_rechecks::start() {
  for (int i = 0; i < oidc_rechecks_at_once; ++i)
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
}

void oidc_rechecks::stop() {
  for (auto& thread : threads_)
    thread.request_stop();
  threads_.clear(); // joins
}

void oidc_rechecks::run(const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  while (!stop.stop_requested()) {
    look_for_due();
    if (waiting_.empty()) {
      changed_.wait_for(lock, stop, step_, [] { return false; });
      continue;
    }
    const auto login = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    auto failed = service_.look_again(login);
    lock.lock();
    under_way_.erase(login.token_hash);
    if (!failed) {
      last_told_.clear();
      continue;
    }
    not_before_[login.token_hash] = now_us() + microseconds{step_}.count();
    tell("nobody can tell whether logins still hold: " + text_of(failed));
  }
}

void oidc_rechecks::look_for_due() {
  if (!waiting_.empty())
    return;
  const auto now = now_us();
  std::erase_if(not_before_, [&](const auto& each) { return each.second <= now; });
  // Those that are not taken now must not keep the others from being found.
  const auto limit = oidc_due_max + static_cast<int>(under_way_.size() + not_before_.size());
  auto due = service_.due(now - after_.count(), now, limit);
  if (!due) {
    tell("logins are not looked up: " + text_of(due.error()));
    return;
  }
  for (auto& each : *due)
    if (!not_before_.contains(each.token_hash) && under_way_.insert(each.token_hash).second)
      waiting_.push_back(std::move(each));
}

void oidc_rechecks::tell(const std::string& problem) {
  if (std::exchange(last_told_, problem) != problem)
    log(log_level::warning, problem);
}

} // namespace varro
