// Samples of a duration and their percentiles.
#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace varro::bench {

class samples {
public:
  void add(int64_t microseconds) {
    values_.push_back(microseconds);
  }
  size_t count() const {
    return values_.size();
  }

  // The nearest-rank percentile in microseconds: the smallest sample that at least `percent` of all do not exceed.
  // 0 when there are none. REQUIRES: 0 < percent <= 100.
  int64_t percentile(double percent) const;

  // {"count", "p50_ms", "p90_ms", "p99_ms", "max_ms"}
  json summary() const;

private:
  mutable std::vector<int64_t> values_; // sorted when somebody asks
};

// 1234567 µs as "1234.6", 1234 µs as "1.23".
std::string in_ms(int64_t microseconds);

} // namespace varro::bench
