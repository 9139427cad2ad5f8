// A real picture for tests, small enough to write down.
#pragma once

#include "base/base64.hpp"
#include "models/message_json.hpp"

#include <string>

namespace varro::test {

// A PNG of 1 × 1 pixel.
inline std::string one_pixel_png() {
  return *base64_decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");
}

} // namespace varro::test
