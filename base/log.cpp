#include "base/log.hpp"

#include <array>
#include <atomic>
#include <cstdio>
#include <string>

namespace varro {

namespace {

constexpr std::array<std::string_view, 4> names{"error", "warning", "info", "debug"};
std::atomic<log_level> threshold{log_level::info};

} // namespace

void set_log_level(std::string_view name) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name)
      threshold = static_cast<log_level>(i);
}

void log(log_level level, std::string_view text) {
  if (level > threshold.load())
    return;
  std::string line = "varro: ";
  line.append(names[static_cast<size_t>(level)]).append(": ").append(text).append("\n");
  std::fwrite(line.data(), 1, line.size(), stderr); // one call, so that lines of threads do not mix
}

} // namespace varro
