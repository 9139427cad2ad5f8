#include "http/request_parser.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

using state = request_parser::state;

// The status that a request is refused with, 0 when it is complete, -1 when it wants more.
int outcome(std::string bytes, request_limits limits = {}) {
  request_parser parser{limits};
  auto now = parser.feed(bytes);
  return now == state::refused ? parser.status() : now == state::complete ? 0 : -1;
}

// The same, one byte at a time: what is refused whole is refused in pieces.
int outcome_in_pieces(const std::string& bytes, request_limits limits = {}) {
  request_parser parser{limits};
  std::string input;
  auto now = state::head;
  for (char c : bytes) {
    input += c;
    now = parser.feed(input);
    if (now == state::refused || now == state::complete)
      break;
  }
  return now == state::refused ? parser.status() : now == state::complete ? 0 : -1;
}

} // namespace

TEST_CASE("a request arrives whole, whatever the pieces it came in") {
  std::string text = "POST /chat/send?a=1 HTTP/1.1\r\nHost: x\r\nX-A:  b c \t\r\nContent-Length: 5\r\n\r\nhello";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    request_parser parser{{}};
    std::string input = text.substr(0, cut);
    parser.feed(input);
    input += text.substr(cut);
    REQUIRE(parser.feed(input) == state::complete);
    auto request = parser.take();
    CHECK(request.method == "POST");
    CHECK(request.path() == "/chat/send");
    CHECK(request.query() == "a=1");
    CHECK(request.header("x-a") == "b c");
    CHECK(request.body == "hello");
    CHECK(request.keep_alive);
    CHECK(input.empty());
  }
}

TEST_CASE("of a request that is refused, what it asked for is known as far as it came") {
  auto target_of = [](std::string bytes) {
    request_parser parser{{}};
    REQUIRE(parser.feed(bytes) == state::refused);
    return parser.target();
  };
  CHECK(target_of("GET /api/v1 HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n") == "/api/v1");
  CHECK(target_of("GET /api/v1 HTTP/1.1\r\nX: " + std::string(1u << 20, 'x')) == "/api/v1");
  CHECK(target_of("GET /api/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n") == "/api/v1");
  CHECK(target_of("GET /a\nb") == "/a\nb");
  CHECK(target_of("GET /api/v1/me HTTP/1.2\r\n\r\n") == "/api/v1/me");
  CHECK(target_of("GET /api/v1/me#x HTTP/1.1\r\n\r\n") == "/api/v1/me#x");
  CHECK(target_of("GE\x01"
                  "T")
          .empty());
}

TEST_CASE("a chunked body is decoded, whatever the pieces it came in") {
  std::string text = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "4\r\nWiki\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    request_parser parser{{}};
    std::string input = text.substr(0, cut);
    parser.feed(input);
    input += text.substr(cut);
    REQUIRE(parser.feed(input) == state::complete);
    CHECK(parser.take().body == "Wiki0123456789");
    CHECK(input == "GET");
  }
}

TEST_CASE("the rest of the input is left for the next request") {
  std::string input = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n";
  request_parser parser{{}};
  REQUIRE(parser.feed(input) == state::complete);
  CHECK(parser.take().target == "/a");
  REQUIRE(parser.feed(input) == state::complete);
  CHECK(parser.take().target == "/b");
  CHECK(input.empty());
}

TEST_CASE("what two parsers could read differently is refused, its sound twin is not") {
  struct row {
    std::string sound;
    std::string broken;
    int status;
  };
  const std::string get = "GET / HTTP/1.1\r\n";
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  const std::vector<row> rows{
    {get + "Host: x\r\n\r\n", "GET / HTTP/1.1\nHost: x\n\n", 400},
    {get + "Host: x\r\n\r\n", get + "Host: x\rA: b\r\n\r\n", 400},
    {get + "Host: x\r\n\r\n", get + "\r\n", 400},
    {get + "Host: x\r\n\r\n", get + "Host: x\r\nHost: x\r\n\r\n", 400},
    {get + "Host: x\r\nA: b\r\n\r\n", get + "Host: x\r\nA: b\r\n c\r\n\r\n", 400},
    {get + "Host: x\r\nA: b\r\n\r\n", get + "Host: x\r\nA : b\r\n\r\n", 400},
    {get + "Host: x\r\nA: b\r\n\r\n", get + "Host: x\r\n: b\r\n\r\n", 400},
    {get + "Host: x\r\nA: b\r\n\r\n", get + "Host: x\r\nA\r\n\r\n", 400},
    {get + "Host: x\r\nA: b\r\n\r\n", get + std::string{"Host: x\r\nA: \0b\r\n\r\n", 18}, 400},
    {get + "Host: x\r\nA: b\r\n\r\n", get + "Host: x\r\nA: \x01\r\n\r\n", 400},
    {post + "Content-Length: 1\r\n\r\na", post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
    {post + "Content-Length: 1\r\n\r\na", post + "Content-Length: 1, 1\r\n\r\na", 400},
    {post + "Content-Length: 1\r\n\r\na", post + "Content-Length: +1\r\n\r\na", 400},
    {post + "Content-Length: 1\r\n\r\na", post + "Content-Length: -1\r\n\r\na", 400},
    {post + "Content-Length: 1\r\n\r\na", post + "Content-Length: 1a\r\n\r\na", 400},
    {post + "Content-Length: 1\r\n\r\na", post + "Content-Length: \r\n\r\n", 400},
    {post + "Content-Length: 1\r\n\r\na", post + "Content-Length: 99999999999999999999\r\n\r\n", 400},
    {post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
    {post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
     501},
    {post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
    {post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {post + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", post + "Transfer-Encoding: chunked\r\n\r\n-1\r\na",
     400},
    {post + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
     post + "Transfer-Encoding: chunked\r\n\r\n0x1\r\na", 400},
    {post + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
     post + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 400},
    {post + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", post + "Transfer-Encoding: chunked\r\n\r\n\r\na",
     400},
    {post + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
     post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\na", 400},
    {get + "Host: x\r\n\r\n", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {get + "Host: x\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {get + "Host: x\r\n\r\n", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {get + "Host: x\r\n\r\n", "GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {get + "Host: x\r\n\r\n", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
    {get + "Host: x\r\n\r\n", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
    {get + "Host: x\r\n\r\n", "GET / HTCPCP/1.0\r\nHost: x\r\n\r\n", 400},
    {get + "Host: x\r\n\r\n", "G\"T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {get + "Host: x\r\n\r\n", "/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {post + "Expect: 100-continue\r\nContent-Length: 1\r\n\r\na", post + "Expect: magic\r\nContent-Length: 1\r\n\r\na",
     417},
  };
  for (const auto& [sound, broken, status] : rows) {
    CAPTURE(broken);
    CHECK(outcome(sound) == 0);
    CHECK(outcome_in_pieces(sound) == 0);
    CHECK(outcome(broken) == status);
    CHECK(outcome_in_pieces(broken) == status);
  }
}

TEST_CASE("the head's limit is met to the byte") {
  std::string start = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
  std::string end = "\r\n\r\n";
  request_limits limits;
  limits.head_bytes_max = 200;
  auto room = limits.head_bytes_max - start.size() - end.size();
  CHECK(outcome(start + std::string(room, 'a') + end, limits) == 0);
  CHECK(outcome(start + std::string(room + 1, 'a') + end, limits) == 431);
  CHECK(outcome_in_pieces(start + std::string(room, 'a') + end, limits) == 0);
  CHECK(outcome_in_pieces(start + std::string(room + 1, 'a') + end, limits) == 431);
}

TEST_CASE("the number of fields has a limit") {
  request_limits limits;
  limits.fields_max = 3;
  CHECK(outcome("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nA: b\r\n\r\n", limits) == 0);
  CHECK(outcome("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nA: b\r\nA: b\r\n\r\n", limits) == 431);
}

TEST_CASE("the body's limit is met to the byte, with a length and in chunks") {
  request_limits limits;
  limits.body_bytes_max = 10;
  std::string fixed = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ";
  CHECK(outcome(fixed + "10\r\n\r\n0123456789", limits) == 0);
  CHECK(outcome(fixed + "11\r\n\r\n", limits) == 413);
  std::string chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(outcome(chunked + "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", limits) == 0);
  CHECK(outcome(chunked + "5\r\n01234\r\n6\r\n", limits) == 413);
  CHECK(outcome(chunked + "b\r\n", limits) == 413);
}

TEST_CASE("HTTP/1.0 closes unless it asks to be kept alive, HTTP/1.1 the other way round") {
  auto keeps = [](std::string text) {
    request_parser parser{{}};
    REQUIRE(parser.feed(text) == state::complete);
    return parser.take().keep_alive;
  };
  CHECK_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  CHECK(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
  CHECK(keeps("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade, Close\r\n\r\n"));
}

TEST_CASE("100-continue is asked for once, and not when the body is there already") {
  std::string head = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  request_parser waiting{{}};
  std::string input = head;
  REQUIRE(waiting.feed(input) == state::body);
  CHECK(waiting.take_continue());
  CHECK_FALSE(waiting.take_continue());
  request_parser eager{{}};
  input = head + "a";
  REQUIRE(eager.feed(input) == state::body);
  CHECK_FALSE(eager.take_continue());
}
