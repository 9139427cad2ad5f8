#include "bench/compare_results.hpp"

#include "bench/hdr_histogram.hpp"
#include "bench/percentiles.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <random>
#include <utility>

namespace varro::bench {

namespace {

// The histograms of a run's intervals, as far as it has some.
struct sampled_run {
  std::vector<std::vector<std::pair<size_t, uint64_t>>> intervals; // index into `values`, and count
  std::vector<int64_t> values;                                     // sorted
  hdr_histogram whole;
};

std::optional<sampled_run> read_run(const json& result, const char* which) {
  auto found = result.find("intervals");
  if (found == result.end() || !found->is_array())
    return std::nullopt;
  sampled_run run;
  std::vector<std::vector<hdr_histogram::cell>> cells;
  for (auto& each : *found) {
    auto text = each.is_object() ? each.find(which) : each.end();
    if (!each.is_object() || text == each.end() || !text->is_string())
      return std::nullopt;
    auto histogram = hdr_histogram::decoded(text->get_ref<const std::string&>());
    if (!histogram)
      return std::nullopt;
    run.whole.merge(*histogram);
    cells.push_back(histogram->cells());
  }
  for (auto& each : run.whole.cells())
    run.values.push_back(each.highest);
  for (auto& interval : cells) {
    auto& sparse = run.intervals.emplace_back();
    for (auto& each : interval) {
      auto at = std::lower_bound(run.values.begin(), run.values.end(), each.highest) - run.values.begin();
      sparse.emplace_back(static_cast<size_t>(at), each.count);
    }
  }
  return run;
}

size_t with_data(const sampled_run& run) {
  return static_cast<size_t>(
    std::count_if(run.intervals.begin(), run.intervals.end(), [](auto& each) { return !each.empty(); }));
}

double percentile_of(const std::vector<uint64_t>& counts, const std::vector<int64_t>& values, double percent) {
  uint64_t sum = 0, seen = 0;
  for (auto count : counts)
    sum += count;
  auto wanted = std::max<double>(std::ceil(percent / 100 * static_cast<double>(sum) - 1e-9), 1);
  for (size_t i = 0; i < counts.size(); ++i) {
    seen += counts[i];
    if (static_cast<double>(seen) >= wanted)
      return static_cast<double>(values[i]);
  }
  return 0;
}

// The percentiles of one resample.
std::pair<double, double> resampled(const sampled_run& run, std::mt19937_64& random) {
  auto count = run.intervals.size();
  auto block = static_cast<size_t>(std::ceil(std::cbrt(static_cast<double>(count))));
  std::vector<uint64_t> counts(run.values.size());
  for (size_t drawn = 0; drawn < count;) {
    auto first = static_cast<size_t>(random() % count);
    for (size_t i = 0; i < block && drawn < count; ++i, ++drawn)
      for (auto& [index, times] : run.intervals[(first + i) % count])
        counts[index] += times;
  }
  return {percentile_of(counts, run.values, 50), percentile_of(counts, run.values, 99)};
}

comparison compared(std::string what, double percent, const sampled_run& before, const sampled_run& after,
                    std::vector<double> ratios) {
  comparison row;
  row.what = std::move(what);
  row.before_us = static_cast<double>(before.whole.percentile(percent));
  row.after_us = static_cast<double>(after.whole.percentile(percent));
  std::sort(ratios.begin(), ratios.end());
  auto tail = (1 - confidence) / 2 * static_cast<double>(ratios.size());
  auto low = static_cast<size_t>(tail);
  row.ratio_low = ratios[low];
  row.ratio_high = ratios[ratios.size() - 1 - low];
  if (row.ratio_low > 1)
    row.is = comparison::verdict::slower;
  else if (row.ratio_high < 1)
    row.is = comparison::verdict::faster;
  return row;
}

std::optional<json> read_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) > result_bytes_max || error)
    return std::nullopt;
  std::ifstream stream{path, std::ios::binary};
  return parse_json(std::string{std::istreambuf_iterator<char>{stream}, {}});
}

bool is_valid(const json& result) {
  auto found = result.find("valid");
  return found != result.end() && found->is_boolean() && found->get<bool>();
}

// In what the two are not runs of the same plan; empty: they are.
std::string difference(const json& before, const json& after) {
  auto of = [](const json& from, const std::string& key) -> json {
    auto found = from.find(key);
    return found == from.end() ? json() : *found;
  };
  for (auto* key : {"scenario", "seed"})
    if (of(before, key) != of(after, key))
      return key;
  auto first = of(before, "plan"), second = of(after, "plan");
  if (!first.is_object() || !second.is_object())
    return "plan";
  for (auto each = first.begin(); each != first.end(); ++each)
    if (of(second, each.key()) != each.value())
      return each.key();
  return first.size() == second.size() ? "" : "plan";
}

} // namespace

std::variant<std::vector<comparison>, std::string> compare_results(const json& before, const json& after) {
  for (auto* each : {&before, &after}) {
    if (!each->is_object() || !each->contains("format") || (*each)["format"] != "varro-load/1")
      return "these are not two results of varro-load --scenario";
    if (!is_valid(*each))
      return "one of them is invalid: its generator was late";
  }
  if (auto what = difference(before, after); !what.empty())
    return "they are not of the same load: \"" + what + "\" differs";
  std::vector<comparison> rows;
  for (auto* which : {"turn", "added"}) {
    auto first = read_run(before, which);
    auto second = read_run(after, which);
    if (!first || !second)
      return "the intervals of one of them cannot be read";
    if (with_data(*first) < compared_intervals_min || with_data(*second) < compared_intervals_min)
      continue;
    std::mt19937_64 random{1};
    std::vector<double> medians, tails;
    for (int i = 0; i < resamples; ++i) {
      auto [first_median, first_tail] = resampled(*first, random);
      auto [second_median, second_tail] = resampled(*second, random);
      // A resample may have drawn only intervals without a turn, and a value may be 0 µs.
      medians.push_back(std::max(second_median, 1.0) / std::max(first_median, 1.0));
      tails.push_back(std::max(second_tail, 1.0) / std::max(first_tail, 1.0));
    }
    rows.push_back(compared(std::string{which} + ".p50", 50, *first, *second, std::move(medians)));
    rows.push_back(compared(std::string{which} + ".p99", 99, *first, *second, std::move(tails)));
  }
  if (rows.empty())
    return "they are too short: each needs " + std::to_string(compared_intervals_min) + " intervals with turns";
  return rows;
}

std::string comparison_text(const std::vector<comparison>& rows) {
  std::string text = "| milliseconds |   before |    after | after / before, 99 % confidence | verdict       |\n"
                     "|--------------|---------:|---------:|--------------------------------:|---------------|\n";
  for (auto& row : rows) {
    static constexpr const char* verdicts[] = {"slower", "faster", "no difference"};
    char ratio[64], line[200];
    std::snprintf(ratio, sizeof ratio, "%.3f to %.3f", row.ratio_low, row.ratio_high);
    std::snprintf(line, sizeof line, "| %-12s | %8s | %8s | %31s | %-13s |\n", row.what.c_str(),
                  in_ms(static_cast<int64_t>(row.before_us)).c_str(), in_ms(static_cast<int64_t>(row.after_us)).c_str(),
                  ratio, verdicts[static_cast<size_t>(row.is)]);
    text += line;
  }
  return text;
}

int compare_files(const std::string& before, const std::string& after) {
  auto first = read_file(before);
  auto second = read_file(after);
  if (!first || !second) {
    std::cerr << "varro-load: " << (first ? after : before) << " cannot be read as JSON\n";
    return 2;
  }
  auto rows = compare_results(*first, *second);
  if (auto* why = std::get_if<std::string>(&rows)) {
    std::cerr << "varro-load: no verdict: " << *why << "\n";
    return 2;
  }
  auto& found = std::get<std::vector<comparison>>(rows);
  std::cout << comparison_text(found) << std::flush;
  return std::any_of(found.begin(), found.end(), [](auto& row) { return row.is == comparison::verdict::slower; }) ? 1
                                                                                                                  : 0;
}

} // namespace varro::bench
