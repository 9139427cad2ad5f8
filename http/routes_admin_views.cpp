// What admins see of the server: usage, what is live, the audit, the configuration.
#include "accounts/usage_csv.hpp"
#include "actors/live_runs.hpp"
#include "actors/live_shell.hpp"
#include "base/clock.hpp"
#include "base/day.hpp"
#include "http/admin_parts.hpp"
#include "render/admin_pages.hpp"
#include "storage/limits.hpp"

#include <algorithm>
#include <sstream>

namespace varro {

namespace {

constexpr int64_t usage_days_max = 366;
constexpr int64_t usage_days_usual = 30;
constexpr int audit_rows_on_a_page = 100;
constexpr size_t typed_bytes_max = 100;

std::string typed(const received_request& request, std::string_view name) {
  auto value = query_value(request, name).value_or("");
  return value.size() <= typed_bytes_max ? value : std::string{};
}

// Whether this user has this on now: the audit shall not tell of somebody else than whose it is.
bool is_live(const application& app, const std::string& what, int64_t user, int64_t chat) {
  const auto is_it = [=](const auto& each) { return each.user == user && each.chat == chat; };
  if (what == "run") {
    const auto runs = app.services.live ? app.services.live->list() : std::vector<live_run>{};
    return std::any_of(runs.begin(), runs.end(), is_it);
  }
  const auto shells = app.ask<live_shells>(app.services.shells, list_atom_v);
  return shells && *shells && std::any_of((*shells)->begin(), (*shells)->end(), is_it);
}

} // namespace

asked_usage usage_of(const received_request& request) {
  asked_usage asked;
  asked.by = typed(request, "by");
  if (asked.by != "user" && asked.by != "model")
    asked.by = "day";
  asked.question.by = asked.by == "user" ? usage_by::user : asked.by == "model" ? usage_by::model : usage_by::day;
  const auto since = typed(request, "since"), until = typed(request, "until");
  const auto last = until.empty() ? std::optional{today()} : days_of(until);
  const auto first = !since.empty() ? days_of(since)
    : last                          ? std::optional{*last - usage_days_usual + 1}
                                    : std::nullopt;
  if (!first || !last || *first > *last) {
    asked.problem = "From and to are days such as 2026-01-31, the first before the last.";
    return asked;
  }
  asked.since = date_text(*first);
  asked.until = date_text(*last);
  if (*last - *first >= usage_days_max)
    asked.problem = "At most " + std::to_string(usage_days_max) + " days at a time.";
  asked.question.since = *first * day_us;
  asked.question.until = (*last + 1) * day_us;
  return asked;
}

live_view what_is_live(const application& app) {
  live_view view;
  view.now = now_us();
  if (app.services.live)
    view.runs = app.services.live->list();
  if (auto shells = app.ask<live_shells>(app.services.shells, list_atom_v); shells && *shells)
    view.shells = **shells;
  std::vector<int64_t> ids;
  for (const auto& run : view.runs)
    ids.push_back(run.user);
  for (const auto& shell : view.shells)
    ids.push_back(shell.user);
  if (auto names = names_of(app, std::move(ids)))
    view.names = std::move(*names);
  return view;
}

caf::expected<int64_t> user_asked_for(const application& app, const std::string& text) {
  constexpr std::string_view prefix = "user ";
  if (text.starts_with(prefix))
    if (auto id = parse_number(std::string_view{text}.substr(prefix.size())))
      return *id;
  auto user = user_named(app, text);
  if (!user)
    return std::move(user.error());
  return user->id;
}

reply show_usage_page(application& app, const route_call& call, const visitor& who) {
  auto asked = usage_of(call.request);
  usage_view view{{}, asked.by, asked.since, asked.until, false, asked.problem};
  if (!asked.problem.empty())
    return html_reply(422, admin_usage_page(app.viewer_of(who), view));
  if (auto refused = note_read(app, call, who, "/admin/usage"))
    return app.error_reply(call.request, refused);
  asked.question.rows_max = usage_rows_shown_max + 1;
  auto sums = ask_database<std::vector<usage_sum>>(app, asked.question);
  if (!sums)
    return app.error_reply(call.request, sums.error());
  view.sums = std::move(*sums);
  view.cut = view.sums.size() > static_cast<size_t>(usage_rows_shown_max);
  if (view.cut)
    view.sums.resize(static_cast<size_t>(usage_rows_shown_max));
  return html_reply(200, admin_usage_page(app.viewer_of(who), view));
}

reply download_usage(application& app, const route_call& call, const visitor& who) {
  auto asked = usage_of(call.request);
  if (!asked.problem.empty())
    return app.error_reply(call.request, 422, asked.problem);
  if (auto refused = note_read(app, call, who, "/admin/usage.csv"))
    return app.error_reply(call.request, refused);
  asked.question.rows_max = spending_rows_max;
  auto sums = ask_database<std::vector<usage_sum>>(app, asked.question);
  if (!sums)
    return app.error_reply(call.request, sums.error());
  std::ostringstream out;
  write_usage_csv(*sums, asked.by, out);
  reply result;
  result.body = out.str();
  result.content_type = "text/csv; charset=utf-8";
  result.headers.emplace_back("Content-Disposition",
                              "attachment; filename=\"usage-by-" + asked.by + "-" + asked.since + "-" + asked.until
                                + ".csv\"");
  return result;
}

reply show_live(application& app, const route_call& call, const visitor& who) {
  if (auto refused = note_read(app, call, who, "/admin/live"))
    return app.error_reply(call.request, refused);
  auto view = what_is_live(app);
  if (query_value(call.request, "done"))
    view.said.note = "It is being stopped.";
  return html_reply(200, admin_live_page(app.viewer_of(who), view));
}

reply show_errors(application& app, const route_call& call, const visitor& who) {
  auto failures = ask_database<std::vector<failure_count>>(app, failures_question{now_us() - day_us});
  if (!failures)
    return app.error_reply(call.request, failures.error());
  failures_view view{std::move(*failures), {}};
  for (size_t status = 500; status < app.counts.by_status.size(); ++status)
    if (const auto count = app.counts.by_status[status].load(); count > 0)
      view.server_answers.emplace_back(static_cast<int>(status), count);
  return html_reply(200, admin_errors_page(app.viewer_of(who), view));
}

reply stop_work(application& app, const route_call& call, const visitor& who, const form& fields) {
  const auto user = parse_number(fields.get("user")), chat = parse_number(fields.get("chat"));
  const auto& what = fields.get("what");
  if (!user || !chat || (what != "run" && what != "shell"))
    return app.error_reply(call.request, 422, "This names neither a run nor a shell.");
  if (!is_live(app, what, *user, *chat))
    return app.error_reply(call.request, 404, "This is over already.");
  const auto names = names_of(app, {*user});
  audit_event event{audit_action::work_stopped, {}, what + " of chat " + std::to_string(*chat)};
  if (names && names->contains(*user))
    event.person = {*user, names->at(*user)};
  const account_write noted = audit_noted{std::move(event), app.origin_of(call.request, who)};
  if (auto done = app.ask<done_atom>(app.services.store, user_atom_v, noted); !done)
    return app.error_reply(call.request, done.error());
  if (what == "shell") {
    caf::anon_send(app.services.shells, close_atom_v, *chat);
    return see_other("/admin/live?done=stop");
  }
  auto done = app.ask_chat<done_atom>(*user, *chat, cancel_atom_v);
  if (!done && code_of(done.error()) != errc::no_run) // it has ended meanwhile
    return app.error_reply(call.request, done.error());
  return see_other("/admin/live?done=stop");
}

reply show_audit_page(application& app, const route_call& call, const visitor& who) {
  if (auto refused = note_read(app, call, who, "/admin/audit"))
    return app.error_reply(call.request, refused);
  audit_view view{{}, typed(call.request, "user"), typed(call.request, "action"), false, ""};
  audit_question question;
  question.action = view.action;
  question.before = parse_number(typed(call.request, "before")).value_or(0);
  question.limit = audit_rows_on_a_page + 1;
  if (!view.user.empty()) {
    auto user = user_asked_for(app, view.user);
    if (!user) {
      view.problem = text_of(user.error());
      return html_reply(422, admin_audit_page(app.viewer_of(who), view));
    }
    question.user = *user;
  }
  auto rows = ask_database<std::vector<audit_row>>(app, question);
  if (!rows)
    return app.error_reply(call.request, rows.error());
  view.rows = std::move(*rows);
  view.more = view.rows.size() > static_cast<size_t>(audit_rows_on_a_page);
  if (view.more)
    view.rows.pop_back();
  return html_reply(200, admin_audit_page(app.viewer_of(who), view));
}

reply show_configuration(application& app, const route_call&, const visitor& who) {
  const auto shown = app.services.in_force ? app.services.in_force->shown() : std::vector<shown_setting>{};
  return html_reply(200, admin_configuration_page(app.viewer_of(who), shown));
}

} // namespace varro
