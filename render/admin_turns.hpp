// Pages of admins that say where the time of turns went. Pure functions, any thread. Nothing of what chats say is in
// them, and no title.
#pragma once

#include "base/clock.hpp"
#include "base/kept_traces.hpp"
#include "render/pages.hpp"

#include <map>
#include <string>
#include <vector>

namespace varro {

struct turns_view {
  std::vector<run_trace_ptr> traces;
  std::map<int64_t, std::string> names; // of users
  trace_clock::time_point now;          // for those that are on
  bool slowest = false;                 // these first
};
html::markup admin_turns_page(const page_viewer& viewer, const turns_view& view);
// The one trace that the view has, with its spans.
html::markup admin_turn_page(const page_viewer& viewer, const turns_view& view);

// "850 µs", "12 ms", "9.1 s".
std::string duration_text(std::chrono::nanoseconds took);

// "model 9.1 s of 9.8 s, waited for a shell 510 ms": what took at least a hundredth of the whole, the longest first.
std::string where_time_went(const run_trace& trace, trace_clock::time_point now);

} // namespace varro
