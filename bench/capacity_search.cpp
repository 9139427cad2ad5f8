#include "bench/capacity_search.hpp"

#include <algorithm>
#include <cmath>

namespace varro::bench {

std::optional<double> capacity_search::next() const {
  if (!held_ && !broken_)
    return 1;
  if (!broken_)
    return *held_ * 2 <= capacity_factor_max ? std::optional{*held_ * 2} : std::nullopt;
  if (!held_)
    return *broken_ / 2 >= 1 / capacity_factor_max ? std::optional{*broken_ / 2} : std::nullopt;
  if (*broken_ <= *held_ * capacity_step)
    return std::nullopt;
  return std::sqrt(*held_ * *broken_);
}

void capacity_search::tell(double factor, bool held) {
  if (held)
    held_ = std::max(held_.value_or(factor), factor);
  else
    broken_ = std::min(broken_.value_or(factor), factor);
}

} // namespace varro::bench
