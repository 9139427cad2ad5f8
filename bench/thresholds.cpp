#include "bench/thresholds.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace varro::bench {

namespace {

using op = threshold::op;

std::optional<double> decimal(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

// "10ms" in microseconds.
std::optional<double> duration(std::string_view text) {
  static constexpr std::pair<std::string_view, double> units[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}};
  for (auto& [unit, factor] : units) {
    if (!text.ends_with(unit))
      continue;
    auto number = decimal(trim(text.substr(0, text.size() - unit.size())));
    if (number)
      return *number * factor;
  }
  return std::nullopt;
}

// "p99.9" as 99.9, "max" as 100, "mean" as 0.
std::optional<double> statistic(std::string_view text) {
  if (text == "max")
    return 100.0;
  if (text == "mean")
    return 0.0;
  if (!text.starts_with('p'))
    return std::nullopt;
  auto percent = decimal(text.substr(1));
  return percent && *percent > 0 && *percent <= 100 ? percent : std::nullopt;
}

template <class Names>
std::string listed(const Names& names) {
  std::string all;
  for (auto name : names) {
    if (!all.empty())
      all += ", ";
    all += name;
  }
  return all;
}

} // namespace

std::variant<threshold, std::string> read_threshold(std::string_view text) {
  static constexpr std::pair<std::string_view, op> operators[]
    = {{"<=", op::at_most}, {">=", op::at_least}, {"==", op::equal}, {"<", op::less}, {">", op::more}};
  auto complain = [&](const std::string& what) { return "\"" + std::string{text} + "\": " + what; };
  threshold result;
  result.text = trim(text);
  auto at = text.find_first_of("<>=");
  auto* found = at == std::string_view::npos
    ? std::end(operators)
    : std::find_if(std::begin(operators), std::end(operators),
                   [&](auto& each) { return text.substr(at).starts_with(each.first); });
  if (found == std::end(operators))
    return complain("has none of <, <=, >, >=, ==");
  result.compare = found->second;
  auto subject = trim(text.substr(0, at));
  auto bound = trim(text.substr(at + found->first.size()));
  result.subject = subject;
  auto dot = subject.find('.');
  if (dot == std::string_view::npos) {
    if (std::find(counter_names.begin(), counter_names.end(), subject) == counter_names.end())
      return complain("there is no counter " + std::string{subject} + "; there are " + listed(counter_names));
    auto number = decimal(bound);
    if (!number)
      return complain("the bound of a counter is a number");
    result.bound = *number;
    return result;
  }
  auto name = subject.substr(0, dot);
  auto known = std::find(metric_names.begin(), metric_names.end(), name);
  if (known == metric_names.end())
    return complain("there is no duration " + std::string{name} + "; there are " + listed(metric_names));
  result.metric = static_cast<int>(known - metric_names.begin());
  auto percent = statistic(subject.substr(dot + 1));
  if (!percent)
    return complain("the statistic is p50, p99, p99.9 …, max or mean");
  result.percent = *percent;
  auto limit = duration(bound);
  if (!limit)
    return complain("the bound of a duration ends in us, ms or s");
  result.bound = *limit;
  return result;
}

double threshold::value(const histograms& durations, const counters& counts) const {
  if (metric >= 0) {
    auto& histogram = durations[static_cast<size_t>(metric)];
    return percent == 0 ? histogram.mean() : static_cast<double>(histogram.percentile(percent));
  }
  auto found = counts.find(subject);
  return found == counts.end() ? 0 : found->second;
}

bool threshold::holds(const histograms& durations, const counters& counts) const {
  if (metric >= 0 && durations[static_cast<size_t>(metric)].count() == 0)
    return false;
  auto is = value(durations, counts);
  switch (compare) {
  case op::less:
    return is < bound;
  case op::at_most:
    return is <= bound;
  case op::more:
    return is > bound;
  case op::at_least:
    return is >= bound;
  case op::equal:
    return is == bound;
  }
  return false;
}

} // namespace varro::bench
