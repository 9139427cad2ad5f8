// The largest load at which a scenario's thresholds hold, by doubling or halving, and then by bisection.
//
// No I/O. The factor is what the scenario's rates or users are multiplied by.
#pragma once

#include <optional>

namespace varro::bench {

inline constexpr double capacity_step = 1.05;       // the answer is not more than 5 % too low
inline constexpr double capacity_factor_max = 4096; // beyond, and below its inverse, nobody looks

class capacity_search {
public:
  // The next factor to try; nullopt: the search is over.
  std::optional<double> next() const;
  void tell(double factor, bool held);
  // The largest factor that held; nullopt: none did.
  std::optional<double> found() const {
    return held_;
  }

private:
  std::optional<double> held_;
  std::optional<double> broken_;
};

} // namespace varro::bench
