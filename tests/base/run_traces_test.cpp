#include "base/run_traces.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace varro;
using namespace std::chrono_literals;

namespace {

const auto noon = trace_clock::now();

run_trace_ptr trace_of(int64_t run, std::chrono::milliseconds took, std::chrono::milliseconds ended = 0ms) {
  run_trace trace;
  trace.about.run = run;
  trace.end = noon + ended;
  trace.begin = trace.end - took;
  return std::make_shared<const run_trace>(std::move(trace));
}

std::vector<int64_t> runs_of(const std::vector<run_trace_ptr>& traces) {
  std::vector<int64_t> runs;
  for (const auto& trace : traces)
    runs.push_back(trace->about.run);
  std::sort(runs.begin(), runs.end());
  return runs;
}

trace_limits exporting(size_t queue_spans_max) {
  return {10, 1 << 20, queue_spans_max, 1};
}

span step(std::string_view name) {
  return {name, 0, 0, trace_clock::now()};
}

void whole_run(run_traces& traces, int64_t run, int steps) {
  traces.begin_run({run}, {});
  for (int i = 0; i < steps; ++i)
    traces.note(run, step(span_name::commit));
  traces.end_run(run, "completed", 1, 2);
}

} // namespace

TEST_CASE("the newest traces are kept, and of the others the slowest") {
  kept_traces kept{4, 1 << 20};
  kept.keep(trace_of(1, 900ms, 1ms));
  kept.keep(trace_of(2, 10ms, 2ms));
  kept.keep(trace_of(3, 800ms, 3ms));
  for (int64_t run = 4; run < 8; ++run)
    kept.keep(trace_of(run, 1ms, std::chrono::milliseconds{run}));
  CHECK(runs_of(kept.list()) == std::vector<int64_t>{1, 3, 6, 7});
  CHECK(kept.list().front()->about.run == 7);
  // A day later the slow ones of today are told no more.
  const std::chrono::milliseconds later = slow_kept + 1s;
  kept.keep(trace_of(8, 1ms, later));
  kept.keep(trace_of(9, 1ms, later));
  CHECK_FALSE(runs_of(kept.list()).front() == 1);
}

TEST_CASE("traces are kept within their bytes, and none where none shall be") {
  const auto one = bytes_of(*trace_of(1, 1ms));
  kept_traces kept{100, 4 * one};
  for (int64_t run = 1; run <= 10; ++run)
    kept.keep(trace_of(run, std::chrono::milliseconds{run}));
  CHECK(kept.list().size() == 4);
  CHECK(kept.bytes() == 4 * one);
  kept_traces less{100, 4 * one - 1};
  for (int64_t run = 1; run <= 10; ++run)
    less.keep(trace_of(run, std::chrono::milliseconds{run}));
  CHECK(less.list().size() == 2);
  kept_traces none{0, 1 << 20};
  none.keep(trace_of(1, 1ms));
  CHECK(none.list().empty());
}

TEST_CASE("where nobody wants traces nothing is noted") {
  run_traces traces;
  CHECK(traces.open().id == 0);
  whole_run(traces, 1, 1);
  CHECK(traces.take(100, true).empty());
  CHECK(traces.kept().empty());
  CHECK(traces.find(1) == nullptr);
}

TEST_CASE("a trace is taken whole, once it is over and settled, or at a stop") {
  run_traces traces;
  traces.begin(exporting(100));
  traces.begin_run({7, 42, 3}, {});
  const auto opened = traces.open();
  traces.note(7, opened, {span_name::model});
  traces.note(8, step(span_name::commit)); // nobody's
  CHECK(traces.take(100, true).empty());
  const auto before = trace_clock::now();
  traces.end_run(7, "completed", 10, 20);
  auto taken = traces.take(100, false);
  if (trace_clock::now() - before < trace_settles) { // else it has settled meanwhile
    CHECK(taken.empty());
    taken = traces.take(100, true);
  }
  REQUIRE(taken.size() == 1);
  CHECK(taken.front()->status == "completed");
  REQUIRE(taken.front()->spans.size() == 1);
  CHECK(taken.front()->spans.front().id == opened.id);
  CHECK(traces.queued_spans() == 0);
  CHECK(traces.find(7)->about.chat == 42);
}

TEST_CASE("after its end a trace takes what is still rendered, and cuts what nobody waits for any more") {
  run_traces traces;
  traces.begin(exporting(100));
  traces.begin_run({7}, {});
  const auto early = trace_clock::now();
  traces.end_run(7, "cancelled", 0, 0);
  traces.note(7, {span_name::shell_start, 0, 0, early});
  traces.note(7, step(span_name::shell_start)); // begun after the end
  traces.note(7, step(span_name::render));
  const auto trace = traces.take(100, true).at(0);
  REQUIRE(trace->spans.size() == 2);
  CHECK(trace->spans[0].name == span_name::shell_start);
  CHECK(trace->spans[1].name == span_name::render);
  for (const auto& each : trace->spans) {
    CHECK(each.begin >= trace->begin);
    CHECK(each.end <= trace->end);
  }
}

TEST_CASE("a part whose whole was never told belongs to the root") {
  run_traces traces;
  traces.begin(exporting(100));
  traces.begin_run({7}, {});
  const auto whole = traces.open();
  traces.note(7, {span_name::cell, 0, whole.id, trace_clock::now()});
  traces.note(7, {span_name::cell, 0, 1234, trace_clock::now()});
  traces.note(7, whole, {span_name::tool});
  traces.end_run(7, "interrupted", 0, 0);
  const auto trace = traces.take(100, true).at(0);
  CHECK(trace->spans.at(0).parent == whole.id);
  CHECK(trace->spans.at(1).parent == 0);
}

TEST_CASE("the queue holds so many spans, drops whole traces beyond them, and counts") {
  run_traces traces;
  traces.begin(exporting(6)); // with their roots: two of 3
  for (int64_t run = 1; run <= 3; ++run)
    whole_run(traces, run, 2);
  CHECK(traces.take(1, true).size() == 1); // more than one batch has, but one at least
  CHECK(traces.counts().queue_full == 3);
  CHECK(traces.queued_spans() == 3);
  whole_run(traces, 4, 2);
  CHECK(traces.take(6, true).size() == 2);
  CHECK(traces.counts().queue_full == 3);
}

TEST_CASE("a batch has at most so many spans") {
  run_traces traces;
  traces.begin(exporting(100));
  for (int64_t run = 1; run <= 3; ++run)
    whole_run(traces, run, 2);
  CHECK(traces.take(5, true).size() == 1);
  CHECK(traces.take(6, true).size() == 2);
}

TEST_CASE("a run has so many spans, and tells how many more there were") {
  run_traces traces;
  traces.begin(exporting(100'000));
  whole_run(traces, 1, static_cast<int>(spans_of_run_max) + 2);
  const auto trace = traces.take(100'000, true).at(0);
  CHECK(trace->spans.size() == spans_of_run_max);
  CHECK(trace->left_out == 2);
}

TEST_CASE("so many runs are traced at once, and further ones are not") {
  run_traces traces;
  traces.begin({1, 1 << 20, 0, 1});
  const auto count = static_cast<int64_t>(traced_runs_max);
  for (int64_t run = 1; run <= count + 1; ++run)
    traces.begin_run({run}, {});
  CHECK(traces.find(count) != nullptr);
  CHECK(traces.find(count + 1) == nullptr);
}

TEST_CASE("a share of the runs is sent, all are kept, and a parent's choice goes before") {
  run_traces traces;
  traces.begin({10, 1 << 20, 100, 0});
  whole_run(traces, 1, 0);
  const trace_parent sampled{{5, 6}, 7, true}, unsampled{{5, 6}, 7, false};
  traces.begin_run({2}, {trace_clock::now(), sampled});
  traces.end_run(2, "completed", 0, 0);
  traces.begin_run({3}, {trace_clock::now(), unsampled});
  traces.end_run(3, "completed", 0, 0);
  const auto taken = traces.take(100, true);
  CHECK(runs_of(taken) == std::vector<int64_t>{2});
  CHECK(taken.front()->id == trace_id{5, 6});
  CHECK(runs_of(traces.kept()) == std::vector<int64_t>{1, 2, 3});
}

TEST_CASE("a run that is taken up again has a trace of its own") {
  run_traces traces;
  traces.begin(exporting(100));
  traces.begin_run({1}, {});
  traces.begin_run({1, 0, 0, "", "", "", 1}, {}); // nobody told the end of the first one
  traces.end_run(1, "completed", 0, 0);
  const auto taken = traces.take(100, true);
  REQUIRE(taken.size() == 1);
  CHECK(taken.front()->about.resumes == 1);
}
