#include "http/front.hpp"

#include "base/descriptor.hpp"
#include "http/api/problem.hpp"
#include "http/listen_socket.hpp"
#include "http/request_id.hpp"
#include "http/request_parser.hpp"
#include "http/security_headers.hpp"
#include "http/worker_pool.hpp"
#include "render/markup.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <thread>

namespace varro {

namespace {

using clock = std::chrono::steady_clock;

constexpr size_t receive_bytes = 64u << 10;      // of one recv
constexpr size_t sendfile_bytes = 1u << 20;      // of one sendfile, so that one download does not hold up the rest
constexpr size_t progress_bytes_min = 16u << 10; // a reader that takes less within body_max is cut off
constexpr std::chrono::milliseconds linger_max{5'000};
constexpr std::string_view continue_bytes = "HTTP/1.1 100 Continue\r\n\r\n";

enum class phase { receiving, answering, sending, lingering };

struct connection {
  descriptor socket;
  uint64_t id = 0;
  phase now = phase::receiving;
  uint32_t interest = 0; // what epoll watches
  request_parser parser;
  std::string in;
  composed_response out;
  size_t sent = 0;       // of out.bytes
  size_t progressed = 0; // bytes sent since the deadline was set
  size_t lingered = 0;   // bytes thrown away
  size_t accounted = 0;  // this connection's part of the buffered bytes
  size_t answering = 0;  // bytes of the request that a worker holds
  bool keep_alive = true;
  bool gone = false; // hung up while a worker answers; kept, so that what the worker holds stays counted
  clock::time_point deadline;
  std::string peer;

  explicit connection(request_limits limits) : parser(limits) {}
};

} // namespace

struct http_front::impl {
  impl(const server_config& limits, handler answer, preparation prepare)
    : settings(limits), answer(std::move(answer)), prepare(std::move(prepare)) {}

  void run();
  void handle_event(uint64_t id, uint32_t events);
  void handle_finished();
  void accept_all();
  void add(int fd);
  void watch(connection& c, uint32_t interest);
  void close(connection& c);
  void receive(connection& c);
  void parse(connection& c);
  void respond(connection& c, composed_response response);
  void send(connection& c);
  bool send_bytes(connection& c);
  bool send_file(connection& c);
  void sent_all(connection& c);
  void linger(connection& c);
  void throw_away(connection& c);
  void account(connection& c);
  void sweep();
  void begin_stop();
  bool drained() const;
  std::chrono::milliseconds sweep_interval() const;

  const server_config settings;
  handler answer;
  preparation prepare; // may be empty
  listen_socket listener;
  descriptor epoll;
  descriptor wake;
  std::unique_ptr<worker_pool> workers;
  std::thread poller;
  std::atomic<bool> stop_requested = false;
  std::atomic<size_t> open = 0;
  std::atomic<size_t> buffered = 0;

  // Of the poller's thread alone.
  std::unordered_map<uint64_t, std::unique_ptr<connection>> connections;
  std::vector<std::unique_ptr<connection>> closed; // until the current event is over
  uint64_t next_id = 2;                            // 0 is the listener, 1 the wake-up
  bool accepting = false;
  bool stopping = false;
  clock::time_point drain_deadline;
  std::vector<char> scratch = std::vector<char>(receive_bytes);
};

std::string_view reason_phrase(int status) {
  switch (status) {
  case 400:
    return "Bad Request";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 413:
    return "Content Too Large";
  case 414:
    return "URI Too Long";
  case 417:
    return "Expectation Failed";
  case 421:
    return "Misdirected Request";
  case 431:
    return "Request Header Fields Too Large";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 505:
    return "HTTP Version Not Supported";
  default:
    return status < 400 ? "OK" : "Error";
  }
}

composed_response refusal(int status, std::string_view text, std::string_view target) {
  const bool for_programs = is_api_target(target);
  const auto id = new_request_id(); // what is refused here has none yet
  const auto body = for_programs ? error_text_for(status, text, target, id)
                                 : html::fragment(html::doctype(), html::element("title", reason_phrase(status)),
                                                  html::element("p", text), html::element("p", "Request " + id), "\n")
                                     .str();
  composed_response result;
  result.close = true;
  result.bytes = "HTTP/1.1 " + std::to_string(status) + " " + std::string{reason_phrase(status)} + "\r\nContent-Type: "
    + std::string{for_programs ? error_type_for(target) : "text/html; charset=utf-8"} + "\r\nX-Request-Id: " + id
    + "\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"
    + security_header_lines() + "\r\n" + body;
  return result;
}

// --- the poller's loop -----------------------------------------------------------------------------------------------

void http_front::impl::run() {
  ::pthread_setname_np(::pthread_self(), "http-front");
  std::array<epoll_event, 256> events;
  auto next_sweep = clock::now();
  for (;;) {
    if (stop_requested && !stopping)
      begin_stop();
    if (stopping && drained())
      break;
    auto n = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()),
                          static_cast<int>(sweep_interval().count()));
    for (int i = 0; i < n; ++i)
      handle_event(events[i].data.u64, events[i].events);
    handle_finished();
    closed.clear();
    if (auto now = clock::now(); now >= next_sweep) {
      sweep();
      closed.clear();
      next_sweep = now + sweep_interval();
    }
  }
  connections.clear();
  open = 0;
}

std::chrono::milliseconds http_front::impl::sweep_interval() const {
  auto smallest = std::min({settings.head_max, settings.body_max, settings.idle_max, std::chrono::milliseconds{4'000}});
  return std::max(smallest / 4, std::chrono::milliseconds{5});
}

void http_front::impl::handle_event(uint64_t id, uint32_t events) {
  if (id == 0)
    return accept_all();
  if (id == 1) {
    uint64_t count = 0;
    [[maybe_unused]] auto n = ::read(wake.get(), &count, sizeof count);
    return;
  }
  auto found = connections.find(id);
  if (found == connections.end())
    return;
  auto& c = *found->second;
  if (c.now == phase::answering) {
    // Only an error or a complete hang-up is reported here: nobody is left to answer.
    if (events & (EPOLLERR | EPOLLHUP)) {
      ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, c.socket.get(), nullptr);
      c.gone = true;
    }
    return;
  }
  if (c.now == phase::sending)
    return send(c);
  return c.now == phase::receiving ? receive(c) : throw_away(c);
}

void http_front::impl::handle_finished() {
  for (auto& done : workers->take_finished()) {
    auto found = connections.find(done.connection);
    if (found == connections.end())
      continue;
    found->second->answering = 0;
    respond(*found->second, std::move(done.response));
  }
}

void http_front::impl::sweep() {
  auto now = clock::now();
  std::vector<connection*> late;
  for (auto& [id, c] : connections)
    if (c->now != phase::answering && c->deadline <= now)
      late.push_back(c.get());
  for (auto* c : late) {
    bool started = c->now == phase::receiving && (!c->in.empty() || c->parser.current() == request_parser::state::body);
    if (started)
      respond(*c, refusal(408, "The request took too long to arrive.", c->parser.target()));
    else if (c->now == phase::sending && c->progressed >= progress_bytes_min) {
      c->progressed = 0;
      c->deadline = now + settings.body_max;
    } else
      close(*c);
  }
  if (!accepting && !stopping) {
    epoll_event event{EPOLLIN, {}};
    accepting = ::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, listener.socket.get(), &event) == 0;
  }
}

void http_front::impl::begin_stop() {
  stopping = true;
  drain_deadline = clock::now() + drain_max;
  listener.socket.reset();
  std::vector<connection*> idle;
  for (auto& [id, c] : connections)
    if (c->now == phase::receiving || c->now == phase::lingering)
      idle.push_back(c.get());
  for (auto* c : idle)
    close(*c);
  closed.clear();
}

bool http_front::impl::drained() const {
  return connections.empty() || clock::now() >= drain_deadline;
}

// --- connections -----------------------------------------------------------------------------------------------------

void http_front::impl::accept_all() {
  // Bounded, so that a flood of connections leaves the others their turn; level-triggered epoll reports the rest again.
  for (int i = 0; i < 256 && listener.socket; ++i) {
    auto fd = ::accept4(listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      add(fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // Without a pause the unaccepted connection would keep the poller spinning.
      epoll_event event{};
      ::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, listener.socket.get(), &event);
      accepting = false;
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

void http_front::impl::add(int fd) {
  int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connections.size() >= static_cast<size_t>(settings.connections_max)) {
    // Best effort: one more that lingers would be one more than the limit.
    auto bytes = refusal(503, "Too many connections are open. Try again in a moment.").bytes;
    ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::close(fd);
    return;
  }
  auto c
    = std::make_unique<connection>(request_limits{settings.request_head_bytes_max, settings.request_body_bytes_max});
  c->socket = descriptor{fd};
  c->id = next_id++;
  c->peer = peer_address(fd);
  c->deadline = clock::now() + settings.head_max;
  c->interest = EPOLLIN;
  epoll_event event{EPOLLIN, {}};
  event.data.u64 = c->id;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return;
  auto id = c->id;
  connections.emplace(id, std::move(c));
  open = connections.size();
}

void http_front::impl::watch(connection& c, uint32_t interest) {
  if (c.interest == interest)
    return;
  c.interest = interest;
  epoll_event event{interest, {}};
  event.data.u64 = c.id;
  ::epoll_ctl(epoll.get(), EPOLL_CTL_MOD, c.socket.get(), &event);
}

void http_front::impl::close(connection& c) {
  auto found = connections.find(c.id);
  if (found == connections.end())
    return;
  buffered -= std::exchange(c.accounted, 0);
  c.socket.reset();
  closed.push_back(std::move(found->second));
  connections.erase(found);
  open = connections.size();
}

void http_front::impl::account(connection& c) {
  auto bytes
    = c.in.size() + c.parser.body_bytes() + c.answering + c.out.bytes.size() - std::min(c.sent, c.out.bytes.size());
  buffered += bytes - c.accounted; // unsigned arithmetic wraps to the right sum
  c.accounted = bytes;
}

void http_front::impl::receive(connection& c) {
  auto n = ::recv(c.socket.get(), scratch.data(), scratch.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0)
    return close(c);
  bool first = c.in.empty() && c.parser.current() == request_parser::state::head;
  if (first)
    c.deadline = clock::now() + settings.head_max;
  c.in.append(scratch.data(), static_cast<size_t>(n));
  parse(c);
}

void http_front::impl::parse(connection& c) {
  auto before = c.parser.current();
  auto state = c.parser.feed(c.in);
  account(c);
  if (state == request_parser::state::refused)
    return respond(c, refusal(c.parser.status(), c.parser.reason(), c.parser.target()));
  if (buffered > settings.buffered_bytes_max)
    return respond(c, refusal(503, "The server holds too many requests at the moment. Try again.", c.parser.target()));
  if (state == request_parser::state::complete) {
    auto request = c.parser.take();
    request.peer = c.peer;
    if (prepare)
      prepare(request);
    c.keep_alive = request.keep_alive;
    c.answering = request.body.size();
    c.now = phase::answering;
    account(c);
    watch(c, 0);
    return workers->submit(c.id, std::move(request));
  }
  if (state == request_parser::state::body && before == request_parser::state::head)
    c.deadline = clock::now() + settings.body_max;
  // A socket buffer that has no room for 25 bytes belongs to a client that reads nothing.
  if (c.parser.take_continue()
      && ::send(c.socket.get(), continue_bytes.data(), continue_bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT)
        != static_cast<ssize_t>(continue_bytes.size()))
    return close(c);
  watch(c, EPOLLIN);
}

// --- responses -------------------------------------------------------------------------------------------------------

void http_front::impl::respond(connection& c, composed_response response) {
  if (c.gone)
    return close(c);
  if (response.adopt) {
    ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, c.socket.get(), nullptr);
    auto fd = c.socket.release();
    close(c);
    return response.adopt(fd);
  }
  c.out = std::move(response);
  c.sent = c.progressed = 0;
  c.now = phase::sending;
  c.deadline = clock::now() + settings.body_max;
  account(c);
  send(c);
}

bool http_front::impl::send_bytes(connection& c) {
  while (c.sent < c.out.bytes.size()) {
    auto flags = MSG_NOSIGNAL | (c.out.file && c.out.file->length > 0 ? MSG_MORE : 0);
    auto n = ::send(c.socket.get(), c.out.bytes.data() + c.sent, c.out.bytes.size() - c.sent, flags);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    c.sent += static_cast<size_t>(n);
    c.progressed += static_cast<size_t>(n);
  }
  return true;
}

bool http_front::impl::send_file(connection& c) {
  auto& slice = *c.out.file;
  if (slice.length == 0)
    return true;
  auto offset = static_cast<off_t>(slice.offset);
  auto n = ::sendfile(c.socket.get(), slice.file.get(), &offset, std::min<uint64_t>(slice.length, sendfile_bytes));
  if (n == 0)
    errno = EIO; // the file became shorter than the head says
  if (n <= 0)
    return false;
  slice.offset += static_cast<uint64_t>(n);
  slice.length -= static_cast<uint64_t>(n);
  c.progressed += static_cast<size_t>(n);
  errno = EAGAIN;
  return slice.length == 0;
}

void http_front::impl::send(connection& c) {
  if (send_bytes(c) && (!c.out.file || send_file(c)))
    return sent_all(c);
  auto again = errno == EAGAIN || errno == EINTR;
  account(c);
  if (!again)
    return close(c);
  watch(c, EPOLLOUT);
}

void http_front::impl::sent_all(connection& c) {
  bool last = c.out.close || !c.keep_alive || stopping;
  c.out.file.reset();
  std::string{}.swap(c.out.bytes); // assignment would keep the capacity: thousands of idle connections wait here
  if (c.in.empty())
    std::string{}.swap(c.in);
  c.sent = 0;
  account(c);
  if (last)
    return linger(c);
  c.now = phase::receiving;
  c.deadline = clock::now() + (c.in.empty() ? settings.idle_max : settings.head_max);
  parse(c); // the next request may have arrived already
}

// Closing a socket that holds unread bytes makes the kernel reset the connection, and the client may lose the response.
void http_front::impl::linger(connection& c) {
  ::shutdown(c.socket.get(), SHUT_WR);
  c.now = phase::lingering;
  std::string{}.swap(c.in);
  c.deadline = clock::now() + linger_max;
  account(c);
  watch(c, EPOLLIN);
}

void http_front::impl::throw_away(connection& c) {
  auto n = ::recv(c.socket.get(), scratch.data(), scratch.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  c.lingered += n > 0 ? static_cast<size_t>(n) : 0;
  if (n <= 0 || c.lingered > 2 * settings.request_body_bytes_max)
    close(c);
}

// --- the outside -----------------------------------------------------------------------------------------------------

http_front::http_front(const server_config& limits, handler answer, preparation prepare)
  : impl_(std::make_unique<impl>(limits, std::move(answer), std::move(prepare))) {}

http_front::~http_front() {
  stop();
}

caf::expected<uint16_t> http_front::bind() {
  auto listener = open_listen_socket(impl_->settings);
  if (!listener)
    return listener.error();
  impl_->listener = std::move(*listener);
  return impl_->listener.port;
}

void http_front::start() {
  auto& self = *impl_;
  self.epoll = descriptor{::epoll_create1(EPOLL_CLOEXEC)};
  self.wake = descriptor{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  epoll_event listening{EPOLLIN, {}};
  epoll_event waking{EPOLLIN, {}};
  waking.data.u64 = 1;
  self.accepting = ::epoll_ctl(self.epoll.get(), EPOLL_CTL_ADD, self.listener.socket.get(), &listening) == 0;
  ::epoll_ctl(self.epoll.get(), EPOLL_CTL_ADD, self.wake.get(), &waking);
  // Signals are the main thread's business; the new threads inherit this mask.
  sigset_t all, former;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &former);
  auto wake = [fd = self.wake.get()] {
    uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(fd, &one, sizeof one);
  };
  self.workers = std::make_unique<worker_pool>(std::max(1, self.settings.workers), self.answer, wake);
  self.poller = std::thread{[&self] { self.run(); }};
  ::pthread_sigmask(SIG_SETMASK, &former, nullptr);
}

void http_front::stop() {
  auto& self = *impl_;
  if (!self.poller.joinable())
    return;
  self.stop_requested = true;
  uint64_t one = 1;
  [[maybe_unused]] auto n = ::write(self.wake.get(), &one, sizeof one);
  self.poller.join();
  self.workers->stop();
}

size_t http_front::connections() const {
  return impl_->open;
}

size_t http_front::buffered_bytes() const {
  return impl_->buffered;
}

} // namespace varro
