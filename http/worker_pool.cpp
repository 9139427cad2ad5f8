#include "http/worker_pool.hpp"

#include <pthread.h>

namespace varro {

worker_pool::worker_pool(int workers, handler answer, std::function<void()> wake)
  : answer_(std::move(answer)), wake_(std::move(wake)) {
  for (int i = 0; i < workers; ++i)
    threads_.emplace_back([this] { work(); });
}

worker_pool::~worker_pool() {
  stop();
}

void worker_pool::submit(uint64_t connection, received_request&& request) {
  {
    std::lock_guard lock{mutex_};
    jobs_.push_back({connection, std::move(request)});
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

void worker_pool::work() {
  ::pthread_setname_np(::pthread_self(), "http-worker");
  std::unique_lock lock{mutex_};
  for (;;) {
    ready_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_)
      return;
    auto next = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    finished done{next.connection, answer_(std::move(next.request))};
    lock.lock();
    finished_.push_back(std::move(done));
    // One wake-up serves all that is finished until the poller takes it.
    if (finished_.size() == 1)
      wake_();
  }
}

} // namespace varro
