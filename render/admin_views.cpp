// What happens on the server, and what was set: usage, what is live, the audit, the configuration.
#include "base/text.hpp"
#include "render/admin_parts.hpp"

#include <algorithm>

namespace varro {

namespace {

using html::element;
using html::fragment;
using html::markup;
using html::url;
using html::void_element;

// --- usage -----------------------------------------------------------------------------------------------------------

constexpr int64_t bar_units = 100;

int64_t tokens_of(const usage_sum& sum) {
  const auto& tokens = sum.tokens;
  return tokens.input + tokens.output + tokens.cache_read + tokens.cache_write_5m + tokens.cache_write_1h;
}

// What a bar's length stands for: money where all of it is in one currency, else tokens.
bool bars_are_money(const std::vector<usage_sum>& sums) {
  std::string_view currency;
  for (const auto& sum : sums) {
    if (!sum.currency.empty() && !currency.empty() && sum.currency != currency)
      return false;
    currency = sum.currency.empty() ? currency : std::string_view{sum.currency};
  }
  return !currency.empty();
}

markup bar(int64_t value, int64_t greatest) {
  const auto share = greatest > 0 ? static_cast<double>(value) / static_cast<double>(greatest) : 0.0;
  const auto width = std::clamp<int64_t>(static_cast<int64_t>(share * bar_units), value > 0 ? 1 : 0, bar_units);
  return element("td", {{"class", "bar"}},
                 element("svg", {{"viewBox", "0 0 100 8"}, {"preserveAspectRatio", "none"}, {"aria-hidden", "true"}},
                         void_element("path", {{"d", "M0 0h" + std::to_string(width) + "v8H0z"}})));
}

std::string cost_of(const usage_sum& sum) {
  if (sum.currency.empty())
    return sum.requests == 0 ? "–" : "unknown";
  return money_text(sum.cost_nano) + " " + sum.currency
    + (sum.unpriced > 0 ? " + " + std::to_string(sum.unpriced) + " unknown" : "");
}

markup usage_rows(const std::vector<usage_sum>& sums) {
  const bool money = bars_are_money(sums);
  auto length = [&](const usage_sum& sum) { return money ? sum.cost_nano : tokens_of(sum); };
  int64_t greatest = 0;
  for (const auto& sum : sums)
    greatest = std::max(greatest, length(sum));
  return html::each(sums, [&](const usage_sum& sum) {
    return element("tr", element("th", {{"scope", "row"}}, sum.key.empty() ? "(no model)" : sum.key),
                   number_cell(count_text(sum.requests)), number_cell(count_text(tokens_of(sum) - sum.tokens.output)),
                   number_cell(count_text(sum.tokens.output)), number_cell(count_text(sum.cells)),
                   number_cell(count_text(sum.processor_us / 1'000'000)), number_cell(cost_of(sum)),
                   bar(length(sum), greatest));
  });
}

markup day_field(std::string_view label, std::string_view name, std::string_view value) {
  return element("label", {{"class", "field"}}, element("span", label),
                 void_element("input", {{"type", "date"}, {"name", name}, {"value", value}}));
}

// --- live ------------------------------------------------------------------------------------------------------------

std::string name_of(const live_view& view, int64_t user) {
  auto found = view.names.find(user);
  return found == view.names.end() ? "user " + std::to_string(user) : found->second;
}

markup stop_form(const page_viewer& viewer, std::string_view what, int64_t user, int64_t chat) {
  return element("form", {{"method", "post"}, {"action", url{"/admin/live/stop"}}}, csrf_field(viewer),
                 hidden("what", what), hidden("user", std::to_string(user)), hidden("chat", std::to_string(chat)),
                 small_button("Stop"));
}

std::string span_text(int64_t seconds) {
  if (seconds < 120)
    return std::to_string(seconds) + " s";
  return seconds < 7'200 ? std::to_string(seconds / 60) + " min" : std::to_string(seconds / 3'600) + " h";
}

markup run_row(const page_viewer& viewer, const live_view& view, const live_run& run) {
  return element("tr", element("th", {{"scope", "row"}}, name_of(view, run.user)),
                 number_cell(std::to_string(run.chat)), element("td", run.model), element("td", time_or(run.since, "")),
                 number_cell(span_text((view.now - run.since) / 1'000'000)),
                 element("td", {{"class", "actions"}}, stop_form(viewer, "run", run.user, run.chat)));
}

markup shell_row(const page_viewer& viewer, const live_view& view, const live_shell& shell) {
  return element("tr", element("th", {{"scope", "row"}}, name_of(view, shell.user)),
                 number_cell(std::to_string(shell.chat)), element("td", shell.state),
                 number_cell(span_text(shell.idle_s)),
                 number_cell(count_text(static_cast<int64_t>(shell.files_bytes >> 10)) + " KiB"),
                 element("td", {{"class", "actions"}}, stop_form(viewer, "shell", shell.user, shell.chat)));
}

// --- the audit -------------------------------------------------------------------------------------------------------

markup audit_line(const audit_row& row) {
  return element("tr", number_cell(std::to_string(row.id)), element("td", time_or(row.at, "")),
                 element("th", {{"scope", "row"}}, actor_of(row)), element("td", row.way),
                 element("td", row.address.text.value_or("")), element("td", row.action),
                 element("td", subject_of(row)), element("td", row.details == "{}" ? std::string{} : row.details));
}

} // namespace

markup admin_usage_page(const page_viewer& viewer, const usage_view& view) {
  auto option = [&](std::string_view value, std::string_view label) {
    return element("option", {{"value", value}, {"selected", value == view.by}}, label);
  };
  auto filter = element("form", {{"method", "get"}, {"action", url{"/admin/usage"}}, {"class", "filter"}},
                        element("label", {{"class", "field"}}, element("span", "By"),
                                element("select", {{"name", "by"}}, option("day", "day"), option("user", "person"),
                                        option("model", "model"))),
                        day_field("From", "since", view.since), day_field("To", "until", view.until),
                        element("button", {{"type", "submit"}, {"class", "primary"}}, "Show"));
  if (!view.problem.empty())
    return admin_page(viewer, "/admin/usage", "Usage", fragment(said({"", view.problem}), filter));
  const auto query = "?by=" + percent_encode(view.by) + "&since=" + percent_encode(view.since)
    + "&until=" + percent_encode(view.until);
  auto heads = {std::string_view{view.by == "user"    ? "Person"
                                   : view.by == "day" ? "Day (UTC)"
                                                      : "Model"},
                std::string_view{"Requests"},
                std::string_view{"Tokens in"},
                std::string_view{"Tokens out"},
                std::string_view{"Cells"},
                std::string_view{"Processor s"},
                std::string_view{"Cost"},
                std::string_view{bars_are_money(view.sums) ? "Share of cost" : "Share of tokens"}};
  return admin_page(
    viewer, "/admin/usage", "Usage",
    fragment(filter,
             view.cut ? element("p", {{"class", "note"}}, "Only the first rows are shown; the CSV has the others.")
                      : markup{},
             view.sums.empty() ? element("p", "Nothing was used in these days.") : table(heads, usage_rows(view.sums)),
             element("p", element("a", {{"href", url{"/admin/usage.csv" + query}}}, "Download as CSV"))));
}

markup admin_live_page(const page_viewer& viewer, const live_view& view) {
  auto runs = html::each(view.runs, [&](const live_run& each) { return run_row(viewer, view, each); });
  auto shells = html::each(view.shells, [&](const live_shell& each) { return shell_row(viewer, view, each); });
  return admin_page(viewer, "/admin/live", "Live",
                    fragment(said(view.said), element("h2", "Runs"),
                             view.runs.empty() ? element("p", "No run is on.")
                                               : table({"Person", "Chat", "Model", "Since", "For", "To do"}, runs),
                             element("h2", "Shells"),
                             view.shells.empty()
                               ? element("p", "No shell is live.")
                               : table({"Person", "Chat", "State", "Idle for", "Files", "To do"}, shells)));
}

markup admin_errors_page(const page_viewer& viewer, const failures_view& view) {
  auto failure = [](const failure_count& each) {
    const bool is_cell = each.kind == usage_kind::cell;
    return element("tr", element("th", {{"scope", "row"}}, is_cell ? "cell" : "request to a model"),
                   element("td", each.outcome), element("td", each.provider), element("td", each.model),
                   number_cell(count_text(each.count)), element("td", time_or(each.newest, "")));
  };
  auto answer = [](const std::pair<int, uint64_t>& each) {
    return element("tr", element("th", {{"scope", "row"}}, each.first),
                   number_cell(count_text(static_cast<int64_t>(each.second))));
  };
  return admin_page(
    viewer, "/admin/errors", "Errors",
    fragment(element("h2", "Models and cells, in the last 24 hours"),
             view.failures.empty() ? element("p", "Nothing failed.")
                                   : table({"What", "How it ended", "Provider", "Model", "How often", "Last"},
                                           html::each(view.failures, failure)),
             element("h2", "Answers of the server that say it failed, since its start"),
             view.server_answers.empty() ? element("p", "There is none.")
                                         : table({"Status", "How often"}, html::each(view.server_answers, answer))));
}

markup admin_audit_page(const page_viewer& viewer, const audit_view& view) {
  auto filter = element("form", {{"method", "get"}, {"action", url{"/admin/audit"}}, {"class", "filter"}},
                        text_field("Who, or about whom", "user", view.user),
                        text_field("Action, such as login", "action", view.action),
                        element("button", {{"type", "submit"}, {"class", "primary"}}, "Show"));
  auto rows = html::each(view.rows, audit_line);
  markup more;
  if (view.more)
    more = element("p",
                   element("a",
                           {{"href",
                             url{"/admin/audit?user=" + percent_encode(view.user) + "&action="
                                 + percent_encode(view.action) + "&before=" + std::to_string(view.rows.back().id)}}},
                           "Older ones"));
  return admin_page(viewer, "/admin/audit", "Audit",
                    fragment(said({"", view.problem}), filter,
                             view.rows.empty()
                               ? element("p", "There is nothing of this kind.")
                               : table({"Number", "Time", "Who", "By", "Address", "Action", "About", "Details"}, rows),
                             more));
}

markup admin_configuration_page(const page_viewer& viewer, const std::vector<shown_setting>& settings) {
  auto row = [](const shown_setting& each) {
    return element("tr", element("th", {{"scope", "row"}}, element("code", each.key)),
                   element("td", element("code", {{"class", "value"}}, each.value)),
                   element("td", each.origin.empty() ? std::string{"default"} : each.origin),
                   element("td", each.by_reload ? "reload" : "start"));
  };
  return admin_page(
    viewer, "/admin/configuration", "Configuration",
    fragment(
      element("p",
              "As it is in force. What is changed in the file since is taken up by a reload (SIGHUP) or the next "
              "start, as the last column says."),
      table({"Key", "Value", "From", "Changed by"}, html::each(settings, row))));
}

} // namespace varro
