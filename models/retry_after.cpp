#include "models/retry_after.hpp"

#include "base/text.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

namespace varro {

namespace {

using std::chrono::milliseconds;

// A plain decimal number that is the whole text: from_chars alone would take "1e9", "inf" and "nan" too.
std::optional<double> plain_number(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos)
    return std::nullopt;
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range)
    return HUGE_VAL;
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

milliseconds clamped(double value_ms) {
  double limit = static_cast<double>(retry_after_parsed_max.count());
  return milliseconds{static_cast<int64_t>(std::ceil(std::clamp(value_ms, 0.0, limit)))};
}

} // namespace

std::optional<milliseconds> parse_retry_after(std::string_view value, std::chrono::system_clock::time_point now) {
  auto text = trim(value);
  if (auto seconds = plain_number(text))
    return clamped(*seconds * 1000.0);
  // curl_getdate also takes bare numbers and words like "monday"; an HTTP date always has a clock time.
  if (text.find(':') == std::string_view::npos)
    return std::nullopt;
  auto then = curl_getdate(std::string{text}.c_str(), nullptr);
  if (then == -1)
    return std::nullopt;
  auto wait = std::chrono::system_clock::from_time_t(then) - now;
  return clamped(std::chrono::duration<double, std::milli>{wait}.count());
}

std::optional<milliseconds> parse_retry_after_ms(std::string_view value) {
  if (auto number = plain_number(trim(value)))
    return clamped(*number);
  return std::nullopt;
}

} // namespace varro
