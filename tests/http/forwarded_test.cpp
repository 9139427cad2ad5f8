#include "http/forwarded.hpp"

#include "http/guard.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

const std::vector<address_range> trusted{*parse_range("127.0.0.1"), *parse_range("10.0.0.0/8"),
                                         *parse_range("2001:db8::/32")};

received_request request_with(const std::vector<std::string>& forwarded, std::string name = "x-forwarded-for") {
  received_request request;
  for (const auto& each : forwarded)
    request.headers.push_back({name, each});
  return request;
}

struct row {
  const char* does;
  std::string connection;
  std::vector<std::string> fields;
  std::string visitor;
};

} // namespace

TEST_CASE("a visitor's address is the right-most that a trusted proxy saw and that is none itself") {
  const std::string proxies = ", 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, 10.0.0.6, 10.0.0.7, 10.0.0.8";
  const std::vector<row> table{
    {"nothing is said", "127.0.0.1", {}, "127.0.0.1"},
    {"one proxy", "127.0.0.1", {"192.0.2.7"}, "192.0.2.7"},
    {"a chain", "127.0.0.1", {"192.0.2.7, 10.1.1.1, 10.2.2.2"}, "192.0.2.7"},
    {"a forged beginning", "127.0.0.1", {"198.51.100.1, 192.0.2.7, 10.1.1.1"}, "192.0.2.7"},
    {"a forged beginning that names a proxy", "127.0.0.1", {"10.9.9.9, 192.0.2.7"}, "192.0.2.7"},
    {"several fields are one list", "127.0.0.1", {"198.51.100.1", "192.0.2.7", "10.1.1.1"}, "192.0.2.7"},
    {"several fields with several each", "127.0.0.1", {"1.1.1.1, 192.0.2.7", "10.1.1.1, 10.2.2.2"}, "192.0.2.7"},
    {"no spaces, and tabs", "127.0.0.1", {"198.51.100.1,192.0.2.7\t,\t10.1.1.1"}, "192.0.2.7"},
    {"all are trusted", "127.0.0.1", {"10.1.1.1, 10.2.2.2"}, "10.1.1.1"},
    {"with a port", "127.0.0.1", {"192.0.2.7:4711"}, "192.0.2.7"},
    {"IPv6", "127.0.0.1", {"2001:DB9::7, 2001:db8::1"}, "2001:db9::7"},
    {"IPv6 in brackets", "127.0.0.1", {"[2001:db9::7]"}, "2001:db9::7"},
    {"IPv6 with a port", "127.0.0.1", {"[2001:db9::7]:4711"}, "2001:db9::7"},
    {"IPv4 as a socket of both kinds has it", "::ffff:127.0.0.1", {"::ffff:192.0.2.7"}, "192.0.2.7"},
    {"a proxy of IPv6", "2001:db8::1", {"192.0.2.7"}, "192.0.2.7"},

    {"who is no proxy says nothing", "192.0.2.1", {"198.51.100.1"}, "192.0.2.1"},
    {"nor a neighbour of one", "127.0.0.2", {"198.51.100.1"}, "127.0.0.2"},
    {"nor an unknown connection", "", {"198.51.100.1"}, ""},

    {"no address", "127.0.0.1", {"unknown"}, "127.0.0.1"},
    {"no address behind a trusted one", "127.0.0.1", {"unknown, 10.1.1.1"}, "127.0.0.1"},
    {"no address where nobody looks", "127.0.0.1", {"<script>, 192.0.2.7"}, "192.0.2.7"},
    {"empty", "127.0.0.1", {""}, "127.0.0.1"},
    {"an empty element", "127.0.0.1", {"192.0.2.7,"}, "127.0.0.1"},
    {"an empty field after another", "127.0.0.1", {"192.0.2.7", ""}, "127.0.0.1"},
    {"a name", "127.0.0.1", {"localhost"}, "127.0.0.1"},
    {"a zone", "127.0.0.1", {"fe80::1%eth0"}, "127.0.0.1"},
    {"half a bracket", "127.0.0.1", {"[2001:db9::7"}, "127.0.0.1"},
    {"brackets around IPv4", "127.0.0.1", {"[192.0.2.7]"}, "127.0.0.1"},
    {"a port that is none", "127.0.0.1", {"192.0.2.7:"}, "127.0.0.1"},
    {"a port of letters", "127.0.0.1", {"192.0.2.7:http"}, "127.0.0.1"},
    {"words behind the bracket", "127.0.0.1", {"[2001:db9::7]x"}, "127.0.0.1"},
    {"as long as a head can be", "127.0.0.1", {std::string(30'000, '1')}, "127.0.0.1"},
    {"behind a long forged beginning", "127.0.0.1", {std::string(30'000, ',') + "192.0.2.7"}, "192.0.2.7"},
    {"as many proxies as there may be", "127.0.0.1", {"192.0.2.7" + proxies + proxies}, "192.0.2.7"},
    {"one more", "127.0.0.1", {"192.0.2.7, 10.0.0.1" + proxies + proxies}, "127.0.0.1"},
  };
  for (const auto& each : table) {
    CAPTURE(each.does);
    CHECK(visitor_address(request_with(each.fields), each.connection, trusted) == each.visitor);
  }
  CHECK(visitor_address(request_with({"192.0.2.7"}), "127.0.0.1", {}) == "127.0.0.1"); // nobody is trusted
}

TEST_CASE("no other field says where a visitor is") {
  for (const auto* name : {"forwarded", "x-real-ip", "x_forwarded_for", "x-forwarded-host", "x-client-ip"}) {
    CAPTURE(name);
    CHECK(visitor_address(request_with({"192.0.2.7"}, name), "127.0.0.1", trusted) == "127.0.0.1");
  }
}

TEST_CASE("cookies are secure where a trusted proxy says https, or the browser does") {
  auto secure = [](const std::string& connection, const std::vector<std::string>& said) {
    auto request = request_with(said, "x-forwarded-proto");
    request.peer = connection;
    take_forwarded(request, trusted);
    CHECK(request.by_proxy == is_trusted(connection, trusted));
    return over_https(request);
  };
  CHECK(secure("127.0.0.1", {"https"}));
  CHECK(secure("127.0.0.1", {"HTTPS"}));
  CHECK_FALSE(secure("127.0.0.1", {"http"}));
  CHECK_FALSE(secure("127.0.0.1", {}));
  CHECK_FALSE(secure("127.0.0.1", {"https", "http"}));
  CHECK_FALSE(secure("127.0.0.1", {"https, http"}));
  CHECK_FALSE(secure("192.0.2.1", {"https"}));
  received_request request;
  request.headers.push_back({"origin", "https://varro.example"});
  CHECK(over_https(request));
}
