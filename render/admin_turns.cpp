// Why a turn was slow: the runs whose traces are kept, and one of them as a waterfall.
#include "render/admin_turns.hpp"
#include "base/text.hpp"
#include "render/admin_parts.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace varro {

namespace {

using html::element;
using html::fragment;
using html::markup;
using html::url;
using html::void_element;
using nanoseconds = std::chrono::nanoseconds;

// Of a bar, in the units of its picture.
constexpr int64_t bar_units = 1'000;

bool is_on(const run_trace& trace) {
  return trace.end == trace_clock::time_point{};
}

trace_clock::time_point end_of(const run_trace& trace, trace_clock::time_point now) {
  return is_on(trace) ? std::max(now, trace.begin) : trace.end;
}

// The time in which at least one span of this name was on: calls that run side by side take it once.
nanoseconds time_in(const run_trace& trace, std::string_view name) {
  std::vector<std::pair<trace_clock::time_point, trace_clock::time_point>> parts;
  for (const auto& each : trace.spans)
    if (each.name == name)
      parts.emplace_back(each.begin, each.end);
  std::sort(parts.begin(), parts.end());
  nanoseconds sum{0};
  trace_clock::time_point seen{};
  for (const auto& [begin, end] : parts) {
    const auto from = std::max(begin, seen);
    if (end > from) {
      sum += end - from;
      seen = end;
    }
  }
  return sum;
}

struct named_time {
  std::string_view name;
  std::string_view words; // before the duration
};
constexpr std::array<named_time, 7> told_times{{{span_name::model, "model"},
                                                {span_name::cell, "cells"},
                                                {span_name::queue, "waited for a place"},
                                                {span_name::shell_wait, "waited for a shell"},
                                                {span_name::commit, "database"},
                                                {span_name::render, "rendering"},
                                                {span_name::accept, "taking the message"}}};

std::string name_of(const turns_view& view, int64_t user) {
  const auto found = view.names.find(user);
  return found == view.names.end() ? "user " + std::to_string(user) : found->second;
}

std::string state_of(const run_trace& trace) {
  return trace.status.empty() ? "running" : trace.status;
}

unix_us unix_begin(const run_trace& trace) {
  constexpr int64_t ns_per_us = 1'000;
  return trace.began_at_ns / ns_per_us;
}

markup turn_row(const turns_view& view, const run_trace& trace) {
  const auto run = std::to_string(trace.about.run);
  return element(
    "tr", element("th", {{"scope", "row"}}, element("a", {{"href", url{"/admin/turns/" + run}}}, "Run " + run)),
    number_cell(duration_text(end_of(trace, view.now) - trace.begin)), element("td", time_or(unix_begin(trace), "")),
    element("td", name_of(view, trace.about.user)), number_cell(std::to_string(trace.about.chat)),
    element("td", trace.about.model), element("td", state_of(trace)), element("td", where_time_went(trace, view.now)));
}

// From its begin to its end, as far along the whole as it was.
markup waterfall_bar(const run_trace& trace, trace_clock::time_point whole_end, trace_clock::time_point begin,
                     trace_clock::time_point end) {
  const auto whole = std::max<int64_t>((whole_end - trace.begin).count(), 1);
  const auto place = [&](trace_clock::time_point moment) {
    const auto share = static_cast<double>((moment - trace.begin).count()) / static_cast<double>(whole);
    return std::clamp<int64_t>(static_cast<int64_t>(share * static_cast<double>(bar_units)), 0, bar_units);
  };
  const auto from = std::min(place(begin), bar_units - 2);
  const auto width = std::max<int64_t>(place(end) - from, 2);
  return element(
    "td", {{"class", "bar waterfall"}},
    element(
      "svg", {{"viewBox", "0 0 1000 8"}, {"preserveAspectRatio", "none"}, {"aria-hidden", "true"}},
      void_element(
        "path",
        {{"d", "M" + std::to_string(from) + " 0h" + std::to_string(width) + "v8H" + std::to_string(from) + "z"}})));
}

std::string words_of(const span& each) {
  std::string words{each.name};
  if (!each.target.empty())
    words += " " + each.target;
  for (const auto& [key, value] : each.attributes)
    if (const auto* text = std::get_if<std::string>(&value); text != nullptr && key == "varro.commit")
      words += ": " + *text;
  return words;
}

markup span_row(const run_trace& trace, trace_clock::time_point whole_end, const span& each) {
  return element("tr", element("th", {{"scope", "row"}}, (each.parent == 0 ? "" : "· ") + words_of(each)),
                 number_cell(duration_text(each.begin - trace.begin)),
                 number_cell(duration_text(each.end - each.begin)),
                 waterfall_bar(trace, whole_end, each.begin, each.end),
                 element("td", each.error.empty() ? std::string{} : each.error));
}

} // namespace

std::string duration_text(nanoseconds took) {
  const auto us = std::max<int64_t>(took.count() / 1'000, 0);
  if (us < 1'000)
    return std::to_string(us) + " µs";
  if (us < 1'000'000)
    return std::to_string(us / 1'000) + " ms";
  const auto tenths = us / 100'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string where_time_went(const run_trace& trace, trace_clock::time_point now) {
  const auto whole = end_of(trace, now) - trace.begin;
  std::vector<std::pair<nanoseconds, std::string_view>> times;
  for (const auto& each : told_times)
    if (const auto took = time_in(trace, each.name); took.count() > 0 && took * 100 >= whole)
      times.emplace_back(took, each.words);
  std::sort(times.begin(), times.end(), [](const auto& left, const auto& right) { return left.first > right.first; });
  constexpr size_t told_max = 4;
  std::string words;
  for (size_t i = 0; i < std::min(times.size(), told_max); ++i) {
    words += i == 0 ? "" : ", ";
    words += std::string{times[i].second} + " " + duration_text(times[i].first);
    if (i == 0)
      words += " of " + duration_text(whole);
  }
  if (!words.empty())
    return words;
  return is_on(trace) ? "no step that took long has ended yet" : "nothing took long";
}

markup admin_turns_page(const page_viewer& viewer, const turns_view& view) {
  auto sorted = view.traces;
  if (view.slowest)
    std::stable_sort(sorted.begin(), sorted.end(), [&](const auto& left, const auto& right) {
      return end_of(*left, view.now) - left->begin > end_of(*right, view.now) - right->begin;
    });
  auto rows = html::each(sorted, [&](const run_trace_ptr& each) { return turn_row(view, *each); });
  auto other = view.slowest ? element("p", element("a", {{"href", url{"/admin/turns"}}}, "The newest first"))
                            : element("p", element("a", {{"href", url{"/admin/turns?by=slow"}}}, "The slowest first"));
  return admin_page(
    viewer, "/admin/turns", "Turns",
    fragment(
      element("p", "The newest turns, and the slowest of the last day, since the server started (trace.runs_kept)."),
      std::move(other),
      sorted.empty()
        ? element("p", "There is none yet.")
        : table({"Turn", "Took", "Began", "Person", "Chat", "Model", "State", "Where the time went"}, rows)));
}

markup admin_turn_page(const page_viewer& viewer, const turns_view& view) {
  const auto& trace = *view.traces.front();
  const auto whole_end = end_of(trace, view.now);
  auto sorted = trace.spans;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const span& left, const span& right) { return left.begin < right.begin; });
  auto rows = html::each(sorted, [&](const span& each) { return span_row(trace, whole_end, each); });
  const auto title = "Run " + std::to_string(trace.about.run);
  const auto about = name_of(view, trace.about.user) + ", chat " + std::to_string(trace.about.chat) + ", "
    + trace.about.model + ", " + state_of(trace) + (trace.about.resumes > 0 ? ", taken up after a crash" : "");
  return admin_page(
    viewer, "/admin/turns", title,
    fragment(element("p", about), element("p", where_time_went(trace, view.now)),
             element("p", "Trace ", element("code", hex_of(trace.id))),
             trace.left_out > 0
               ? element("p", {{"class", "note"}}, std::to_string(trace.left_out) + " further spans were not kept.")
               : markup{},
             table({"Span", "After", "Took", "When", "Error"}, rows)));
}

} // namespace varro
