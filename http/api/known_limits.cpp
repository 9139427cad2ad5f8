#include "http/api/known_limits.hpp"

#include "base/day.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace varro {

namespace {

constexpr int64_t second_us = 1'000'000;
constexpr int64_t day_s = day_us / second_us;
constexpr double nano = 1e9;

struct period {
  int64_t window_s = 0;
  int64_t resets_in_s = 0;
};

period day_at(unix_us now) {
  return {day_s, day_s - now % day_us / second_us};
}

// Months are as long as they are.
period month_at(unix_us now) {
  const auto today = now / day_us;
  auto day_in_month = [](int64_t days) { return date_text(days).substr(0, 7); };
  auto first = today, next = today;
  while (day_in_month(first - 1) == day_in_month(today))
    --first;
  while (day_in_month(next) == day_in_month(today))
    ++next;
  return {(next - first) * day_s, next * day_s - now / second_us};
}

class limit_list {
public:
  template <class Number>
  void at_each_moment(std::string_view name, std::string_view unit, const std::optional<Number>& most,
                      std::optional<double> used = {}) {
    if (is_limited(most))
      list_.push_back({name, unit, static_cast<double>(*most), used, {}, {}});
  }
  template <class Number>
  void within(const period& time, std::string_view name, std::string_view unit, const std::optional<Number>& most,
              double used) {
    if (is_limited(most))
      list_.push_back({name, unit, static_cast<double>(*most), used, time.window_s, time.resets_in_s});
  }
  std::vector<known_limit> take() && {
    return std::move(list_);
  }

private:
  std::vector<known_limit> list_;
};

// What a send can use up: the draft counts in whole units.
bool counts_for_sends(const known_limit& limit) {
  return limit.window_s && (limit.unit == "requests" || limit.unit == "tokens");
}

std::string whole(double number) {
  return std::to_string(static_cast<int64_t>(std::clamp(number, 0.0, 999'999'999'999'999.0)));
}

} // namespace

std::vector<known_limit> known_limits(const user_allowance& allowance) {
  const auto& limits = allowance.limits;
  const auto& used = allowance.used;
  const auto day = day_at(allowance.at), month = month_at(allowance.at);
  limit_list list;
  list.within(day, "model_requests_per_day", "requests", limits.model_requests_per_day,
              static_cast<double>(used.requests));
  list.within(day, "tokens_per_day", "tokens", limits.tokens_per_day, static_cast<double>(used.tokens));
  list.within(day, "cell_cpu_seconds_per_day", "seconds", limits.cell_cpu_seconds_per_day,
              static_cast<double>(used.processor_us) / second_us);
  list.within(day, "upload_bytes_per_day", "bytes", limits.upload_bytes_per_day,
              static_cast<double>(used.upload_bytes));
  list.within(month, "money_per_month", "money", limits.money_per_month, static_cast<double>(used.cost_nano) / nano);
  list.at_each_moment("chats", "chats", limits.chats, static_cast<double>(allowance.chats));
  const auto& disk = allowance.disk;
  list.at_each_moment("disk_bytes", "bytes", limits.disk_bytes,
                      static_cast<double>(disk.files + disk.snapshots + disk.versions + disk.messages));
  list.at_each_moment("runs_at_once", "runs", limits.runs_at_once);
  list.at_each_moment("shells_alive", "shells", limits.shells_alive);
  list.at_each_moment("shell_memory_bytes", "bytes", limits.shell_memory_bytes);
  return std::move(list).take();
}

json json_of(const user_allowance& allowance) {
  auto list = json::array();
  for (const auto& each : known_limits(allowance)) {
    json one{{"name", each.name}, {"unit", each.unit}, {"limit", each.most}};
    if (each.used)
      one["used"] = *each.used;
    if (each.resets_in_s)
      one["resets_in_seconds"] = *each.resets_in_s;
    list.push_back(std::move(one));
  }
  json value{{"at", allowance.at}, {"limits", std::move(list)}};
  if (allowance.settings && !allowance.settings->limits.contact.empty())
    value["contact"] = allowance.settings->limits.contact;
  return value;
}

void tell_limits(reply& to, const user_allowance& allowance) {
  std::string policies, left;
  for (const auto& each : known_limits(allowance)) {
    if (!counts_for_sends(each))
      continue;
    const auto name = (policies.empty() ? "\"" : ", \"") + std::string{each.name} + "\"";
    policies += name + ";q=" + whole(each.most) + ";w=" + std::to_string(*each.window_s);
    if (each.unit != "requests")
      policies += ";qu=\"" + std::string{each.unit} + "\"";
    left += name + ";r=" + whole(std::floor(each.most - each.used.value_or(0)))
      + ";t=" + std::to_string(*each.resets_in_s);
  }
  if (policies.empty())
    return;
  to.headers.emplace_back("RateLimit-Policy", std::move(policies));
  to.headers.emplace_back("RateLimit", std::move(left));
}

} // namespace varro
