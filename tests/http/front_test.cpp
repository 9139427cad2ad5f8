#include "base/descriptor.hpp"
#include "http/front.hpp"
#include "tests/support/http_client.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <condition_variable>
#include <fcntl.h>
#include <fstream>
#include <mutex>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace varro;
using namespace varro::test;
using namespace std::chrono_literals;

namespace {

composed_response text_response(const received_request& request, std::string body) {
  composed_response result;
  result.close = !request.keep_alive;
  result.bytes = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  return result;
}

composed_response echo(received_request&& request) {
  return text_response(request, request.method + " " + request.target + " " + request.body);
}

struct running_front {
  explicit running_front(server_config limits, http_front::handler answer = echo)
    : front(prepared(limits), std::move(answer)) {
    auto bound = front.bind();
    REQUIRE(bound);
    port = *bound;
    front.start();
  }
  static server_config prepared(server_config limits) {
    limits.port = 0;
    return limits;
  }
  // What the front says of itself follows what a client has read by a step.
  template <class Predicate>
  bool comes_to(Predicate holds) {
    for (auto end = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < end;
         std::this_thread::yield())
      if (holds(front))
        return true;
    return false;
  }
  http_front front;
  uint16_t port = 0;
};

bool holds_no_bytes(const http_front& front) {
  return front.buffered_bytes() == 0;
}

auto has_connections(size_t n) {
  return [n](const http_front& front) { return front.connections() == n; };
}

int thread_count() {
  std::ifstream file{"/proc/self/status"};
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("Threads:"))
      return std::stoi(line.substr(8));
  return 0;
}

} // namespace

TEST_CASE("a request is answered and the connection serves the next one") {
  running_front server{{}};
  raw_client client{server.port};
  for (int i = 0; i < 3; ++i) {
    client.send(request_text("POST", "/x", {}, "body" + std::to_string(i)));
    auto answer = client.read_answer();
    CHECK(answer.status == 200);
    CHECK(answer.body == "POST /x body" + std::to_string(i));
  }
}

TEST_CASE("pipelined requests are answered one after the other, in order") {
  std::mutex mutex;
  int running = 0, most = 0;
  running_front server{{}, [&](received_request&& request) {
                         {
                           std::lock_guard lock{mutex};
                           most = std::max(most, ++running);
                         }
                         auto response = echo(std::move(request));
                         std::lock_guard lock{mutex};
                         --running;
                         return response;
                       }};
  raw_client client{server.port};
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += request_text("GET", "/" + std::to_string(i));
  client.send(all);
  for (int i = 0; i < 50; ++i)
    CHECK(client.read_answer().body == "GET /" + std::to_string(i) + " ");
  CHECK(most == 1);
}

TEST_CASE("Connection: close ends the connection after the response, HTTP/1.0 as well") {
  running_front server{{}};
  raw_client client{server.port};
  client.send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(client.read_answer().status == 200);
  CHECK(client.is_closed());
  raw_client old{server.port};
  old.send("GET /a HTTP/1.0\r\n\r\n");
  CHECK(old.read_answer().status == 200);
  CHECK(old.is_closed());
}

TEST_CASE("a client that half-closes still gets its response") {
  running_front server{{}};
  raw_client client{server.port};
  client.send(request_text("GET", "/a"));
  client.shut_down_sending();
  CHECK(client.read_answer().body == "GET /a ");
}

TEST_CASE("a malformed request is refused with words and the connection ends") {
  running_front server{{}};
  for (std::string bytes : {"GET / HTTP/1.1\nHost: x\n\n", "\x16\x03\x01\x02", "GET / HTTP/1.1\r\n\r\n",
                            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    CAPTURE(bytes);
    raw_client client{server.port};
    client.send(bytes);
    auto answer = client.read_answer();
    CHECK(answer.status == 400);
    CHECK(answer.field("Content-Security-Policy").find("default-src 'self'") == 0);
    CHECK(answer.body.find("<p>The ") != std::string::npos);
    CHECK(client.is_closed());
  }
}

TEST_CASE("a body over the limit is refused before it is sent, and the client can read why") {
  server_config limits;
  limits.request_body_bytes_max = 1'000'000;
  running_front server{limits};
  CHECK(ask(server.port, "POST", "/", {}, std::string(1'000'000, 'a')).status == 200);
  raw_client client{server.port};
  client.send_if_open(request_text("POST", "/", {}, std::string(1'000'001, 'a')));
  CHECK(client.read_answer().status == 413);
  CHECK(client.is_closed());
}

TEST_CASE("a client that expects 100-continue is told to go on, or is refused without having sent the body") {
  server_config limits;
  limits.request_body_bytes_max = 10;
  running_front server{limits};
  raw_client client{server.port};
  client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  CHECK(client.read_answer().status == 100);
  client.send("abc");
  CHECK(client.read_answer().body == "POST / abc");
  raw_client large{server.port};
  large.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
  CHECK(large.read_answer().status == 413);
}

TEST_CASE("requests that all together hold too many bytes are refused, and room comes back") {
  server_config limits;
  limits.buffered_bytes_max = 100'000;
  running_front server{limits};
  raw_client holder{server.port};
  holder.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90001\r\n\r\n" + std::string(90'000, 'a'));
  raw_client client{server.port};
  // The holder's bytes and these pass the limit; whichever of the two is read last is refused.
  client.send_if_open(request_text("POST", "/", {}, std::string(50'000, 'b')));
  auto refused = client.read_answer().status;
  if (refused != 503) {
    holder.send_if_open("a");
    refused = holder.read_answer().status;
  }
  CHECK(refused == 503);
  CHECK(client.is_closed() == true);
}

TEST_CASE("a slow head is cut off with 408, a slow body too, and others are served meanwhile") {
  server_config limits;
  limits.head_max = 100ms;
  limits.body_max = 100ms;
  limits.workers = 1;
  running_front server{limits};
  raw_client slow_head{server.port};
  slow_head.send("GET / HT");
  raw_client slow_body{server.port};
  slow_body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
  CHECK(ask(server.port, "GET", "/ok").status == 200);
  CHECK(slow_head.read_answer().status == 408);
  CHECK(slow_head.is_closed());
  CHECK(slow_body.read_answer().status == 408);
  CHECK(slow_body.is_closed());
}

TEST_CASE("an idle keep-alive connection is closed after idle_max, without a response") {
  server_config limits;
  limits.idle_max = 50ms;
  running_front server{limits};
  raw_client client{server.port};
  client.send(request_text("GET", "/"));
  CHECK(client.read_answer().status == 200);
  CHECK(client.read_all().empty());
}

TEST_CASE("a client that does not read its response is cut off, one that reads gets all of it") {
  server_config limits;
  limits.body_max = 200ms;
  std::string large(32u << 20, 'x');
  running_front server{limits, [&](received_request&& request) { return text_response(request, large); }};
  raw_client reader{server.port};
  reader.send(request_text("GET", "/"));
  CHECK(reader.read_answer().body.size() == large.size());
  raw_client sleeper{server.port};
  REQUIRE(server.comes_to(has_connections(2)));
  sleeper.send(request_text("GET", "/"));
  CHECK(server.comes_to(has_connections(1))); // the reader's stays
}

TEST_CASE("two thousand idle connections leave room for a request, and no thread is added") {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max < 4'200) {
    MESSAGE("skipped: fewer than 4,200 open files are allowed here");
    return;
  }
  running_front server{{}};
  auto threads = thread_count();
  std::vector<raw_client> idle;
  for (int i = 0; i < 2'000; ++i)
    idle.emplace_back(server.port);
  for (auto& client : idle) {
    client.send(request_text("GET", "/"));
    CHECK(client.read_answer().status == 200);
  }
  CHECK(server.front.connections() == 2'000);
  CHECK(ask(server.port, "GET", "/ok").body == "GET /ok ");
  CHECK(thread_count() == threads);
  CHECK(server.comes_to(holds_no_bytes));
}

TEST_CASE("more connections than allowed are turned away, and let in when there is room") {
  server_config limits;
  limits.connections_max = 2;
  running_front server{limits};
  auto first = std::make_unique<raw_client>(server.port);
  raw_client second{server.port};
  for (auto* client : {first.get(), &second}) {
    client->send(request_text("GET", "/"));
    CHECK(client->read_answer().status == 200);
  }
  raw_client third{server.port};
  CHECK(third.read_answer().status == 503);
  first.reset();
  REQUIRE(server.comes_to(has_connections(1)));
  CHECK(ask(server.port, "GET", "/").status == 200);
}

TEST_CASE("a file is sent after the head without being read into memory") {
  char path[] = "/tmp/varro-front-XXXXXX";
  auto fd = ::mkstemp(path);
  ::unlink(path);
  std::string content;
  for (int i = 0; content.size() < 3u << 20; ++i)
    content += std::to_string(i) + ",";
  REQUIRE(::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  running_front server{{}, [&](received_request&&) {
                         composed_response result;
                         result.bytes
                           = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(content.size() - 10) + "\r\n\r\n";
                         result.file = file_slice{descriptor{::dup(fd)}, 10, content.size() - 10};
                         return result;
                       }};
  raw_client client{server.port};
  for (int i = 0; i < 2; ++i) {
    client.send(request_text("GET", "/"));
    CHECK(client.read_answer().body == content.substr(10));
  }
  CHECK(server.comes_to(holds_no_bytes));
  ::close(fd);
}

TEST_CASE("a connection can be handed over; the front forgets it") {
  std::mutex mutex;
  std::condition_variable arrived;
  int taken = -1;
  running_front server{{}, [&](received_request&&) {
                         composed_response result;
                         result.adopt = [&](int fd) {
                           std::lock_guard lock{mutex};
                           taken = fd;
                           arrived.notify_one();
                         };
                         return result;
                       }};
  raw_client client{server.port};
  client.send(request_text("GET", "/stream"));
  std::unique_lock lock{mutex};
  REQUIRE(arrived.wait_for(lock, 20s, [&] { return taken >= 0; }));
  CHECK(server.front.connections() == 0);
  REQUIRE(::send(taken, "hello\n", 6, MSG_NOSIGNAL) == 6);
  CHECK(client.read_until("\n") == "hello\n");
  ::close(taken);
}

TEST_CASE("stop finishes what is being answered and closes the rest") {
  std::mutex mutex;
  std::condition_variable changed;
  bool started = false, go = false;
  running_front server{{}, [&](received_request&& request) {
                         std::unique_lock lock{mutex};
                         started = true;
                         changed.notify_all();
                         changed.wait(lock, [&] { return go; });
                         return text_response(request, "finished");
                       }};
  raw_client idle{server.port};
  raw_client client{server.port};
  client.send(request_text("GET", "/"));
  {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return started; });
  }
  std::thread stopping{[&] { server.front.stop(); }};
  CHECK(idle.is_closed()); // the stop has begun
  {
    std::lock_guard lock{mutex};
    go = true;
  }
  changed.notify_all();
  CHECK(client.read_answer().body == "finished");
  CHECK(client.is_closed());
  stopping.join();
  CHECK_THROWS(raw_client{server.port});
}

TEST_CASE("an address that is taken is an error that names it") {
  running_front server{{}};
  server_config again;
  again.port = server.port;
  http_front other{again, echo};
  auto bound = other.bind();
  REQUIRE_FALSE(bound);
  CHECK(code_of(bound.error()) == errc::config_invalid);
  CHECK(text_of(bound.error()).find(std::to_string(server.port)) != std::string::npos);
}
