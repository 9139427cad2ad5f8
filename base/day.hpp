// Days of the calendar, UTC, as numbers of days since 1970-01-01. Any thread.
#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

inline constexpr unix_us day_us = 86'400'000'000;

// Of "2026-11-30"; nothing where that is no day of the calendar.
std::optional<int64_t> days_of(std::string_view date);

// "2026-11-30".
std::string date_text(int64_t day);

int64_t today();

} // namespace varro
