#include "bench/percentiles.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace varro::bench {

int64_t samples::percentile(double percent) const {
  if (values_.empty())
    return 0;
  std::sort(values_.begin(), values_.end());
  // Without the margin, 0.9 × 10 samples would be the tenth for want of a binary 0.9.
  auto rank = std::ceil(percent / 100.0 * static_cast<double>(values_.size()) - 1e-9);
  auto index = std::clamp<double>(rank - 1, 0, static_cast<double>(values_.size() - 1));
  return values_[static_cast<size_t>(index)];
}

json samples::summary() const {
  auto ms = [&](double percent) { return static_cast<double>(percentile(percent)) / 1000.0; };
  return {{"count", count()}, {"p50_ms", ms(50)}, {"p90_ms", ms(90)}, {"p99_ms", ms(99)}, {"max_ms", ms(100)}};
}

std::string in_ms(int64_t microseconds) {
  char text[32];
  auto ms = static_cast<double>(microseconds) / 1000.0;
  std::snprintf(text, sizeof text, ms < 100 ? "%.2f" : "%.1f", ms);
  return text;
}

} // namespace varro::bench
