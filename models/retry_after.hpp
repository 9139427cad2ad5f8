// How long a vendor asks us to wait before the next attempt, as its response headers say it.
//
// Pure functions, any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace varro {

// No wait is longer than this, whatever a header says; callers have their own, smaller limit.
inline constexpr std::chrono::milliseconds retry_after_parsed_max = std::chrono::hours{24};

// `retry-after`: seconds (a fraction is understood) or an HTTP date, which is compared with `now`; a date that has
// passed means zero. Nothing when the text is neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                           std::chrono::system_clock::time_point now);

// `retry-after-ms`: milliseconds (a fraction is understood).
std::optional<std::chrono::milliseconds> parse_retry_after_ms(std::string_view value);

} // namespace varro
