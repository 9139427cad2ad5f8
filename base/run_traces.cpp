#include "base/run_traces.hpp"

#include <algorithm>
#include <utility>

namespace varro {

namespace {

// Of the runs that are on together, as far as they are shown.
constexpr size_t spans_shown_max = 10'000;

size_t spans_of(const run_trace& trace) {
  return trace.spans.size() + 1;
}

// A part may be told and the whole not, as when a stop ends a run in the middle of a call: the root is above it then.
void give_parents(run_trace& trace) {
  std::vector<uint64_t> ids;
  ids.reserve(trace.spans.size());
  for (const auto& each : trace.spans)
    ids.push_back(each.id);
  std::sort(ids.begin(), ids.end());
  for (auto& each : trace.spans)
    if (each.parent != 0 && !std::binary_search(ids.begin(), ids.end(), each.parent))
      each.parent = 0;
}

} // namespace

void run_traces::begin(const trace_limits& limits) {
  std::lock_guard guard{mutex_};
  limits_ = limits;
  kept_ = kept_traces{limits.runs_kept, limits.kept_bytes_max};
  wanted_ = limits.runs_kept > 0 || limits.queue_spans_max > 0;
}

void run_traces::begin_run(traced_run about, const turn_origin& from) {
  if (!wanted())
    return;
  constexpr size_t usual_spans = 16;
  const auto now = trace_clock::now();
  run_trace trace;
  trace.begin = from.asked_at == trace_clock::time_point{} ? now : std::min(from.asked_at, now);
  const auto unix_now = std::chrono::system_clock::now().time_since_epoch();
  trace.began_at_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(unix_now - (now - trace.begin)).count();
  trace.parent = from.parent;
  trace.id = from.parent ? from.parent->trace : new_trace_id();
  trace.root = new_span_id();
  trace.about = std::move(about);
  trace.spans.reserve(usual_spans);
  const auto run = trace.about.run;
  std::lock_guard guard{mutex_};
  trace.exported
    = limits_.queue_spans_max > 0 && (from.parent ? from.parent->sampled : is_sampled(trace.id, limits_.sample));
  if (on_.contains(run)) { // it is taken up again: its end is not settled, or nobody told it
    settle(now, true);
    on_.erase(run);
  }
  if (on_.size() < traced_runs_max)
    on_.emplace(run, std::move(trace));
  settle(now, false);
}

void run_traces::note(int64_t run, span done) {
  if (!wanted() || done.begin == trace_clock::time_point{})
    return;
  if (done.id == 0)
    done.id = new_span_id();
  if (done.end == trace_clock::time_point{})
    done.end = trace_clock::now();
  std::lock_guard guard{mutex_};
  const auto found = on_.find(run);
  if (found == on_.end())
    return;
  auto& trace = found->second;
  const bool is_over = trace.end != trace_clock::time_point{};
  // A start that nobody waits for any more is no part of the run.
  if (is_over && done.begin > trace.end && done.name != span_name::render)
    return;
  if (is_over && done.name != span_name::render)
    done.end = std::min(done.end, trace.end);
  if (trace.spans.size() >= spans_of_run_max) {
    ++trace.left_out;
    return;
  }
  // One that begins before its run, as a shell's start may, began for another one.
  done.begin = std::max(done.begin, trace.begin);
  if (is_over)
    trace.end = std::max(trace.end, done.end);
  trace.spans.push_back(std::move(done));
}

void run_traces::note(int64_t run, const open_span& opened, span done) {
  if (opened.id == 0)
    return;
  done.id = opened.id;
  done.begin = opened.begin;
  note(run, std::move(done));
}

void run_traces::end_run(int64_t run, std::string_view status, int64_t input_tokens, int64_t output_tokens) {
  if (!wanted())
    return;
  const auto now = trace_clock::now();
  std::lock_guard guard{mutex_};
  const auto found = on_.find(run);
  if (found != on_.end() && found->second.end == trace_clock::time_point{}) {
    found->second.end = now;
    found->second.status = status;
    found->second.input_tokens = input_tokens;
    found->second.output_tokens = output_tokens;
    ended_.push_back(run);
  }
  settle(now, false);
}

void run_traces::settle(trace_clock::time_point now, bool all) {
  while (!ended_.empty()) {
    auto found = on_.find(ended_.front());
    if (!all && now - found->second.end < trace_settles)
      return;
    ended_.pop_front();
    give_parents(found->second);
    auto trace = std::make_shared<const run_trace>(std::move(found->second));
    on_.erase(found);
    kept_.keep(trace);
    if (!trace->exported)
      continue;
    if (queued_spans_ + spans_of(*trace) > limits_.queue_spans_max) {
      counts_.queue_full += spans_of(*trace);
      continue;
    }
    queued_spans_ += spans_of(*trace);
    queue_.push_back(std::move(trace));
  }
}

std::vector<run_trace_ptr> run_traces::kept() {
  std::vector<run_trace_ptr> all;
  std::lock_guard guard{mutex_};
  if (limits_.runs_kept == 0)
    return all;
  settle(trace_clock::now(), false);
  // A copy each, while notes wait: so few that nobody feels it.
  size_t spans = 0;
  for (auto each = on_.rbegin(); each != on_.rend() && all.size() < limits_.runs_kept; ++each) {
    spans += spans_of(each->second);
    if (spans > spans_shown_max && !all.empty())
      break;
    all.push_back(std::make_shared<const run_trace>(each->second));
  }
  auto over = kept_.list();
  all.insert(all.end(), over.begin(), over.end());
  return all;
}

run_trace_ptr run_traces::find(int64_t run) {
  std::lock_guard guard{mutex_};
  if (limits_.runs_kept == 0)
    return nullptr;
  if (const auto found = on_.find(run); found != on_.end())
    return std::make_shared<const run_trace>(found->second);
  const auto over = kept_.list();
  const auto found = std::find_if(over.begin(), over.end(), [&](const auto& each) { return each->about.run == run; });
  return found == over.end() ? nullptr : *found;
}

std::vector<run_trace_ptr> run_traces::take(size_t spans_max, bool all) {
  std::vector<run_trace_ptr> taken;
  std::lock_guard guard{mutex_};
  settle(trace_clock::now(), all);
  size_t spans = 0;
  while (!queue_.empty() && (taken.empty() || spans + spans_of(*queue_.front()) <= spans_max)) {
    spans += spans_of(*queue_.front());
    taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_spans_ -= spans;
  return taken;
}

void run_traces::note_exported(uint64_t spans) {
  std::lock_guard guard{mutex_};
  counts_.exported += spans;
}

void run_traces::note_refused(uint64_t spans) {
  std::lock_guard guard{mutex_};
  counts_.refused += spans;
}

trace_counts run_traces::counts() const {
  std::lock_guard guard{mutex_};
  return counts_;
}

size_t run_traces::queued_spans() const {
  std::lock_guard guard{mutex_};
  return queued_spans_;
}

run_traces& process_traces() {
  static run_traces those;
  return those;
}

} // namespace varro
