#include "base/fault_points.hpp"

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include <unistd.h>

namespace varro {

namespace {

// What a variable says; no name: never.
struct fault {
  std::string_view name;
  int passing = 1;
  std::atomic<int> passed{0};

  explicit fault(const char* variable) {
    const auto* text = std::getenv(variable);
    if (text == nullptr)
      return;
    name = text;
    auto colon = name.find(':');
    if (colon == std::string_view::npos)
      return;
    auto number = name.substr(colon + 1);
    std::from_chars(number.data(), number.data() + number.size(), passing);
    name = name.substr(0, colon);
  }

  bool happens_at(std::string_view point) {
    return name == point && ++passed == passing;
  }
};

} // namespace

void fault_point(const char* name) {
  static fault crash{"VARRO_CRASH_AT"};
  static fault hang{"VARRO_HANG_AT"};
  if (crash.happens_at(name))
    std::raise(SIGKILL);
  if (hang.happens_at(name))
    for (;;)
      pause();
}

} // namespace varro
