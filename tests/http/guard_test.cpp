#include "http/guard.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

received_request request(std::string method, std::vector<header_field> headers) {
  received_request result;
  result.method = std::move(method);
  result.target = "/";
  result.headers = std::move(headers);
  return result;
}

int refused(const std::string& method, std::vector<header_field> headers, const server_config& settings = {}) {
  auto why = check_request(request(method, std::move(headers)), settings);
  return why ? why->status : 0;
}

} // namespace

TEST_CASE("our own names are served, any other Host is refused") {
  server_config settings;
  settings.host = "192.168.1.5";
  settings.allowed_hosts = {"Varro.example.com"};
  for (std::string host : {"127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:1", "localhost.", "[::1]",
                           "[::1]:8000", "192.168.1.5:8000", "varro.example.com", "VARRO.example.com:443"}) {
    CAPTURE(host);
    CHECK(refused("GET", {{"host", host}}, settings) == 0);
  }
  for (std::string host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example:8000",
                           "192.168.1.6", "127.0.0.1@evil.example", "", "[::2]", "127.0.0.1:80:80", "localhost:abc",
                           "sub.varro.example.com", "127.0.0.1/x", "[::1"}) {
    CAPTURE(host);
    CHECK(refused("GET", {{"host", host}}, settings) == 421);
  }
}

TEST_CASE("on a wildcard address every IP literal is ours, a name is not") {
  server_config settings;
  settings.host = "0.0.0.0";
  CHECK(refused("GET", {{"host", "10.1.2.3:8000"}}, settings) == 0);
  CHECK(refused("GET", {{"host", "[fe80::1]:8000"}}, settings) == 0);
  CHECK(refused("GET", {{"host", "evil.example:8000"}}, settings) == 421);
}

TEST_CASE("a page of another site can neither post nor read, our own page can do both") {
  const header_field host{"host", "127.0.0.1:8000"};
  for (std::string method : {"POST", "PATCH", "DELETE", "GET"}) {
    CAPTURE(method);
    CHECK(refused(method, {host}) == 0);
    CHECK(refused(method, {host, {"origin", "http://127.0.0.1:8000"}}) == 0);
    CHECK(refused(method, {host, {"sec-fetch-site", "same-origin"}, {"origin", "http://127.0.0.1:8000"}}) == 0);
    CHECK(refused(method, {host, {"sec-fetch-site", "none"}}) == 0);
    CHECK(refused(method, {host, {"sec-fetch-site", "cross-site"}}) == 403);
    // Another port of this machine is the same site, but another origin.
    CHECK(refused(method, {host, {"sec-fetch-site", "same-site"}}) == 403);
    CHECK(refused(method, {host, {"origin", "http://127.0.0.1:3000"}}) == 403);
    CHECK(refused(method, {host, {"origin", "http://evil.example"}}) == 403);
    CHECK(refused(method, {host, {"origin", "http://127.0.0.1:8000.evil.example"}}) == 403);
    CHECK(refused(method, {host, {"origin", "null"}}) == 403);
    CHECK(refused(method, {host, {"origin", "file://127.0.0.1:8000"}}) == 403);
  }
}

TEST_CASE("a link from elsewhere may open a page, a form from elsewhere may not post") {
  const header_field host{"host", "localhost:8000"};
  CHECK(refused("GET", {host, {"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}}) == 0);
  CHECK(refused("POST", {host, {"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}}) == 403);
  CHECK(refused("GET", {host, {"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "no-cors"}}) == 403);
}

TEST_CASE("an origin equals its host with and without the scheme's own port") {
  server_config settings;
  settings.allowed_hosts = {"varro.example.com"};
  CHECK(refused("POST", {{"host", "varro.example.com"}, {"origin", "https://varro.example.com"}}, settings) == 0);
  CHECK(refused("POST", {{"host", "varro.example.com"}, {"origin", "https://varro.example.com:443"}}, settings) == 0);
  CHECK(refused("POST", {{"host", "varro.example.com:443"}, {"origin", "https://varro.example.com"}}, settings) == 0);
  CHECK(refused("POST", {{"host", "varro.example.com"}, {"origin", "https://varro.example.com:444"}}, settings) == 403);
}

TEST_CASE("loopback addresses are told from others") {
  for (std::string host : {"127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost"})
    CHECK(is_loopback(host));
  for (std::string host : {"0.0.0.0", "::", "192.168.0.1", "example.com", "1.127.0.0", ""})
    CHECK_FALSE(is_loopback(host));
}

TEST_CASE("cookies are HttpOnly and SameSite, and Secure only behind https") {
  CHECK(cookie_field("a", "b", 60, false) == "a=b; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
  CHECK(cookie_field("a", "b", std::nullopt, true) == "a=b; Path=/; HttpOnly; SameSite=Lax; Secure");
}
