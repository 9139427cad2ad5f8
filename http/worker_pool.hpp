// A fixed number of threads that answer requests, and the queues to and from the poller.
#pragma once

#include "http/exchange.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace varro {

class worker_pool {
public:
  using handler = std::function<composed_response(received_request&&)>;
  struct finished {
    uint64_t connection = 0;
    composed_response response;
  };

  // `wake` is called on a worker's thread whenever something was finished.
  worker_pool(int workers, handler answer, std::function<void()> wake);
  ~worker_pool(); // stops

  void submit(uint64_t connection, received_request&& request);
  // What was finished since the last call.
  std::vector<finished> take_finished();
  // Drops what nobody works on yet and joins the threads.
  void stop();

private:
  struct job {
    uint64_t connection = 0;
    received_request request;
  };
  void work();

  handler answer_;
  std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<job> jobs_;           // GUARDED_BY(mutex_)
  std::vector<finished> finished_; // GUARDED_BY(mutex_)
  bool stopping_ = false;          // GUARDED_BY(mutex_)
  std::vector<std::thread> threads_;
};

} // namespace varro
