// A fixed number of threads that answer requests, and the queues to and from the poller.
//
// Requests are begun in the order in which they came, but for those whose visitor, or kind, has its share of the
// threads already (work_class.hpp): they wait, and the others go past them.
#pragma once

#include "http/exchange.hpp"
#include "http/work_class.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
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
    work_class kind;
  };
  void work();
  // The first job that may begin, or the end. REQUIRES: mutex_ is held.
  std::deque<job>::iterator next_job();
  bool may_begin(const work_class& kind) const;
  void count(const work_class& kind, int change);

  handler answer_;
  std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable ready_;
  work_shares shares_;
  std::deque<job> jobs_;                                             // GUARDED_BY(mutex_)
  std::unordered_map<std::string, std::pair<int, int>> of_visitors_; // GUARDED_BY(mutex_); running: all, costly ones
  int costly_ = 0;                                                   // GUARDED_BY(mutex_); running
  std::vector<finished> finished_;                                   // GUARDED_BY(mutex_)
  bool stopping_ = false;                                            // GUARDED_BY(mutex_)
  std::vector<std::thread> threads_;
};

} // namespace varro
