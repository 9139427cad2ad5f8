#include "tests/support/scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace varro::test {

namespace {

constexpr std::chrono::seconds patience{20};

// Bytes of the first whole request in `text`, or 0.
size_t request_size(const std::string& text) {
  auto head_end = text.find("\r\n\r\n");
  if (head_end == std::string::npos)
    return 0;
  auto head = text.substr(0, head_end);
  for (auto& c : head)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  size_t length = 0;
  if (auto at = head.find("\r\ncontent-length:"); at != std::string::npos)
    length = std::strtoul(head.c_str() + at + 17, nullptr, 10);
  auto size = head_end + 4 + length;
  return text.size() >= size ? size : 0;
}

} // namespace

std::string http_response(int status, std::string_view content_type, std::string_view body,
                          std::string_view extra_headers) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\ncontent-type: ";
  text.append(content_type).append("\r\ncontent-length: ").append(std::to_string(body.size())).append("\r\n");
  text.append(extra_headers).append("\r\n").append(body);
  return text;
}

std::string chunked_head(int status, std::string_view content_type) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\ncontent-type: ";
  return text.append(content_type).append("\r\ntransfer-encoding: chunked\r\n\r\n");
}

std::string chunk(std::string_view bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return std::string{size}.append(bytes).append("\r\n");
}

scripted_server::scripted_server(script answer) : answer_(std::move(answer)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, raw, size) != 0 || listen(listener_, 4096) != 0 || getsockname(listener_, raw, &size) != 0)
    throw std::runtime_error("the scripted server cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { run(); }};
}

scripted_server::~scripted_server() {
  stopping_ = true;
  eventfd_write(wake_, 1);
  thread_.join();
  while (!connections_.empty())
    drop(connections_.begin()->first);
  stop_accepting();
  close(wake_);
}

std::string scripted_server::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string{path};
}

void scripted_server::stop_accepting() {
  if (listener_ >= 0)
    close(std::exchange(listener_, -1));
}

void scripted_server::release() {
  released_ = true;
  eventfd_write(wake_, 1);
}

bool scripted_server::wait_for_requests(size_t count) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, patience, [&] { return requests_.size() >= count; });
}

bool scripted_server::wait_for_open(size_t connections) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, patience, [&] { return open_ == connections; });
}

std::vector<std::string> scripted_server::requests() const {
  std::lock_guard guard{mutex_};
  return requests_;
}

size_t scripted_server::open() const {
  std::lock_guard guard{mutex_};
  return open_;
}

size_t scripted_server::accepted() const {
  std::lock_guard guard{mutex_};
  return accepted_;
}

void scripted_server::run() {
  while (!stopping_) {
    std::vector<pollfd> fds{{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    for (auto& [fd, c] : connections_) {
      bool sending = !c.steps.empty() && (c.steps.front().what != server_step::kind::hold || released_);
      fds.push_back({fd, static_cast<short>(sending ? POLLIN | POLLOUT : POLLIN), 0});
    }
    poll(fds.data(), fds.size(), -1);
    if (fds[1].revents) {
      eventfd_t count = 0;
      eventfd_read(wake_, &count);
    }
    if (fds[0].revents)
      accept_all();
    for (size_t i = 2; i < fds.size(); ++i) {
      auto& c = connections_.at(fds[i].fd);
      bool alive = !(fds[i].revents & (POLLIN | POLLHUP | POLLERR)) || read_from(fds[i].fd, c);
      if (!alive || !advance(fds[i].fd, c))
        drop(fds[i].fd);
    }
  }
}

void scripted_server::accept_all() {
  for (;;) {
    int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
      return;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_[fd];
    std::lock_guard guard{mutex_};
    ++open_;
    ++accepted_;
    changed_.notify_all();
  }
}

bool scripted_server::read_from(int fd, connection& c) {
  char buffer[16384];
  for (;;) {
    auto got = recv(fd, buffer, sizeof buffer, 0);
    if (got == 0)
      return false;
    if (got < 0)
      return errno == EAGAIN || errno == EINTR;
    c.received.append(buffer, static_cast<size_t>(got));
  }
}

bool scripted_server::advance(int fd, connection& c) {
  if (c.steps.empty()) {
    auto size = request_size(c.received);
    if (size == 0)
      return true;
    auto request = c.received.substr(0, size);
    c.received.erase(0, size);
    c.steps = answer_(request);
    std::lock_guard guard{mutex_};
    requests_.push_back(std::move(request));
    changed_.notify_all();
  }
  if (c.steps.empty())
    return true;
  // One step each time round, so that every send() step is a write of its own.
  auto& step = c.steps.front();
  switch (step.what) {
  case server_step::kind::hold:
    if (!released_)
      return true;
    break;
  case server_step::kind::close:
    return false;
  case server_step::kind::reset: {
    linger abort{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    return false;
  }
  case server_step::kind::send: {
    auto sent = send(fd, step.bytes.data() + c.sent, step.bytes.size() - c.sent, MSG_NOSIGNAL);
    if (sent < 0)
      return errno == EAGAIN || errno == EINTR;
    c.sent += static_cast<size_t>(sent);
    if (c.sent < step.bytes.size())
      return true;
  }
  }
  c.sent = 0;
  c.steps.erase(c.steps.begin());
  return true;
}

void scripted_server::drop(int fd) {
  close(fd);
  connections_.erase(fd);
  std::lock_guard guard{mutex_};
  --open_;
  changed_.notify_all();
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

} // namespace varro::test
