// What a run of a scenario measured, as a table for people and as JSON for other programs.
//
// Durations are microseconds. Values; one thread at a time.
#pragma once

#include "base/json.hpp"
#include "bench/scenario.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace varro::bench {

// A generator that begins its turns later than that, at the 99th percentile, measures itself: its run is invalid.
inline constexpr int64_t lateness_p99_us_max = 1000;
// Of a longer run neighbouring intervals are put together, so that a result's size has a bound.
inline constexpr size_t intervals_max = 600;
// How much an interval's length may differ from the first one's by ticks that come late.
inline constexpr double interval_slack_s = 0.5;
inline constexpr size_t problems_max = 10;

// What happened from one moment to another. Turns and their durations count where they end.
struct load_interval {
  double begin_s = 0;
  double seconds = 0;
  int64_t started = 0;
  int64_t completed = 0;
  int64_t failed = 0;
  int64_t turn_p50 = 0;
  int64_t turn_p99 = 0;
  int64_t turn_max = 0;
  int64_t added_p99 = 0;
  std::string turn; // hdr_histogram::encoded()
  std::string added;
};
// Both, as if they had been one.
load_interval joined(const load_interval& first, const load_interval& second);

struct load_outcome {
  scenario what;
  double seconds = 0; // from the beginning to the last turn's end
  double started_unix_s = 0;
  histograms durations;
  counters counts;
  std::vector<load_interval> intervals;
  std::vector<std::string> problems; // the first problems_max, in words

  void add_interval(load_interval next);
  bool valid() const;  // the generator was on time
  bool passed() const; // all thresholds hold; without any: nothing failed, and nothing was lost, repeated or misplaced
  // Valid and passed, and nothing failed or was lost, unless a threshold says how much may (`failed` or `error_rate`,
  // `lost`): such a load is no capacity, as fast as it is.
  bool sustained() const;
  int exit_code() const; // 0; 1: not passed; 3: invalid
  json to_json() const;
  std::string table() const;
};

} // namespace varro::bench
