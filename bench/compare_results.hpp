// Whether one result of varro-load is slower than another one, and how sure that is.
//
// Method: a percentile's confidence interval by the circular block bootstrap over the intervals of each run (B. Efron,
// Bootstrap Methods, Annals of Statistics 7, 1979; blocks, because neighbouring seconds resemble each other: H. Künsch,
// Annals of Statistics 17, 1989; D. Politis and J. Romano, A circular block-resampling procedure, 1992). Each resample
// draws blocks of n^(1/3) intervals with replacement until it has as many as the run, adds their histograms, and takes
// the ratio of the two percentiles. A difference is told where the percentile interval of these ratios excludes 1. Each
// interval has a confidence of 99 %, so that all four rows hold together with 96 % (Bonferroni).
//
// It says nothing about what lies between two runs (another machine, another hour): interleave several of each.
#pragma once

#include "base/json.hpp"

#include <string>
#include <variant>
#include <vector>

namespace varro::bench {

inline constexpr int resamples = 1000;
inline constexpr double confidence = 0.99;           // of each row
inline constexpr size_t compared_intervals_min = 10; // with less there is no verdict
inline constexpr size_t result_bytes_max = 64 << 20;

struct comparison {
  enum class verdict { slower, faster, no_difference };
  std::string what; // "turn.p99"
  double before_us = 0;
  double after_us = 0;
  double ratio_low = 1; // of after to before
  double ratio_high = 1;
  verdict is = verdict::no_difference;
};

// A row for each of turn.p50, turn.p99, added.p50, added.p99 that both have; or why there is none. Results are what
// load_outcome::to_json() makes, of the same scenario, seed and load. Always the same for the same two.
std::variant<std::vector<comparison>, std::string> compare_results(const json& before, const json& after);

// The rows in words.
std::string comparison_text(const std::vector<comparison>& rows);

// Reads both files and prints; the exit code: 0, 1 where anything is slower, 2 where they cannot be compared.
int compare_files(const std::string& before, const std::string& after);

} // namespace varro::bench
