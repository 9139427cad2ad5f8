#include "models/transport.hpp"

#include "models/retry_after.hpp"
#include "tests/support/scripted_server.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>

using namespace varro;
using namespace varro::test;
using std::chrono::milliseconds;
using reason = transport_end::reason;

namespace {

// What one request's callbacks were told, in order.
class answer {
public:
  transport_callbacks callbacks() {
    return {
      [this](int status, std::string_view type) {
        std::lock_guard guard{mutex_};
        ++heads;
        head_status = status;
        content_type = type;
        changed_.notify_all();
      },
      [this](std::string_view bytes) {
        std::lock_guard guard{mutex_};
        body += bytes;
        after_end = after_end || ends > 0;
        changed_.notify_all();
      },
      [this](const transport_end& end) {
        std::lock_guard guard{mutex_};
        ++ends;
        last = end;
        changed_.notify_all();
      },
    };
  }

  template <class Predicate>
  bool wait_until(Predicate holds) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds{20}, holds);
  }

  const transport_end& wait() {
    REQUIRE(wait_until([this] { return ends > 0; }));
    return last;
  }

  int heads = 0;
  int head_status = 0;
  std::string content_type;
  std::string body;
  int ends = 0;
  bool after_end = false;
  transport_end last;

private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

http_request post(std::string url, std::string body = "{}") {
  http_request request;
  request.url = std::move(url);
  request.headers = {{"content-type", "application/json"}, {"authorization", "Bearer secret-key-4711"}};
  request.body = std::move(body);
  return request;
}

scripted_server::script always(std::vector<server_step> steps) {
  return [steps](const std::string&) { return steps; };
}

size_t thread_count() {
  size_t count = 0;
  for ([[maybe_unused]] auto& entry : std::filesystem::directory_iterator{"/proc/self/task"})
    ++count;
  return count;
}

// A loopback port on which nobody listens: bound, so that nobody else takes it.
class closed_port {
public:
  closed_port() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
  }
  ~closed_port() {
    close(fd_);
  }
  uint16_t port = 0;

private:
  int fd_;
};

} // namespace

TEST_CASE("a whole answer arrives with its status, type and body, and ends once") {
  scripted_server server{always({send_bytes(http_response(200, "application/json", "{\"a\":1}"))})};
  answer got;
  auto transport = make_curl_transport();
  auto id = transport->start(post(server.url("/v1/messages"), "{\"q\":2}"), {}, got.callbacks());
  CHECK(id != 0);
  CHECK(got.wait().why == reason::complete);
  CHECK(got.last.http_status == 200);
  CHECK(got.head_status == 200);
  CHECK(got.content_type == "application/json");
  CHECK(got.body == "{\"a\":1}");
  transport.reset();
  CHECK(got.ends == 1);
  CHECK(got.heads == 1);
  auto request = server.requests().at(0);
  CHECK(request.starts_with("POST /v1/messages HTTP/1.1\r\n"));
  CHECK(request.find("authorization: Bearer secret-key-4711\r\n") != std::string::npos);
  CHECK(request.find("Accept-Encoding") == std::string::npos);
  CHECK(request.find("Expect:") == std::string::npos);
  CHECK(request.ends_with("\r\n\r\n{\"q\":2}"));
}

TEST_CASE("a large body is sent whole and without waiting for 100 Continue") {
  scripted_server server{always({send_bytes(http_response(200, "text/plain", "ok"))})};
  std::string body(3 << 20, 'x');
  answer got;
  auto transport = make_curl_transport();
  transport->start(post(server.url(), body), {}, got.callbacks());
  CHECK(got.wait().why == reason::complete);
  auto request = server.requests().at(0);
  CHECK(request.substr(0, request.find("\r\n\r\n")).find("Expect") == std::string::npos);
  CHECK(request.size() > body.size());
  CHECK(request.substr(request.size() - body.size()) == body);
}

TEST_CASE("a chunked stream cut after any byte is the same stream") {
  auto wire = chunked_head(200, "text/event-stream; charset=utf-8") + chunk("event: a\n")
    + chunk("data: {\"x\":\"é\"}\n\n") + std::string{last_chunk};
  auto transport = make_curl_transport();
  for (size_t cut = 1; cut < wire.size(); cut += 3) {
    CAPTURE(cut);
    scripted_server server{always({send_bytes(wire.substr(0, cut)), send_bytes(wire.substr(cut))})};
    answer got;
    transport->start(post(server.url()), {}, got.callbacks());
    CHECK(got.wait().why == reason::complete);
    CHECK(got.content_type == "text/event-stream; charset=utf-8");
    CHECK(got.body == "event: a\ndata: {\"x\":\"é\"}\n\n");
  }
  std::vector<server_step> single_bytes;
  for (char c : wire)
    single_bytes.push_back(send_bytes(std::string(1, c)));
  scripted_server server{always(single_bytes)};
  answer got;
  transport->start(post(server.url()), {}, got.callbacks());
  CHECK(got.wait().why == reason::complete);
  CHECK(got.body == "event: a\ndata: {\"x\":\"é\"}\n\n");
}

TEST_CASE("bytes are handed on when they arrive, not when the answer is whole") {
  scripted_server server{always({send_bytes(chunked_head(200, "text/event-stream") + chunk("first")), hold(),
                                 send_bytes(std::string{last_chunk})})};
  answer got;
  auto transport = make_curl_transport();
  transport->start(post(server.url()), {}, got.callbacks());
  REQUIRE(got.wait_until([&] { return got.body == "first"; }));
  CHECK(got.ends == 0);
  server.release();
  CHECK(got.wait().why == reason::complete);
}

TEST_CASE("a connection is used again for the next request") {
  scripted_server server{always({send_bytes(http_response(200, "text/plain", "ok"))})};
  auto transport = make_curl_transport();
  for (int i = 0; i < 5; ++i) {
    answer got;
    transport->start(post(server.url()), {}, got.callbacks());
    CHECK(got.wait().why == reason::complete);
  }
  CHECK(server.accepted() == 1);
}

TEST_CASE("a request that a used connection lost without an answer is told, since it was sent again unasked") {
  std::atomic<int> asked = 0;
  scripted_server server{[&](const std::string&) -> std::vector<server_step> {
    if (++asked == 2)
      return {close_connection()};
    return {send_bytes(http_response(200, "text/plain", "ok"))};
  }};
  auto transport = make_curl_transport();
  for (int unanswered : {0, 1, 0}) {
    answer got;
    transport->start(post(server.url()), {}, got.callbacks());
    CHECK(got.wait().why == reason::complete);
    CHECK(got.body == "ok");
    CHECK(got.last.unanswered == unanswered);
    CHECK_FALSE(got.last.unsent);
  }
  CHECK(asked == 4);
}

TEST_CASE("a request that a used connection lost has been sent, also where no other connection comes") {
  transport_end last;
  auto transport = make_curl_transport();
  {
    std::atomic<int> asked = 0;
    std::optional<scripted_server> server;
    server.emplace([&](const std::string&) -> std::vector<server_step> {
      if (++asked == 1)
        return {send_bytes(http_response(200, "text/plain", "ok"))};
      server->stop_accepting();
      return {close_connection()};
    });
    for (int i = 0; i < 2; ++i) {
      answer got;
      transport->start(post(server->url()), {}, got.callbacks());
      last = got.wait();
    }
  }
  CHECK(last.why == reason::connect_failed);
  CHECK(last.unsent);
  CHECK(last.unanswered == 1);
}

TEST_CASE("a connection that drops before content ends as dropped without a head") {
  for (auto& step : {close_connection(), reset_connection()}) {
    scripted_server server{always({step})};
    answer got;
    auto transport = make_curl_transport();
    transport->start(post(server.url()), {}, got.callbacks());
    CHECK(got.wait().why == reason::dropped);
    CHECK(got.last.unanswered == 0); // this very attempt is one
    CHECK(got.last.http_status == 0);
    CHECK(got.heads == 0);
    CHECK(!got.last.detail.empty());
  }
}

TEST_CASE("a connection that drops inside the body ends as dropped, after what had arrived") {
  SUBCASE("chunked") {
    scripted_server server{
      always({send_bytes(chunked_head(200, "text/event-stream") + chunk("part")), close_connection()})};
    answer got;
    auto transport = make_curl_transport();
    transport->start(post(server.url()), {}, got.callbacks());
    CHECK(got.wait().why == reason::dropped);
    CHECK(got.last.http_status == 200);
    CHECK(got.body == "part");
  }
  SUBCASE("with a length") {
    scripted_server server{
      always({send_bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart"), close_connection()})};
    answer got;
    auto transport = make_curl_transport();
    transport->start(post(server.url()), {}, got.callbacks());
    CHECK(got.wait().why == reason::dropped);
    CHECK(got.body == "part");
  }
}

TEST_CASE("a body without a length that ends with the connection is complete") {
  scripted_server server{
    always({send_bytes("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it"), close_connection()})};
  answer got;
  auto transport = make_curl_transport();
  transport->start(post(server.url()), {}, got.callbacks());
  CHECK(got.wait().why == reason::complete);
  CHECK(got.body == "all of it");
}

TEST_CASE("a refused connection ends as connect_failed") {
  closed_port nobody;
  answer got;
  auto transport = make_curl_transport();
  transport->start(post("http://127.0.0.1:" + std::to_string(nobody.port) + "/"), {}, got.callbacks());
  CHECK(got.wait().why == reason::connect_failed);
  CHECK(got.last.http_status == 0);
}

TEST_CASE("a silent server runs into the limit for the first byte") {
  scripted_server server{always({hold()})};
  transport_limits limits;
  limits.first_byte_max = milliseconds{150};
  answer got;
  auto transport = make_curl_transport();
  transport->start(post(server.url()), limits, got.callbacks());
  CHECK(got.wait().why == reason::timed_out);
  CHECK(got.last.detail == "no answer began within 150 ms");
  CHECK(server.wait_for_open(0));
}

TEST_CASE("a stream that falls silent runs into the limit for silence") {
  scripted_server server{always({send_bytes(chunked_head(200, "text/event-stream") + chunk("a")), hold()})};
  transport_limits limits;
  limits.silence_max = milliseconds{100}; // far below first_byte_max: the nearer deadline must be noticed
  answer got;
  auto transport = make_curl_transport();
  transport->start(post(server.url()), limits, got.callbacks());
  CHECK(got.wait().why == reason::timed_out);
  CHECK(got.last.http_status == 200);
  CHECK(got.last.detail == "nothing more arrived for 100 ms");
  CHECK(got.body == "a");
  CHECK(server.wait_for_open(0));
}

TEST_CASE("an answer that takes too long altogether runs into the total limit") {
  scripted_server server{always({send_bytes(chunked_head(200, "text/event-stream") + chunk("a")), hold()})};
  transport_limits limits;
  limits.total_max = milliseconds{1000};
  answer got;
  auto transport = make_curl_transport();
  transport->start(post(server.url()), limits, got.callbacks());
  CHECK(got.wait().why == reason::timed_out);
  CHECK(got.last.detail == "the answer was not complete within 1 s");
}

TEST_CASE("an answer of exactly the largest size passes, one byte more does not") {
  transport_limits limits;
  limits.response_bytes_max = 1000;
  auto transport = make_curl_transport();
  for (size_t size : {1000u, 1001u}) {
    scripted_server server{always({send_bytes(http_response(200, "text/plain", std::string(size, 'x')))})};
    answer got;
    transport->start(post(server.url()), limits, got.callbacks());
    CHECK(got.wait().why == (size == 1000 ? reason::complete : reason::too_large));
    CHECK(got.body.size() <= 1000);
  }
}

TEST_CASE("an endless head is too large") {
  std::string head = "HTTP/1.1 200 OK\r\n";
  while (head.size() < (300u << 10))
    head += "x-filler: " + std::string(1000, 'x') + "\r\n";
  scripted_server server{always({send_bytes(head), hold()})};
  answer got;
  auto transport = make_curl_transport();
  transport->start(post(server.url()), {}, got.callbacks());
  CHECK(got.wait().why == reason::too_large);
}

TEST_CASE("cancel closes the connection at once, wherever the request stands") {
  scripted_server server{[](const std::string& request) -> std::vector<server_step> {
    if (request.starts_with("POST /streaming"))
      return {send_bytes(chunked_head(200, "text/event-stream") + chunk("a")), hold()};
    return {hold()};
  }};
  auto transport = make_curl_transport();
  SUBCASE("before the head") {
    answer got;
    auto id = transport->start(post(server.url("/silent")), {}, got.callbacks());
    REQUIRE(server.wait_for_requests(1));
    transport->cancel(id);
    CHECK(got.wait().why == reason::cancelled);
    CHECK(server.wait_for_open(0));
    transport->cancel(id); // no longer known
    transport.reset();
    CHECK(got.ends == 1);
  }
  SUBCASE("inside the stream") {
    answer got;
    auto id = transport->start(post(server.url("/streaming")), {}, got.callbacks());
    REQUIRE(got.wait_until([&] { return got.body == "a"; }));
    transport->cancel(id);
    CHECK(got.wait().why == reason::cancelled);
    CHECK(got.last.http_status == 200);
    CHECK(server.wait_for_open(0));
  }
  SUBCASE("right after the start") {
    answer got;
    transport->cancel(transport->start(post(server.url("/silent")), {}, got.callbacks()));
    CHECK(got.wait().why == reason::cancelled);
    CHECK(server.wait_for_open(0));
  }
  SUBCASE("and one that is not cancelled goes on") {
    answer stopped, kept;
    auto id = transport->start(post(server.url("/silent")), {}, stopped.callbacks());
    transport->start(post(server.url("/streaming")), {}, kept.callbacks());
    REQUIRE(server.wait_for_requests(2));
    transport->cancel(id);
    CHECK(stopped.wait().why == reason::cancelled);
    REQUIRE(server.wait_for_open(1));
    CHECK(kept.wait_until([&] { return kept.body == "a"; }));
    CHECK(kept.ends == 0);
    transport.reset(); // it ends what is left, and tells the answers that live here
  }
}

TEST_CASE("the end of the transport cancels what is open, each once") {
  scripted_server server{always({hold()})};
  std::vector<answer> got(20);
  auto transport = make_curl_transport();
  for (auto& one : got)
    transport->start(post(server.url()), {}, one.callbacks());
  REQUIRE(server.wait_for_requests(got.size()));
  transport.reset();
  for (auto& one : got) {
    CHECK(one.ends == 1);
    CHECK(one.last.why == reason::cancelled);
  }
}

TEST_CASE("500 requests to one host are open at once on one thread") {
  raise_file_limit();
  scripted_server server{always({hold(), send_bytes(http_response(200, "text/plain", "ok"))})};
  auto transport = make_curl_transport();
  auto threads = thread_count();
  std::vector<answer> got(500);
  for (auto& one : got)
    transport->start(post(server.url()), {}, one.callbacks());
  REQUIRE(server.wait_for_requests(got.size()));
  CHECK(server.open() == got.size());
  CHECK(thread_count() == threads);
  server.release();
  for (auto& one : got) {
    CHECK(one.wait().why == reason::complete);
    CHECK(one.ends == 1);
    CHECK(!one.after_end);
  }
}

TEST_CASE("a callback may start and cancel requests") {
  scripted_server server{always({send_bytes(http_response(200, "text/plain", "ok"))})};
  auto transport = make_curl_transport();
  answer second;
  answer first;
  auto callbacks = first.callbacks();
  auto on_end = callbacks.on_end;
  callbacks.on_end = [&](const transport_end& end) {
    transport->cancel(4711);
    transport->start(post(server.url("/second")), {}, second.callbacks());
    on_end(end);
  };
  transport->start(post(server.url("/first")), {}, callbacks);
  CHECK(first.wait().why == reason::complete);
  CHECK(second.wait().why == reason::complete);
}

TEST_CASE("retry-after is told in both of its forms, and in milliseconds") {
  auto transport = make_curl_transport();
  auto told = [&](std::string headers) {
    scripted_server server{always({send_bytes(http_response(429, "application/json", "{}", headers))})};
    answer got;
    transport->start(post(server.url()), {}, got.callbacks());
    CHECK(got.wait().http_status == 429);
    return got.last.retry_after;
  };
  CHECK(told("retry-after: 4\r\n") == milliseconds{4000});
  CHECK(told("Retry-After: 60\r\nretry-after-ms: 250\r\n") == milliseconds{250});
  CHECK(told("retry-after: Thu, 01 Jan 1970 00:00:10 GMT\r\n") == milliseconds{0});
  CHECK(!told("retry-after: soon\r\n"));
  CHECK(!told(""));
}

TEST_CASE("retry-after is read as seconds or as a date") {
  auto now = std::chrono::system_clock::from_time_t(1'000'000'000); // Sun, 09 Sep 2001 01:46:40 GMT
  CHECK(parse_retry_after("0", now) == milliseconds{0});
  CHECK(parse_retry_after(" 1.5 ", now) == milliseconds{1500});
  CHECK(parse_retry_after("Sun, 09 Sep 2001 01:46:52 GMT", now) == milliseconds{12'000});
  CHECK(parse_retry_after("Sun, 09 Sep 2001 01:46:00 GMT", now) == milliseconds{0});
  CHECK(parse_retry_after(std::string(400, '9'), now) == retry_after_parsed_max);
  CHECK(parse_retry_after_ms("1500") == milliseconds{1500});
  for (auto text : {"", "-1", "1e3", "inf", "nan", "0x10", "12 s", "1.2.3", "tomorrow"}) {
    CAPTURE(text);
    CHECK(!parse_retry_after(text, now));
    CHECK(!parse_retry_after_ms(text));
  }
}

TEST_CASE("redirects are not followed and cookies not kept") {
  scripted_server target{always({send_bytes(http_response(200, "text/plain", "here"))})};
  auto location = "location: " + target.url() + "\r\nset-cookie: a=b\r\n";
  scripted_server server{always({send_bytes(http_response(307, "text/plain", "", location))})};
  auto transport = make_curl_transport();
  for (int i = 0; i < 2; ++i) {
    answer got;
    transport->start(post(server.url()), {}, got.callbacks());
    CHECK(got.wait().why == reason::complete);
    CHECK(got.last.http_status == 307);
  }
  CHECK(target.accepted() == 0);
  for (auto& request : server.requests())
    CHECK(request.find("ookie") == std::string::npos);
}

TEST_CASE("a proxy of the environment is asked for other hosts but never for loopback") {
  scripted_server proxy{always({send_bytes(http_response(200, "text/plain", "from the proxy"))})};
  scripted_server server{always({send_bytes(http_response(200, "text/plain", "from the server"))})};
  setenv("http_proxy", proxy.url().c_str(), 1);
  auto transport = make_curl_transport();
  answer direct, proxied;
  transport->start(post(server.url()), {}, direct.callbacks());
  direct.wait();
  transport->start(post("http://model.example/v1"), {}, proxied.callbacks());
  proxied.wait();
  unsetenv("http_proxy");
  CHECK(direct.body == "from the server");
  CHECK(proxied.body == "from the proxy");
}

TEST_CASE("only http and https are spoken, and no header can carry a line break") {
  auto transport = make_curl_transport();
  for (auto url : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "", "http://", "nonsense"}) {
    CAPTURE(url);
    answer got;
    transport->start(post(url), {}, got.callbacks());
    CHECK(got.wait().why == reason::connect_failed);
    CHECK(got.body.empty());
  }
  scripted_server server{always({send_bytes(http_response(200, "text/plain", "ok"))})};
  auto request = post(server.url());
  request.headers.emplace_back("x-key", "abc\r\nx-injected: 1");
  answer got;
  transport->start(request, {}, got.callbacks());
  CHECK(got.wait().why == reason::connect_failed);
  CHECK(server.requests().empty());
}

TEST_CASE("the words of a failure hold no credentials") {
  closed_port nobody;
  auto transport = make_curl_transport();
  std::vector<std::string> urls{"http://somebody:hunter2%21x@127.0.0.1:" + std::to_string(nobody.port) + "/",
                                "http://somebody:hunter2%21x@secret-key-4711.invalid/",
                                "ftp://somebody:hunter2%21x@h/"};
  for (auto& url : urls) {
    answer got;
    transport->start(post(url), {}, got.callbacks());
    CHECK(got.wait().why == reason::connect_failed);
    CAPTURE(got.last.detail);
    CHECK(!got.last.detail.empty());
    for (auto secret : {"hunter2", "somebody", "secret-key-4711"})
      CHECK(got.last.detail.find(secret) == std::string::npos);
  }
}
