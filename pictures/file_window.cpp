#include "pictures/file_window.hpp"

namespace varro {

namespace {

struct total {
  int64_t images = 0;
  int64_t pages = 0;
  uint64_t bytes = 0;
  int64_t tokens = 0;

  void add(const file_charge& charge) noexcept {
    images += charge.images;
    pages += charge.pages;
    bytes += charge.bytes;
    tokens += charge.tokens;
  }
  void take(const file_charge& charge) noexcept {
    images -= charge.images;
    pages -= charge.pages;
    bytes -= charge.bytes;
    tokens -= charge.tokens;
  }
  bool is_within(const picture_limits& limits, int divisor) const noexcept {
    return images <= limits.images_max / divisor && pages <= limits.pages_max / divisor
      && bytes <= limits.request_bytes_max / static_cast<size_t>(divisor) && tokens <= limits.tokens_max / divisor;
  }
};

} // namespace

bool fits_alone(const file_charge& charge, const picture_limits& limits) noexcept {
  total alone;
  alone.add(charge);
  return alone.is_within(limits, 1);
}

size_t first_file_kept(const std::vector<file_charge>& charges, const picture_limits& limits) noexcept {
  size_t first = 0;
  total going;
  for (size_t i = 0; i < charges.size(); ++i) {
    going.add(charges[i]);
    if (going.is_within(limits, 1))
      continue;
    while (first < i && !going.is_within(limits, 2))
      going.take(charges[first++]);
  }
  return first;
}

} // namespace varro
