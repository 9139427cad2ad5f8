#include "config/trace_checks.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

std::string refused_key(const std::string& url, const std::string& headers = {}) {
  trace_config settings;
  settings.otlp_url = url;
  settings.otlp_headers = headers;
  const auto problem = trace_problem(settings);
  return problem ? std::string{problem->path} : "";
}

} // namespace

TEST_CASE("fields for a collector are names with percent-encoded values") {
  const auto fields = otlp_headers("authorization=Bearer%20abc, x-scope=7");
  REQUIRE(fields);
  REQUIRE(fields->size() == 2);
  CHECK(fields->at(0) == std::pair<std::string, std::string>{"authorization", "Bearer abc"});
  CHECK(fields->at(1) == std::pair<std::string, std::string>{"x-scope", "7"});
  CHECK(otlp_headers("")->empty());
  for (const auto* wrong : {"authorization", "=abc", "a b=c", "a=%0d%0aevil: 1", "a=%zz"})
    CHECK_MESSAGE(!otlp_headers(wrong), wrong);
}

TEST_CASE("a collector has an address without a password, and gets a token by https or on this machine") {
  CHECK(refused_key("") == "");
  CHECK(refused_key("http://collector:4318/v1/traces") == "");
  CHECK(refused_key("https://otlp.example.org/v1/traces", "authorization=abc") == "");
  CHECK(refused_key("http://127.0.0.1:4318/v1/traces", "authorization=abc") == "");
  CHECK(refused_key("http://collector:4318/v1/traces", "authorization=abc") == "trace.otlp_url");
  for (const auto* wrong :
       {"collector:4318", "ftp://collector", "http://", "http:///v1", "http://a:b@collector/", "http://a b/"})
    CHECK_MESSAGE(refused_key(wrong) == "trace.otlp_url", wrong);
  CHECK(refused_key("https://otlp.example.org/", "nothing") == "trace.otlp_headers");
}
