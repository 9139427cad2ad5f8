// Traces of runs that are over, for the page that says why a turn was slow: the newest, and the slowest of the last
// day.
//
// Bounded in number and bytes, each half for one kind: many quick runs do not push a slow one out. A value, not
// synchronised.
#pragma once

#include "base/trace.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace varro {

using run_trace_ptr = std::shared_ptr<const run_trace>;

// How long a run is one of the slowest.
inline constexpr std::chrono::hours slow_kept{24};

class kept_traces {
public:
  kept_traces() = default;
  // 0 runs: nothing is kept.
  kept_traces(size_t runs_max, size_t bytes_max) : runs_max_(runs_max), bytes_max_(bytes_max) {}

  void keep(run_trace_ptr trace);
  // Newest end first; none twice.
  std::vector<run_trace_ptr> list() const;
  size_t bytes() const {
    return newest_bytes_ + slowest_bytes_;
  }

private:
  void keep_slow(run_trace_ptr trace);

  size_t runs_max_ = 0;
  size_t bytes_max_ = 0;
  std::deque<run_trace_ptr> newest_;   // oldest first
  std::vector<run_trace_ptr> slowest_; // of those that are no longer among the newest; slowest first
  size_t newest_bytes_ = 0;
  size_t slowest_bytes_ = 0;
};

} // namespace varro
