#include "bench/event_loop.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace varro::bench {

namespace {

constexpr uint64_t key_of(int fd, uint32_t generation) {
  return uint64_t{generation} << 32 | static_cast<uint32_t>(fd);
}

void control(int epoll, int operation, int fd, uint32_t events, uint32_t generation) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = key_of(fd, generation);
  epoll_ctl(epoll, operation, fd, &event);
}

int make_socket(const std::string& host, uint16_t port, sockaddr_in& address, std::string& error) {
  address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  auto numeric = host == "localhost" ? std::string{"127.0.0.1"} : host;
  if (inet_pton(AF_INET, numeric.c_str(), &address.sin_addr) != 1) {
    error = host + " is not a numeric IPv4 address";
    return -1;
  }
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    error = std::string{"no socket: "} + std::strerror(errno);
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

} // namespace

event_loop::event_loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  watch(wake_, EPOLLIN, [this](uint32_t) { stopping_ = true; });
}

event_loop::~event_loop() {
  close(epoll_);
  close(wake_);
}

void event_loop::watch(int fd, uint32_t events, on_events handler) {
  auto& entry = watched_[fd];
  entry.generation = ++last_generation_;
  entry.handler = std::make_shared<on_events>(std::move(handler));
  control(epoll_, EPOLL_CTL_ADD, fd, events, entry.generation);
}

void event_loop::change(int fd, uint32_t events) {
  if (auto found = watched_.find(fd); found != watched_.end())
    control(epoll_, EPOLL_CTL_MOD, fd, events, found->second.generation);
}

void event_loop::unwatch(int fd) {
  if (watched_.erase(fd) > 0)
    epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

event_loop::timer event_loop::at(loop_clock::time_point when, std::function<void()> action) {
  timer key{when, ++last_timer_};
  timers_.emplace(key, std::move(action));
  return key;
}

event_loop::timer event_loop::after(std::chrono::microseconds delay, std::function<void()> action) {
  return at(loop_clock::now() + delay, std::move(action));
}

void event_loop::cancel(const timer& which) {
  timers_.erase(which);
}

int event_loop::wait_for(epoll_event* events, int room) const {
  timespec left{};
  if (!timers_.empty()) {
    auto until = std::max<int64_t>((timers_.begin()->first.first - loop_clock::now()).count(), 0); // nanoseconds
    left = {static_cast<time_t>(until / 1'000'000'000), static_cast<long>(until % 1'000'000'000)};
  }
  // Whole milliseconds, as epoll_wait() has them, would make every timer late.
  return epoll_pwait2(epoll_, events, room, timers_.empty() ? nullptr : &left, nullptr);
}

void event_loop::fire_timers() {
  if (timers_.empty())
    return;
  auto now = loop_clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto action = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    action();
  }
}

void event_loop::run() {
  std::array<epoll_event, 512> events;
  while (!stopping_) {
    int count = wait_for(events.data(), static_cast<int>(events.size()));
    for (int i = 0; i < count; ++i) {
      auto key = events[static_cast<size_t>(i)].data.u64;
      auto found = watched_.find(static_cast<int>(key & 0xffffffffu));
      // An earlier handler of this round may have closed the descriptor, and another have got its number.
      if (found == watched_.end() || found->second.generation != key >> 32)
        continue;
      auto handler = found->second.handler;
      (*handler)(events[static_cast<size_t>(i)].events);
      fire_timers(); // a round of many events would make them late
    }
    fire_timers();
  }
  stopping_ = false;
}

void event_loop::stop() noexcept {
  eventfd_write(wake_, 1);
}

int64_t monotonic_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(loop_clock::now().time_since_epoch()).count();
}

uint64_t raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

int listen_on(const std::string& host, uint16_t port, std::string& error) {
  sockaddr_in address{};
  int fd = make_socket(host, port, address, error);
  if (fd < 0)
    return -1;
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 4096) != 0) {
    error = "cannot listen on " + host + ":" + std::to_string(port) + ": " + std::strerror(errno);
    close(fd);
    return -1;
  }
  return fd;
}

int connect_to(const std::string& host, uint16_t port, std::string& error) {
  sockaddr_in address{};
  int fd = make_socket(host, port, address, error);
  if (fd < 0)
    return -1;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) {
    error = "cannot connect to " + host + ":" + std::to_string(port) + ": " + std::strerror(errno);
    close(fd);
    return -1;
  }
  return fd;
}

uint16_t local_port(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

} // namespace varro::bench
