// Which files of a history still go to the model: the newest, as many as the limits allow.
#pragma once

#include "pictures/picture_limits.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace varro {

// What one file takes of a request's limits. All zeros: it does not go whatever the limits are, or is text.
struct file_charge {
  int images = 0;
  int pages = 0;
  size_t bytes = 0;
  int64_t tokens = 0;

  bool is_zero() const noexcept {
    return images == 0 && pages == 0 && bytes == 0 && tokens == 0;
  }
};

// Whether a request with nothing but this file would be within the limits.
bool fits_alone(const file_charge& charge, const picture_limits& limits) noexcept;

// The index of the first file that goes; those before it leave. Whenever the files that go would pass a limit, the
// older ones leave until at most half of each limit is used, or only the newest one goes. So the request's beginning
// changes seldom, and the answer for a history is a function of it: the same after a restart, and for a history that
// goes on, never smaller. REQUIRES: each charge fits alone.
size_t first_file_kept(const std::vector<file_charge>& charges, const picture_limits& limits) noexcept;

} // namespace varro
