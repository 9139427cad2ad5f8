// Where the traces of this process's runs come together: whoever does a step of a run notes its span here, as with
// process_metrics(). Runs that are over are kept for a page, and wait in a queue for the exporter (traces/).
//
// Any thread may call; a note waits for nothing but a short lock. Nothing is noted, and no id is drawn, while nobody
// wants traces: then a note costs one look at a flag.
#pragma once

#include "base/kept_traces.hpp"
#include "base/trace.hpp"

#include <atomic>
#include <deque>
#include <map>
#include <mutex>

namespace varro {

// Spans of one run that are kept; further ones are counted.
inline constexpr size_t spans_of_run_max = 1'000;
// Runs that are traced at once. Of further ones there is no trace.
inline constexpr size_t traced_runs_max = 10'000;
// How long after a run's end spans of it are taken: its last step may still be rendered.
inline constexpr std::chrono::milliseconds trace_settles{500};

struct trace_limits {
  size_t runs_kept = 0; // for the page; 0: none
  size_t kept_bytes_max = 0;
  size_t queue_spans_max = 0; // that wait for the exporter; 0: nothing is exported
  double sample = 1;          // share of the runs that are exported, 0 to 1
};

// Spans by what became of them. The exporter tells the last two.
struct trace_counts {
  uint64_t queue_full = 0; // dropped before they were sent
  uint64_t exported = 0;
  uint64_t refused = 0; // the collector took them not, or was not there
};

// A span that is under way; id 0: nobody wants it.
struct open_span {
  uint64_t id = 0;
  trace_clock::time_point begin = {};
};

class run_traces {
public:
  // Once, before the first run.
  void begin(const trace_limits& limits);

  bool wanted() const noexcept {
    return wanted_.load(std::memory_order_relaxed);
  }
  open_span open() const {
    return wanted() ? open_span{new_span_id(), trace_clock::now()} : open_span{};
  }

  // A run begins. The trace begins with `from`, or now where that says nothing.
  void begin_run(traced_run about, const turn_origin& from);
  // A span of a run that has ended; without an id it gets one, without an end it ends now. Nothing happens where the
  // run has no trace, or the span no begin.
  void note(int64_t run, span done);
  void note(int64_t run, const open_span& opened, span done);
  // What the run used, and how it ended. `run_status`: of storage's.
  void end_run(int64_t run, std::string_view status, int64_t input_tokens, int64_t output_tokens);

  // Those that are on, as many as are kept; then those that are over, the newest first.
  std::vector<run_trace_ptr> kept();
  // The newest trace of this run; null: there is none any more.
  run_trace_ptr find(int64_t run);

  // For the exporter: traces that are over and settled (`all`: settled or not), as many as have at most so many spans
  // together, but one at least if there is one. A trace's root is one of its spans.
  std::vector<run_trace_ptr> take(size_t spans_max, bool all);
  void note_exported(uint64_t spans);
  void note_refused(uint64_t spans);
  trace_counts counts() const;
  size_t queued_spans() const;

private:
  void settle(trace_clock::time_point now, bool all); // REQUIRES: mutex_

  std::atomic<bool> wanted_{false};
  mutable std::mutex mutex_;
  // All that follow are guarded by mutex_.
  trace_limits limits_;
  kept_traces kept_;
  std::map<int64_t, run_trace> on_; // by run: those that are on, or not settled
  std::deque<int64_t> ended_;       // of these, in the order of their ends
  std::deque<run_trace_ptr> queue_;
  size_t queued_spans_ = 0;
  trace_counts counts_;
};

// Those of this process.
run_traces& process_traces();

} // namespace varro
