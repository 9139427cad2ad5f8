#include "render/admin_turns.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace std::chrono_literals;

namespace {

const auto start = trace_clock::time_point{} + 1h;

run_trace slow_turn() {
  run_trace trace;
  trace.about = {7, 42, 3, "anthropic:<claude>", "anthropic", "claude", 0};
  trace.begin = start;
  trace.end = start + 9'800ms;
  trace.status = "completed";
  trace.spans = {{span_name::model, 1, 0, start, start + 9'100ms, span_kind::client, "claude"},
                 {span_name::shell_wait, 2, 5, start + 9'100ms, start + 9'610ms},
                 {span_name::commit, 3, 0, start, start + 1ms}};
  return trace;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("durations are told in the unit that one reads best") {
  CHECK(duration_text(850us) == "850 µs");
  CHECK(duration_text(999'999ns) == "999 µs");
  CHECK(duration_text(1ms) == "1 ms");
  CHECK(duration_text(999ms) == "999 ms");
  CHECK(duration_text(1s) == "1.0 s");
  CHECK(duration_text(9'190ms) == "9.1 s");
}

TEST_CASE("where the time went is told with what took long, the longest first") {
  CHECK(where_time_went(slow_turn(), start) == "model 9.1 s of 9.8 s, waited for a shell 510 ms");
}

TEST_CASE("what ran side by side took its time once") {
  run_trace trace;
  trace.begin = start;
  trace.end = start + 10s;
  trace.spans = {{span_name::cell, 1, 0, start, start + 4s},
                 {span_name::cell, 2, 0, start + 1s, start + 3s},
                 {span_name::cell, 3, 0, start + 3s, start + 5s}};
  CHECK(where_time_went(trace, start) == "cells 5.0 s of 10.0 s");
}

TEST_CASE("a turn that is on is as long as it has lasted") {
  auto trace = slow_turn();
  trace.end = {};
  trace.spans.resize(1);
  CHECK(where_time_went(trace, start + 18'200ms) == "model 9.1 s of 18.2 s");
}

TEST_CASE("the pages of turns have a row for each turn or span, and escape what they show") {
  turns_view view;
  view.now = start + 20s;
  view.names[3] = "<ada>";
  view.traces = {std::make_shared<const run_trace>(slow_turn())};
  const auto list = admin_turns_page({}, view).str();
  CHECK(has(list, "/admin/turns/7"));
  CHECK(has(list, "&lt;ada&gt;"));
  CHECK(has(list, "anthropic:&lt;claude&gt;"));
  CHECK_FALSE(has(list, "<ada>"));
  const auto one = admin_turn_page({}, view).str();
  CHECK(has(one, "chat claude"));
  CHECK(has(one, "· wait for shell"));
  CHECK(has(one, "M928 0h52v8H928z")); // 9.1 s to 9.61 s of 9.8 s, in thousandths
}
