#include "http/metrics_readers.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace varro;

namespace {

received_request from(std::string peer, std::vector<header_field> fields = {}) {
  received_request request;
  request.method = "GET";
  request.target = "/metrics";
  request.peer = std::move(peer);
  request.headers = std::move(fields);
  return request;
}

metrics_config with_token() {
  metrics_config settings;
  settings.token = "0123456789abcdef";
  return settings;
}

} // namespace

TEST_CASE("metrics are told to the addresses of the configuration, and to no other") {
  metrics_config settings;
  for (auto near : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"})
    CHECK_MESSAGE(right_to_metrics(from(near), settings) == metrics_right::granted, near);
  for (auto far : {"192.0.2.1", "::2", "128.0.0.1", "", "localhost"})
    CHECK_MESSAGE(right_to_metrics(from(far), settings) == metrics_right::refused, far);
  settings.allowed_addresses = {"192.0.2.0/24"};
  CHECK(right_to_metrics(from("192.0.2.255"), settings) == metrics_right::granted);
  CHECK(right_to_metrics(from("127.0.0.1"), settings) == metrics_right::refused);
  settings.allowed_addresses = {};
  CHECK(right_to_metrics(from("192.0.2.255"), settings) == metrics_right::refused);
}

TEST_CASE("what came through a proxy is not let in by an address, whether the proxy is trusted or not") {
  const metrics_config settings;
  auto trusted = from("127.0.0.1");
  trusted.by_proxy = true;
  CHECK(right_to_metrics(trusted, settings) == metrics_right::refused);
  for (auto field : {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})
    CHECK_MESSAGE(right_to_metrics(from("127.0.0.1", {{field, "127.0.0.1"}}), settings) == metrics_right::refused,
                  field);
}

TEST_CASE("a visitor of a proxy on this machine asks for its name, and is not let in by the proxy's address") {
  for (auto host : {"127.0.0.1:8000", "localhost", "[::1]:8000"})
    CHECK_MESSAGE(right_to_metrics(from("127.0.0.1", {{"host", host}}), {}) == metrics_right::granted, host);
  for (auto host : {"varro.example.org", "192.0.2.1", "localhost.example.org", ""})
    CHECK_MESSAGE(right_to_metrics(from("127.0.0.1", {{"host", host}}), {}) == metrics_right::refused, host);
  metrics_config settings;
  settings.allowed_addresses = {"192.0.2.0/24"};
  CHECK(right_to_metrics(from("192.0.2.1", {{"host", "varro.example.org"}}), settings) == metrics_right::granted);
}

TEST_CASE("whoever sends the token may read from anywhere, also through a proxy") {
  const auto settings = with_token();
  auto far = from("192.0.2.1", {{"authorization", "Bearer 0123456789abcdef"}, {"x-forwarded-for", "192.0.2.1"}});
  far.by_proxy = true;
  CHECK(right_to_metrics(far, settings) == metrics_right::granted);
  CHECK(right_to_metrics(from("192.0.2.1", {{"authorization", "bearer  0123456789abcdef "}}), settings)
        == metrics_right::granted);
}

TEST_CASE("another token is worth nothing, and none is good where none is configured") {
  for (auto field :
       {"Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "Bearer ", "Bearer"}) {
    CAPTURE(field);
    for (const auto& settings : {with_token(), metrics_config{}}) {
      CHECK(right_to_metrics(from("192.0.2.1", {{"authorization", field}}), settings) == metrics_right::wrong_token);
      CHECK(right_to_metrics(from("127.0.0.1", {{"authorization", field}}), settings) == metrics_right::granted);
    }
  }
  for (auto field : {"Basic 0123456789abcdef", "0123456789abcdef", ""})
    CHECK_MESSAGE(
      right_to_metrics(from("192.0.2.1", {{"authorization", field}}), with_token()) == metrics_right::refused, field);
}
