// Conditions on a result, as `added.p99 < 10ms` or `lost == 0`.
//
// Grammar: METRIC.STATISTIC OP DURATION, or COUNTER OP NUMBER. Statistics are p50, p99, p99.9 …, max and mean;
// durations end in us, ms or s. Values; any thread.
#pragma once

#include "bench/hdr_histogram.hpp"

#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>

namespace varro::bench {

// Durations, in microseconds. From the intended start: accepted, first_node, turn. lateness: what the generator itself
// was late. added: from the model's last byte to the node's bytes. page: a page that is loaded in the middle of a run.
enum class metric { accepted, first_node, turn, added, page, lateness };
inline constexpr std::array<std::string_view, 6> metric_names{"accepted", "first_node", "turn",
                                                              "added",    "page",       "lateness"};

inline constexpr std::array<std::string_view, 9> counter_names{
  "completed", "failed", "stopped", "lost", "repeated", "out_of_order", "malformed", "error_rate", "turns_per_second"};

// What a run counted, by the names above.
using counters = std::map<std::string, double, std::less<>>;
using histograms = std::array<hdr_histogram, metric_names.size()>;

struct threshold {
  enum class op { less, at_most, more, at_least, equal };
  std::string text;    // as written
  std::string subject; // "added.p99", or "lost"
  int metric = -1;     // -1: a counter
  double percent = 0;  // 0: the mean
  op compare = op::less;
  double bound = 0; // microseconds, or a plain number

  // What it is about; microseconds where it is a duration.
  double value(const histograms& durations, const counters& counts) const;
  // A metric without a single value holds nothing: what was not measured is not shown to be good.
  bool holds(const histograms& durations, const counters& counts) const;
};

// The condition, or in words what is wrong with it.
std::variant<threshold, std::string> read_threshold(std::string_view text);

} // namespace varro::bench
