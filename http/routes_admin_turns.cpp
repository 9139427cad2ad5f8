// Where the time of turns went, for admins.
#include "base/run_traces.hpp"
#include "http/admin_parts.hpp"
#include "render/admin_turns.hpp"

#include <algorithm>

namespace varro {

namespace {

turns_view view_of(const application& app, std::vector<run_trace_ptr> traces) {
  turns_view view;
  view.now = trace_clock::now();
  view.traces = std::move(traces);
  std::vector<int64_t> ids;
  for (const auto& trace : view.traces)
    ids.push_back(trace->about.user);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (auto names = names_of(app, std::move(ids)))
    view.names = std::move(*names);
  return view;
}

} // namespace

reply show_turns(application& app, const route_call& call, const visitor& who) {
  if (auto refused = note_read(app, call, who, "/admin/turns"))
    return app.error_reply(call.request, refused);
  auto view = view_of(app, process_traces().kept());
  view.slowest = query_value(call.request, "by") == "slow";
  return html_reply(200, admin_turns_page(app.viewer_of(who), view));
}

reply show_turn(application& app, const route_call& call, const visitor& who) {
  const auto run = parse_number(call.segment("run"));
  auto trace = run ? process_traces().find(*run) : nullptr;
  if (!trace)
    return app.error_reply(call.request, 404, "There is no trace of such a run, or none any more.");
  if (auto refused = note_read(app, call, who, "/admin/turns"))
    return app.error_reply(call.request, refused);
  return html_reply(200, admin_turn_page(app.viewer_of(who), view_of(app, {std::move(trace)})));
}

} // namespace varro
