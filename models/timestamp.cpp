#include "models/timestamp.hpp"

#include "models/message_json.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace varro {

namespace {

constexpr int64_t milliseconds_from = 20'000'000'000;     // epoch numbers beyond it are milliseconds
constexpr int64_t epoch_number_max = 300'000'000'000'000; // more than any year's milliseconds, far from overflow
constexpr int64_t epoch_seconds_min = -62'135'596'800;    // 0001-01-01T00:00:00Z
constexpr int64_t epoch_seconds_max = 253'402'300'799;    // 9999-12-31T23:59:59Z

struct date_time {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, microsecond = 0;
};

std::string written(const date_time& t) {
  std::array<char, 96> buffer{};
  int size = std::snprintf(buffer.data(), buffer.size(), "%04d-%02d-%02dT%02d:%02d:%02d", t.year, t.month, t.day,
                           t.hour, t.minute, t.second);
  if (t.microsecond != 0)
    size += std::snprintf(buffer.data() + size, buffer.size() - static_cast<size_t>(size), ".%06d", t.microsecond);
  return {buffer.data(), static_cast<size_t>(size)};
}

timestamp_text from_seconds(int64_t seconds, int microsecond) {
  using namespace std::chrono;
  const auto at = sys_seconds{std::chrono::seconds{seconds}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  return written({int{date.year()}, static_cast<int>(unsigned{date.month()}), static_cast<int>(unsigned{date.day()}),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()), microsecond})
    + "Z";
}

// Whole seconds or milliseconds, with the rest in microseconds.
std::optional<timestamp_text> from_epoch(int64_t value, int64_t microsecond) {
  if (value > epoch_number_max || value < -epoch_number_max)
    return std::nullopt;
  if (value > milliseconds_from || value < -milliseconds_from) {
    const int64_t milliseconds = ((value % 1000) + 1000) % 1000;
    value = (value - milliseconds) / 1000;
    microsecond += milliseconds * 1000;
  }
  value += microsecond / 1'000'000;
  microsecond %= 1'000'000;
  if (value < epoch_seconds_min || value > epoch_seconds_max)
    return std::nullopt;
  return from_seconds(value, static_cast<int>(microsecond));
}

std::optional<timestamp_text> from_epoch(double value) {
  if (!(std::abs(value) < 1e15))
    return std::nullopt;
  const double unit = std::abs(value) <= static_cast<double>(milliseconds_from) ? 1e6 : 1e3;
  const double whole = std::floor(value);
  return from_epoch(static_cast<int64_t>(whole), std::llround((value - whole) * unit));
}

// Reads a text from the left; every take… leaves it as it was when it gives false.
class scanner {
public:
  explicit scanner(std::string_view text) : rest_(text) {
    // nop
  }

  bool done() const {
    return rest_.empty();
  }

  bool take(std::string_view one_of) {
    if (rest_.empty() || one_of.find(rest_.front()) == std::string_view::npos)
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_number(size_t digits, int& out) {
    if (rest_.size() < digits)
      return false;
    int value = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9')
        return false;
      value = value * 10 + (c - '0');
    }
    out = value;
    rest_.remove_prefix(digits);
    return true;
  }

  // Digits after the point; those beyond microseconds are cut off.
  bool take_fraction(int& microsecond) {
    int digits = 0;
    int value = 0;
    for (int digit = 0; take_number(1, digit); ++digits)
      if (digits < 6)
        value = value * 10 + digit;
    for (int i = digits; i < 6; ++i)
      value *= 10;
    microsecond = value;
    return digits > 0;
  }

  // U+2212, which RFC 3339's elder allows for a minus.
  bool take_minus() {
    if (rest_.substr(0, 3) == "\xE2\x88\x92") {
      rest_.remove_prefix(3);
      return true;
    }
    return take("-");
  }

private:
  std::string_view rest_;
};

bool scan_date(scanner& in, date_time& t) {
  if (!in.take_number(4, t.year) || !in.take("-") || !in.take_number(2, t.month) || !in.take("-")
      || !in.take_number(2, t.day))
    return false;
  const std::chrono::year_month_day date{std::chrono::year{t.year}, std::chrono::month{static_cast<unsigned>(t.month)},
                                         std::chrono::day{static_cast<unsigned>(t.day)}};
  return t.year >= 1 && date.ok();
}

bool scan_time(scanner& in, date_time& t) {
  if (!in.take_number(2, t.hour) || !in.take(":") || !in.take_number(2, t.minute))
    return false;
  if (in.take(":")) {
    if (!in.take_number(2, t.second))
      return false;
    if (in.take(".,") && !in.take_fraction(t.microsecond))
      return false;
  }
  return t.hour < 24 && t.minute < 60 && t.second < 60;
}

bool scan_zone(scanner& in, std::string& zone) {
  if (in.done())
    return true;
  if (in.take("Zz")) {
    zone = "Z";
    return in.done();
  }
  const bool negative = in.take_minus();
  int hours = 0;
  int minutes = 0;
  if ((!negative && !in.take("+")) || !in.take_number(2, hours))
    return false;
  in.take(":");
  if (!in.take_number(2, minutes) || !in.done() || hours > 23 || minutes > 59)
    return false;
  if (hours == 0 && minutes == 0) {
    zone = "Z";
    return true;
  }
  std::array<char, 96> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%c%02d:%02d", negative ? '-' : '+', hours, minutes);
  zone = buffer.data();
  return true;
}

std::optional<timestamp_text> from_text(std::string_view text) {
  scanner in{text};
  date_time t;
  std::string zone;
  if (!scan_date(in, t))
    return std::nullopt;
  if (in.done())
    return written(t);
  if (!in.take("Tt _") || !scan_time(in, t) || !scan_zone(in, zone))
    return std::nullopt;
  return written(t) + zone;
}

std::optional<timestamp_text> from_numeric_text(std::string_view text) {
  if (text.find_first_not_of("+-.0123456789") != std::string_view::npos
      || text.find_first_of("0123456789") == text.npos)
    return std::nullopt;
  const auto digits = text.front() == '+' ? text.substr(1) : text;
  const auto* end = digits.data() + digits.size();
  int64_t whole = 0;
  if (const auto parsed = std::from_chars(digits.data(), end, whole); parsed.ec == std::errc{} && parsed.ptr == end)
    return from_epoch(whole, 0);
  double value = 0;
  if (const auto parsed = std::from_chars(digits.data(), end, value); parsed.ec == std::errc{} && parsed.ptr == end)
    return from_epoch(value);
  return std::nullopt;
}

} // namespace

std::optional<timestamp_text> read_timestamp(const json& value) {
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    return std::nullopt;
  if (value.is_number_integer())
    return from_epoch(value.get<int64_t>(), 0);
  if (value.is_number_float())
    return from_epoch(value.get<double>());
  if (!value.is_string())
    return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  if (auto parsed = from_text(text))
    return parsed;
  return from_numeric_text(text);
}

timestamp_text timestamp_now() {
  using namespace std::chrono;
  const auto now = floor<microseconds>(system_clock::now());
  const auto second = floor<seconds>(now);
  return from_seconds(second.time_since_epoch().count(), static_cast<int>((now - second).count()));
}

} // namespace varro
