#include "http/worker_pool.hpp"

#include <algorithm>
#include <pthread.h>

namespace varro {

worker_pool::worker_pool(int workers, handler answer, std::function<void()> wake)
  : answer_(std::move(answer)), wake_(std::move(wake)), shares_(shares_of(workers)) {
  for (int i = 0; i < workers; ++i)
    threads_.emplace_back([this] { work(); });
}

worker_pool::~worker_pool() {
  stop();
}

void worker_pool::submit(uint64_t connection, received_request&& request) {
  auto kind = work_class_of(request);
  {
    std::lock_guard lock{mutex_};
    jobs_.push_back({connection, std::move(request), std::move(kind)});
  }
  ready_.notify_one();
}

std::vector<worker_pool::finished> worker_pool::take_finished() {
  std::lock_guard lock{mutex_};
  return std::exchange(finished_, {});
}

void worker_pool::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
    jobs_.clear();
  }
  ready_.notify_all();
  for (auto& thread : threads_)
    if (thread.joinable())
      thread.join();
}

bool worker_pool::may_begin(const work_class& kind) const {
  if (kind.costly && costly_ >= shares_.costly)
    return false;
  auto mine = kind.visitor.empty() ? of_visitors_.end() : of_visitors_.find(kind.visitor);
  if (mine == of_visitors_.end())
    return true;
  return mine->second.first < shares_.of_visitor && (!kind.costly || mine->second.second < shares_.costly_of_visitor);
}

std::deque<worker_pool::job>::iterator worker_pool::next_job() {
  return std::find_if(jobs_.begin(), jobs_.end(), [this](const job& each) { return may_begin(each.kind); });
}

void worker_pool::count(const work_class& kind, int change) {
  costly_ += kind.costly ? change : 0;
  if (kind.visitor.empty())
    return;
  auto& mine = of_visitors_[kind.visitor];
  mine.first += change;
  mine.second += kind.costly ? change : 0;
  if (mine.first == 0)
    of_visitors_.erase(kind.visitor);
}

void worker_pool::work() {
  ::pthread_setname_np(::pthread_self(), "http-worker");
  std::unique_lock lock{mutex_};
  for (;;) {
    auto found = jobs_.end();
    ready_.wait(lock, [&] { return stopping_ || (found = next_job()) != jobs_.end(); });
    if (stopping_)
      return;
    auto next = std::move(*found);
    jobs_.erase(found);
    count(next.kind, 1);
    // What has ended may have made room for more than this one.
    if (!jobs_.empty())
      ready_.notify_one();
    lock.unlock();
    finished done{next.connection, answer_(std::move(next.request))};
    lock.lock();
    count(next.kind, -1);
    finished_.push_back(std::move(done));
    // One wake-up serves all that is finished until the poller takes it.
    if (finished_.size() == 1)
      wake_();
  }
}

} // namespace varro
