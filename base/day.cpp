#include "base/day.hpp"

#include <chrono>

namespace varro {

std::optional<int64_t> days_of(std::string_view date) {
  if (date.size() != 10 || date[4] != '-' || date[7] != '-')
    return std::nullopt;
  auto number = [&](size_t at, size_t count) -> std::optional<int> {
    int value = 0;
    for (auto c : date.substr(at, count)) {
      if (c < '0' || c > '9')
        return std::nullopt;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  auto year = number(0, 4), month = number(5, 2), day = number(8, 2);
  if (!year || !month || !day)
    return std::nullopt;
  std::chrono::year_month_day calendar{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                       std::chrono::day{static_cast<unsigned>(*day)}};
  if (!calendar.ok())
    return std::nullopt;
  return std::chrono::sys_days{calendar}.time_since_epoch().count();
}

std::string date_text(int64_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  const auto two = [](unsigned number) { return (number < 10 ? "-0" : "-") + std::to_string(number); };
  return std::to_string(static_cast<int>(date.year())) + two(static_cast<unsigned>(date.month()))
    + two(static_cast<unsigned>(date.day()));
}

int64_t today() {
  auto now = std::chrono::system_clock::now();
  return std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
}

} // namespace varro
