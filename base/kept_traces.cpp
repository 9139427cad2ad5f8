#include "base/kept_traces.hpp"

#include <algorithm>
#include <utility>

namespace varro {

namespace {

auto took(const run_trace_ptr& trace) {
  return trace->end - trace->begin;
}

} // namespace

void kept_traces::keep(run_trace_ptr trace) {
  const auto runs = runs_max_ - runs_max_ / 2;
  if (runs == 0 || bytes_of(*trace) > bytes_max_ / 2)
    return;
  newest_bytes_ += bytes_of(*trace);
  newest_.push_back(std::move(trace));
  while (newest_.size() > runs || newest_bytes_ > bytes_max_ / 2) {
    auto oldest = std::move(newest_.front());
    newest_.pop_front();
    newest_bytes_ -= bytes_of(*oldest);
    keep_slow(std::move(oldest));
  }
}

void kept_traces::keep_slow(run_trace_ptr trace) {
  const auto now = newest_.empty() ? trace->end : newest_.back()->end;
  std::erase_if(slowest_, [&](const run_trace_ptr& each) {
    const bool is_old = now - each->end > slow_kept;
    slowest_bytes_ -= is_old ? bytes_of(*each) : 0;
    return is_old;
  });
  slowest_bytes_ += bytes_of(*trace);
  const auto place = std::upper_bound(slowest_.begin(), slowest_.end(), trace,
                                      [](const auto& left, const auto& right) { return took(left) > took(right); });
  slowest_.insert(place, std::move(trace));
  while (!slowest_.empty() && (slowest_.size() > runs_max_ / 2 || slowest_bytes_ > bytes_max_ / 2)) {
    slowest_bytes_ -= bytes_of(*slowest_.back());
    slowest_.pop_back();
  }
}

std::vector<run_trace_ptr> kept_traces::list() const {
  std::vector<run_trace_ptr> all{newest_.begin(), newest_.end()};
  all.insert(all.end(), slowest_.begin(), slowest_.end());
  std::sort(all.begin(), all.end(), [](const auto& left, const auto& right) { return left->end > right->end; });
  return all;
}

} // namespace varro
