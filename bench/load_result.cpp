#include "bench/load_result.hpp"

#include "bench/percentiles.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace varro::bench {

namespace {

std::string joined_histogram(const std::string& first, const std::string& second, hdr_histogram& sum) {
  for (auto* each : {&first, &second})
    if (auto read = hdr_histogram::decoded(*each))
      sum.merge(*read);
  return sum.encoded();
}

json summary(const hdr_histogram& histogram) {
  return {
    {"count", histogram.count()},         {"p50_us", histogram.percentile(50)},    {"p90_us", histogram.percentile(90)},
    {"p99_us", histogram.percentile(99)}, {"p999_us", histogram.percentile(99.9)}, {"max_us", histogram.max()},
    {"mean_us", histogram.mean()},        {"clipped", histogram.clipped()},        {"histogram", histogram.encoded()}};
}

template <class Names, class Values>
json by_name(const Names& names, const Values& values) {
  auto all = json::object();
  for (size_t i = 0; i < names.size(); ++i)
    all[std::string{names[i]}] = values[i];
  return all;
}

json load_of(const open_load& load) {
  auto stages = json::array();
  for (auto& each : load.stages)
    stages.push_back({{"seconds", each.seconds}, {"from", each.from}, {"to", each.to}});
  return {{"kind", "open"}, {"arrivals", static_cast<int>(load.how)}, {"stages", std::move(stages)}};
}

json load_of(const closed_load& load) {
  return {{"kind", "closed"},
          {"users", load.users},
          {"seconds", load.seconds},
          {"ramp_seconds", load.ramp_seconds},
          {"think", static_cast<int>(load.how)},
          {"think_ms", load.think_ms},
          {"think_sigma", load.think_sigma}};
}

// What two runs have to have in common for one to be faster than the other.
json plan_of(const scenario& what) {
  return {{"load", std::visit([](auto& load) { return load_of(load); }, what.load)},
          {"turns", by_name(turn_kind_names, what.weights)},
          {"behaviours", by_name(behaviour_names, what.shares)},
          {"messages", by_name(turn_kind_names, what.messages)},
          {"turns_per_chat", what.turns_per_chat},
          {"warm_up_seconds", what.warm_up_seconds},
          {"long_cell_ms", what.long_cell.count()},
          {"slow_reader_ms", what.slow_reader.count()},
          {"upload_bytes", what.upload_bytes}};
}

std::string shown(const threshold& condition, double value) {
  if (condition.metric >= 0)
    return in_ms(static_cast<int64_t>(value)) + " ms";
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

} // namespace

load_interval joined(const load_interval& first, const load_interval& second) {
  load_interval sum;
  sum.begin_s = first.begin_s;
  sum.seconds = first.seconds + second.seconds;
  sum.started = first.started + second.started;
  sum.completed = first.completed + second.completed;
  sum.failed = first.failed + second.failed;
  hdr_histogram turn, added;
  sum.turn = joined_histogram(first.turn, second.turn, turn);
  sum.added = joined_histogram(first.added, second.added, added);
  sum.turn_p50 = turn.percentile(50);
  sum.turn_p99 = turn.percentile(99);
  sum.turn_max = turn.max();
  sum.added_p99 = added.percentile(99);
  return sum;
}

void load_outcome::add_interval(load_interval next) {
  // An interval grows until it is as long as the first one, give or take a late tick. One that is longer by itself
  // stays so. When there are too many, neighbours are put together.
  if (intervals.size() >= 2 && intervals.back().seconds + next.seconds <= intervals.front().seconds + interval_slack_s)
    intervals.back() = joined(intervals.back(), next);
  else
    intervals.push_back(std::move(next));
  if (intervals.size() <= intervals_max)
    return;
  std::vector<load_interval> pairs;
  for (size_t i = 0; i + 1 < intervals.size(); i += 2)
    pairs.push_back(joined(intervals[i], intervals[i + 1]));
  if (intervals.size() % 2 == 1)
    pairs.push_back(std::move(intervals.back()));
  intervals = std::move(pairs);
}

bool load_outcome::valid() const {
  auto& late = durations[static_cast<size_t>(metric::lateness)];
  return late.percentile(99) <= lateness_p99_us_max;
}

bool load_outcome::passed() const {
  if (!what.thresholds.empty())
    return std::all_of(what.thresholds.begin(), what.thresholds.end(),
                       [&](const threshold& each) { return each.holds(durations, counts); });
  static constexpr std::string_view faults[] = {"failed", "lost", "repeated", "out_of_order", "malformed"};
  return std::all_of(std::begin(faults), std::end(faults), [&](std::string_view name) {
    auto found = counts.find(name);
    return found == counts.end() || found->second == 0;
  });
}

bool load_outcome::sustained() const {
  auto named = [&](std::string_view subject) {
    return std::any_of(what.thresholds.begin(), what.thresholds.end(),
                       [&](const threshold& each) { return each.subject == subject; });
  };
  auto any = [&](std::string_view name) {
    auto found = counts.find(name);
    return found != counts.end() && found->second > 0;
  };
  bool failures = any("failed") && !named("failed") && !named("error_rate");
  bool losses = any("lost") && !named("lost");
  return valid() && passed() && !failures && !losses;
}

int load_outcome::exit_code() const {
  if (!valid())
    return 3;
  return passed() ? 0 : 1;
}

json load_outcome::to_json() const {
  json result{{"format", "varro-load/1"},    {"scenario", what.name},      {"seed", what.seed},
              {"seconds", seconds},          {"started", started_unix_s},  {"valid", valid()},
              {"passed", passed()},          {"counts", json::object()},   {"durations", json::object()},
              {"thresholds", json::array()}, {"intervals", json::array()}, {"problems", problems},
              {"plan", plan_of(what)}};
  for (auto& [name, count] : counts)
    result["counts"][name] = count;
  for (size_t i = 0; i < durations.size(); ++i)
    result["durations"][std::string{metric_names[i]}] = summary(durations[i]);
  for (auto& each : what.thresholds)
    result["thresholds"].push_back(
      {{"condition", each.text}, {"value", each.value(durations, counts)}, {"holds", each.holds(durations, counts)}});
  for (auto& each : intervals)
    result["intervals"].push_back({{"begin_s", each.begin_s},
                                   {"seconds", each.seconds},
                                   {"started", each.started},
                                   {"completed", each.completed},
                                   {"failed", each.failed},
                                   {"turn_p50_us", each.turn_p50},
                                   {"turn_p99_us", each.turn_p99},
                                   {"turn_max_us", each.turn_max},
                                   {"added_p99_us", each.added_p99},
                                   {"turn", each.turn},
                                   {"added", each.added}});
  return result;
}

std::string load_outcome::table() const {
  char line[240];
  auto count = [&](std::string_view name) {
    auto found = counts.find(name);
    return found == counts.end() ? 0.0 : found->second;
  };
  std::snprintf(line, sizeof line, "turns        %.0f completed, %.0f failed, %.0f stopped, in %.2f s: %.1f turns/s\n",
                count("completed"), count("failed"), count("stopped"), seconds, count("turns_per_second"));
  std::string text = line;
  text += "\n| milliseconds               |      p50 |      p90 |      p99 |    p99.9 |      max |   count |\n"
          "|----------------------------|---------:|---------:|---------:|---------:|---------:|--------:|\n";
  for (size_t i = 0; i < durations.size(); ++i) {
    auto& each = durations[i];
    auto ms = [&](double percent) { return in_ms(each.percentile(percent)); };
    std::snprintf(line, sizeof line, "| %-26s | %8s | %8s | %8s | %8s | %8s | %7llu |\n", metric_names[i].data(),
                  ms(50).c_str(), ms(90).c_str(), ms(99).c_str(), ms(99.9).c_str(), ms(100).c_str(),
                  static_cast<unsigned long long>(each.count()));
    text += line;
  }
  std::snprintf(line, sizeof line, "\nevents       %.0f lost, %.0f repeated, %.0f out of order, %.0f malformed\n",
                count("lost"), count("repeated"), count("out_of_order"), count("malformed"));
  text += line;
  for (auto& each : what.thresholds)
    text += std::string{each.holds(durations, counts) ? "holds" : "BROKEN"} + "        " + each.text + " (is "
      + shown(each, each.value(durations, counts)) + ")\n";
  auto late = in_ms(durations[static_cast<size_t>(metric::lateness)].percentile(99));
  if (valid())
    text += "generator    on time: its own lateness p99 is " + late + " ms\n";
  else
    text += "generator    INVALID: its own lateness p99 is " + late
      + " ms, more than 1 ms. It measured itself; give it a processor or less to do.\n";
  for (auto& one : problems)
    text += "problem      " + one + "\n";
  return text;
}

} // namespace varro::bench
