// What programs of admins may know of the server, and stop. People are in people.cpp.
#include "base/clock.hpp"
#include "base/day.hpp"
#include "http/admin_parts.hpp"
#include "http/api/answers.hpp"
#include "http/api/handlers.hpp"
#include "storage/limits.hpp"

namespace varro::api {

namespace {

json json_of(const usage_sum& sum) {
  const auto& tokens = sum.tokens;
  return {{"key", sum.key},
          {"requests", sum.requests},
          {"estimated_requests", sum.estimated},
          {"unpriced_requests", sum.unpriced},
          {"input_tokens", tokens.input},
          {"cache_read_tokens", tokens.cache_read},
          {"cache_write_tokens", tokens.cache_write_5m + tokens.cache_write_1h},
          {"output_tokens", tokens.output},
          {"cost_nano", sum.cost_nano},
          {"currency", sum.currency},
          {"cells", sum.cells},
          {"processor_us", sum.processor_us}};
}

json json_of(const audit_row& row) {
  return {{"id", row.id},
          {"at", row.at},
          {"actor", actor_of(row)},
          {"way", row.way},
          {"action", row.action},
          {"subject", subject_of(row)},
          {"address", row.address.text.value_or("")},
          {"details", parse_json(row.details).value_or(json::object())},
          {"hash", row.hash}};
}

std::string name_of(const std::map<int64_t, std::string>& names, int64_t user) {
  const auto found = names.find(user);
  return found == names.end() ? "user " + std::to_string(user) : found->second;
}

} // namespace

reply show_live(application& app, const route_call& call, const visitor& who) {
  if (auto refused = note_read(app, call, who, "/api/v1/admin/live"))
    return app.error_reply(call.request, refused);
  const auto view = what_is_live(app);
  auto runs = json::array(), shells = json::array();
  for (const auto& run : view.runs)
    runs.push_back({{"user", run.user},
                    {"name", name_of(view.names, run.user)},
                    {"chat", run.chat},
                    {"model", run.model},
                    {"since", run.since}});
  for (const auto& shell : view.shells)
    shells.push_back({{"user", shell.user},
                      {"name", name_of(view.names, shell.user)},
                      {"chat", shell.chat},
                      {"state", shell.state},
                      {"idle_seconds", shell.idle_s},
                      {"files_bytes", shell.files_bytes}});
  return json_reply(200, {{"at", view.now}, {"runs", std::move(runs)}, {"shells", std::move(shells)}});
}

reply list_failures(application& app, const route_call& call, const visitor&) {
  const auto now = now_us();
  auto found = ask_database<std::vector<failure_count>>(app, failures_question{now - day_us});
  if (!found)
    return app.error_reply(call.request, found.error());
  auto failures = json::array(), answers = json::array();
  for (const auto& each : *found) {
    json value{{"kind", each.kind}, {"outcome", each.outcome}, {"count", each.count}, {"newest_at", each.newest}};
    if (!each.provider.empty())
      value["provider"] = each.provider;
    if (!each.model.empty())
      value["model"] = each.model;
    failures.push_back(std::move(value));
  }
  for (size_t status = 500; status < app.counts.by_status.size(); ++status)
    if (const auto count = app.counts.by_status[status].load(); count > 0)
      answers.push_back({{"status", status}, {"count", count}});
  return json_reply(200, {{"at", now}, {"failures", std::move(failures)}, {"server_answers", std::move(answers)}});
}

// The page's form with the same fields decides.
reply stop_work(application& app, const route_call& call, const visitor& who) {
  auto body = json_body(app, call.request);
  if (const auto* refused = std::get_if<refused_request>(&body))
    return refused_reply(app, call, *refused);
  const auto& fields = std::get<json>(body);
  form asked;
  for (const auto* name : {"what", "user", "chat"})
    if (const auto found = fields.find(name); found != fields.end() && !found->is_null())
      asked.fields.emplace_back(name, found->is_string() ? found->get<std::string>() : dump_json(*found));
  auto answer = varro::stop_work(app, call, who, asked);
  return answer.status == 303 ? empty_reply(204) : std::move(answer);
}

reply sum_usage(application& app, const route_call& call, const visitor& who) {
  if (const auto wrong = wrong_filter(call.request, {"by", "since", "until"}); !wrong.empty())
    return app.error_reply(call.request, 422, wrong);
  auto asked = usage_of(call.request);
  if (const auto by = filter_of(call.request, "by"); !by.empty() && by != asked.by)
    return app.error_reply(call.request, 422, "?by= is day, user or model.");
  if (!asked.problem.empty())
    return app.error_reply(call.request, 422, asked.problem);
  if (auto refused = note_read(app, call, who, "/api/v1/admin/usage"))
    return app.error_reply(call.request, refused);
  asked.question.rows_max = usage_rows_shown_max + 1;
  auto sums = ask_database<std::vector<usage_sum>>(app, asked.question);
  if (!sums)
    return app.error_reply(call.request, sums.error());
  const bool complete = sums->size() <= static_cast<size_t>(usage_rows_shown_max);
  if (!complete)
    sums->resize(static_cast<size_t>(usage_rows_shown_max));
  auto list = json::array();
  for (const auto& sum : *sums)
    list.push_back(json_of(sum));
  return json_reply(200,
                    {{"by", asked.by},
                     {"since", asked.since},
                     {"until", asked.until},
                     {"sums", std::move(list)},
                     {"complete", complete}});
}

reply list_audit(application& app, const route_call& call, const visitor& who) {
  if (const auto wrong = wrong_filter(call.request, {"user", "action"}); !wrong.empty())
    return app.error_reply(call.request, 422, wrong);
  const auto asked = page_of(call.request);
  if (const auto* refused = std::get_if<refused_request>(&asked))
    return refused_reply(app, call, *refused);
  const auto& [limit, after] = std::get<asked_page>(asked);
  const auto before = after.empty() ? std::optional<int64_t>{0} : parse_number(after);
  if (!before)
    return app.error_reply(call.request, 422, no_such_place);
  if (auto refused = note_read(app, call, who, "/api/v1/admin/audit"))
    return app.error_reply(call.request, refused);
  audit_question question;
  question.action = filter_of(call.request, "action");
  question.before = *before;
  question.limit = static_cast<int>(limit) + 1;
  if (const auto name = filter_of(call.request, "user"); !name.empty()) {
    auto user = user_asked_for(app, name);
    if (!user)
      return app.error_reply(call.request, 422, text_of(user.error()));
    question.user = *user;
  }
  auto rows = ask_database<std::vector<audit_row>>(app, question);
  if (!rows)
    return app.error_reply(call.request, rows.error());
  const bool more = rows->size() > static_cast<size_t>(limit);
  if (more)
    rows->pop_back();
  auto list = json::array();
  for (const auto& row : *rows)
    list.push_back(json_of(row));
  json value{{"rows", std::move(list)}};
  if (more)
    value["next"] = to_cursor(std::to_string(rows->back().id));
  return json_reply(200, value);
}

} // namespace varro::api
