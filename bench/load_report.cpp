#include "bench/load_report.hpp"

#include "bench/percentiles.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace varro::bench {

namespace {

constexpr double width = 860, height = 260, left = 64, right = 16, top = 12, bottom = 34;
constexpr size_t bars_max = 80;

std::string escaped(std::string_view text) {
  std::string result;
  for (char c : text) {
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    default:
      result += c;
    }
  }
  return result;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// A range of values on one side of a chart.
struct axis {
  double low = 0;
  double high = 1;
  double from = 0; // where `low` and `high` are drawn
  double to = 1;
  bool logarithmic = false;

  double place(double value) const {
    auto share
      = logarithmic ? std::log(std::max(value, low) / low) / std::log(high / low) : (value - low) / (high - low);
    return from + std::clamp(share, 0.0, 1.0) * (to - from);
  }
};

axis across(double low, double high, bool logarithmic) {
  return {low, std::max(high, low * 1.001 + 1e-9), left, width - right, logarithmic};
}

axis upwards(double low, double high, bool logarithmic) {
  return {low, std::max(high, low * 1.001 + 1e-9), height - bottom, top, logarithmic};
}

std::string text_at(double x, double y, const std::string& anchor, const std::string& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" + escaped(text)
    + "</text>\n";
}

// Powers of ten, or five even steps.
std::vector<double> marks_of(const axis& which) {
  std::vector<double> marks;
  if (which.logarithmic) {
    for (double mark = std::pow(10.0, std::ceil(std::log10(which.low) - 1e-9)); mark <= which.high * 1.0001; mark *= 10)
      marks.push_back(mark);
    return marks;
  }
  for (int i = 0; i <= 5; ++i)
    marks.push_back(which.low + (which.high - which.low) * i / 5);
  return marks;
}

// `divisor`: from the axis' values to those that are shown.
std::string frame(const axis& x, const axis& y, const std::string& below, double x_divisor, double y_divisor) {
  std::string svg;
  auto label = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", std::round(value * 1000) / 1000);
    return std::string{text};
  };
  for (auto mark : marks_of(y)) {
    auto at = y.place(mark);
    svg += "<path class=\"grid\" d=\"M" + number(left) + " " + number(at) + "H" + number(width - right) + "\"/>\n";
    svg += text_at(left - 6, at + 4, "end", label(mark / y_divisor));
  }
  for (auto mark : marks_of(x))
    svg += text_at(x.place(mark), height - bottom + 16, "middle", label(mark / x_divisor));
  return svg + text_at((left + width - right) / 2, height - 3, "middle", below);
}

std::string line(const std::string& kind, const axis& x, const axis& y,
                 const std::vector<std::pair<double, double>>& points) {
  std::string path;
  for (auto& [at, value] : points) {
    path += path.empty() ? 'M' : 'L';
    path += number(x.place(at)) + " " + number(y.place(value));
  }
  return path.empty() ? path : "<path class=\"" + kind + "\" d=\"" + path + "\"/>\n";
}

std::string bar(const std::string& kind, double x, double end, double y) {
  return "<path class=\"" + kind + "\" d=\"M" + number(x) + " " + number(height - bottom) + "V" + number(y) + "H"
    + number(std::max(end, x + 1)) + "V" + number(height - bottom) + "Z\"/>\n";
}

std::string chart(const std::string& title, const std::string& inside) {
  return "<h2>" + escaped(title) + "</h2>\n<svg viewBox=\"0 0 " + number(width) + " " + number(height)
    + "\" role=\"img\" aria-label=\"" + escaped(title) + "\">\n" + inside + "</svg>\n";
}

double end_of(const load_outcome& outcome) {
  return outcome.intervals.empty() ? 1 : outcome.intervals.back().begin_s + outcome.intervals.back().seconds;
}

std::string over_time(const load_outcome& outcome) {
  std::vector<std::pair<double, double>> median, tail, most;
  double low = 1e12, high = 1;
  for (auto& each : outcome.intervals) {
    if (each.turn_max == 0)
      continue;
    auto at = each.begin_s + each.seconds / 2;
    median.emplace_back(at, each.turn_p50);
    tail.emplace_back(at, each.turn_p99);
    most.emplace_back(at, each.turn_max);
    low = std::min(low, static_cast<double>(each.turn_p50));
    high = std::max(high, static_cast<double>(each.turn_max));
  }
  auto x = across(0, end_of(outcome), false);
  auto y = upwards(std::max(std::min(low, high / 10), 1.0), high, true);
  return chart("Turns over time, ms: median, 99th percentile, maximum, by the second in which they ended",
               frame(x, y, "seconds", 1, 1000) + line("median", x, y, median) + line("tail", x, y, tail)
                 + line("most", x, y, most));
}

std::string distribution(const hdr_histogram& turns) {
  auto low = static_cast<double>(std::max<int64_t>(turns.min(), 1));
  auto x = across(low, static_cast<double>(std::max<int64_t>(turns.max(), 1)), true);
  std::vector<uint64_t> bars(bars_max);
  auto step = (width - right - left) / static_cast<double>(bars_max);
  for (auto& each : turns.cells()) {
    auto place = (x.place(static_cast<double>(each.highest)) - left) / step;
    bars[std::min(static_cast<size_t>(place), bars_max - 1)] += each.count;
  }
  auto y = upwards(0, static_cast<double>(*std::max_element(bars.begin(), bars.end())), false);
  auto inside = frame(x, y, "milliseconds", 1000, 1);
  for (size_t i = 0; i < bars.size(); ++i)
    if (bars[i] > 0)
      inside += bar("median", left + step * static_cast<double>(i), left + step * static_cast<double>(i + 1),
                    y.place(static_cast<double>(bars[i])));
  return chart("How long turns took", inside);
}

std::string errors(const load_outcome& outcome) {
  double most = 1;
  auto per_second = [](const load_interval& each, int64_t count) {
    return each.seconds > 0.01 ? static_cast<double>(count) / each.seconds : 0.0;
  };
  for (auto& each : outcome.intervals)
    most = std::max({most, per_second(each, each.completed), per_second(each, each.failed)});
  auto x = across(0, end_of(outcome), false);
  auto y = upwards(0, most, false);
  std::string bars;
  std::vector<std::pair<double, double>> completed;
  for (auto& each : outcome.intervals) {
    completed.emplace_back(each.begin_s + each.seconds / 2, per_second(each, each.completed));
    if (each.failed > 0)
      bars += bar("bad", x.place(each.begin_s), x.place(each.begin_s + each.seconds),
                  y.place(per_second(each, each.failed)));
  }
  return chart("Turns a second that ended well (line), and that failed (bars)",
               frame(x, y, "seconds", 1, 1) + bars + line("median", x, y, completed));
}

} // namespace

std::string html_report(const load_outcome& outcome) {
  auto name = outcome.what.name.empty() ? std::string{"varro-load"} : outcome.what.name;
  auto verdict = !outcome.valid() ? "invalid: the generator was late" : outcome.passed() ? "passed" : "not passed";
  return "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>" + escaped(name)
    + "</title>\n<style>\n"
      "body { font: 15px/1.5 system-ui, sans-serif; max-width: 900px; margin: 2em auto; padding: 0 1em; }\n"
      "pre { overflow-x: auto; } svg { width: 100%; } text { font-size: 11px; fill: currentColor; }\n"
      "path { fill: none; stroke-width: 1.5; } .grid { stroke: #8884; } .median { stroke: #2a6fdb; }\n"
      "path.median[d$=Z] { fill: #2a6fdb; } .tail { stroke: #d9822b; } .most { stroke: #c23030; }\n"
      ".bad { stroke: #c23030; fill: #c23030; }\n"
      "</style>\n<h1>"
    + escaped(name) + ": " + verdict + "</h1>\n<pre>" + escaped(outcome.table()) + "</pre>\n" + over_time(outcome)
    + distribution(outcome.durations[static_cast<size_t>(metric::turn)]) + errors(outcome) + "</html>\n";
}

} // namespace varro::bench
