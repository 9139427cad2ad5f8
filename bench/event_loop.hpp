// One thread's epoll loop with timers: what varro-model and varro-load run on.
//
// Not thread-safe, but for stop(), which a signal handler may call too.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

struct epoll_event;

namespace varro::bench {

using loop_clock = std::chrono::steady_clock; // CLOCK_MONOTONIC, shared by all processes of a machine

class event_loop {
public:
  using on_events = std::function<void(uint32_t events)>; // EPOLLIN | EPOLLOUT | …
  using timer = std::pair<loop_clock::time_point, uint64_t>;

  event_loop();
  ~event_loop();
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  // The handler lives until unwatch(); it may unwatch its own descriptor, or any other.
  void watch(int fd, uint32_t events, on_events handler);
  void change(int fd, uint32_t events);
  void unwatch(int fd); // does not close it

  timer at(loop_clock::time_point when, std::function<void()> action);
  timer after(std::chrono::microseconds delay, std::function<void()> action);
  void cancel(const timer& which); // one that has fired or is unknown is ignored

  void run(); // until stop()
  void stop() noexcept;

private:
  struct watched {
    uint32_t generation = 0;
    std::shared_ptr<on_events> handler;
  };
  int wait_for(epoll_event* events, int room) const;
  void fire_timers();

  int epoll_ = -1;
  int wake_ = -1;
  bool stopping_ = false;
  uint32_t last_generation_ = 0;
  uint64_t last_timer_ = 0;
  std::unordered_map<int, watched> watched_;
  std::map<timer, std::function<void()>> timers_;
};

// The count of a CLOCK_MONOTONIC microsecond, as the markers in varro-model's answers carry it.
int64_t monotonic_us();

// Raises the limit on open files as far as it may; returns the limit.
uint64_t raise_file_limit();

// A non-blocking listening or connecting TCP socket; -1 and `error` otherwise. Numeric IPv4 hosts and "localhost" only.
int listen_on(const std::string& host, uint16_t port, std::string& error);
int connect_to(const std::string& host, uint16_t port, std::string& error);
uint16_t local_port(int fd);

} // namespace varro::bench
