#include "base/json.hpp"
#include "base/log.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace varro;

namespace {

constexpr int64_t at = 1'764'504'000'123'456; // 2025-11-30T12:00:00.123456Z

std::string line(log_format format, std::string_view text, const log_about& about = {}) {
  return log_line(format, log_level::warning, text, about, at);
}

} // namespace

TEST_CASE("a line says in each form what happened and what it is about") {
  const log_about about{"3f2a", 7, 8, 9, {{"status", "404"}}};
  CHECK(line(log_format::text, "it fails", about)
        == "varro: warning: it fails request=3f2a user=7 chat=8 run=9 status=404");
  CHECK(line(log_format::logfmt, "it fails", about)
        == "time=2025-11-30T12:00:00.123Z level=warning msg=\"it fails\" request=3f2a user=7 chat=8 run=9 status=404");
  CHECK(
    line(log_format::json, "it fails", about)
    == R"({"time":"2025-11-30T12:00:00.123Z","level":"warning","msg":"it fails","request":"3f2a","user":7,"chat":8,)"
       R"("run":9,"status":"404"})");
}

TEST_CASE("what a line is not about is left out") {
  CHECK(line(log_format::text, "stopping") == "varro: warning: stopping");
  CHECK(line(log_format::logfmt, "stopping") == "time=2025-11-30T12:00:00.123Z level=warning msg=stopping");
}

TEST_CASE("words of others begin no line of their own, and for programs they are no fields") {
  const std::string words = "no\nvarro: error: \"a\" user=1\t\x7f";
  for (auto format : {log_format::text, log_format::logfmt, log_format::json}) {
    auto made = line(format, words, {"", 0, 0, 0, {{"name", "a\nb=c"}}});
    CHECK(made.find('\n') == std::string::npos);
  }
  CHECK(line(log_format::logfmt, "a=b").ends_with("msg=\"a=b\""));
  for (auto format : {log_format::text, log_format::logfmt}) {
    const auto made = line(format, "a\x7f\xc2\x9b", {"", 0, 0, 0, {{"name", "b\x7f\xc2\x9b\xc2\xa0"}}});
    CHECK(made.find('\x7f') == std::string::npos);
    CHECK(made.find("\xc2\x9b") == std::string::npos);
    CHECK(made.find("\xc2\xa0") != std::string::npos); // which is text
  }
  CHECK(line(log_format::logfmt, "said \"x\"\nuser=1").ends_with(R"(msg="said \"x\"\nuser=1")"));
  CHECK(line(log_format::logfmt, "").ends_with("msg=\"\""));
  auto value = parse_json(line(log_format::json, words));
  REQUIRE(value);
  CHECK((*value)["msg"] == words);
  CHECK(parse_json(line(log_format::json, "not \xff UTF-8")));
}
