#include "base/clock.hpp"

#include <chrono>

namespace varro {

unix_us now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

} // namespace varro
