#include "http/admin_parts.hpp"

#include "actors/allowances.hpp"
#include "actors/live_runs.hpp"
#include "actors/live_shell.hpp"
#include "base/clock.hpp"
#include "base/day.hpp"

#include <chrono>

namespace varro {

namespace {

// The groups of a person, each once.
std::vector<std::string> group_names(const person& one) {
  std::vector<std::string> names;
  for (const auto& each : one.groups)
    if (names.empty() || names.back() != each.group) // they are in order
      names.push_back(each.group);
  return names;
}

} // namespace

reply html_reply(int status, const html::markup& page) {
  reply result;
  result.status = status;
  result.body = page.str();
  return result;
}

caf::error note_read(application& app, const route_call& call, const visitor& who, const std::string& what,
                     const audit_person& about) {
  const auto now = now_us();
  const auto page = about.id == 0 ? what : what + " " + std::to_string(about.id);
  if (!app.reads.is_new(who.user.id, page, now))
    return caf::none;
  const account_write noted = audit_noted{{audit_action::admin_read, about, what}, app.origin_of(call.request, who)};
  if (auto done = app.ask<done_atom>(app.services.store, user_atom_v, noted); !done)
    return std::move(done.error());
  app.reads.told(who.user.id, page, now);
  return caf::none;
}

unix_us month_start(unix_us now) {
  using namespace std::chrono;
  const year_month_day today{floor<days>(sys_time<microseconds>{microseconds{now}})};
  const sys_days first{today.year() / today.month() / 1};
  return duration_cast<microseconds>(first.time_since_epoch()).count();
}

caf::expected<std::vector<erasure_shown>> erasures_of_late(const application& app) {
  return ask_database<std::vector<erasure_shown>>(app, erasures_question{now_us() - day_us});
}

std::string role_key_of(const application& app, const user_record& user) {
  const auto& settings = app.settings;
  if (user.issuer.empty() || user.issuer != app.logins_by.issuer)
    return {};
  if (settings.auth.mode == auth_mode::proxy && !settings.proxy.claims.admin_values.empty())
    return "proxy.admin_values";
  if (settings.auth.mode == auth_mode::oidc && !settings.oidc.claims.admin_values.empty())
    return "oidc.admin_values";
  return {};
}

std::map<int64_t, person_note> notes_on(const application& app, const std::vector<person>& people) {
  std::map<int64_t, person_note> notes;
  const auto settings = app.settings_now();
  for (const auto& each : people) {
    auto& note = notes[each.user.id];
    if (auto written = written_in(each.limits))
      note.limits = limit_origins(settings->limits, *written, group_names(each));
    else // which must not hide the page by which somebody can be disabled
      note.limits = {{"limits", "cannot be read", text_of(written.error())}};
    note.outside = app.with_users() && !each.user.disabled && !can_log_in(each.user, app.logins_by);
    note.role_by = role_key_of(app, each.user);
  }
  return notes;
}

void stop_work_of(const application& app, int64_t user) {
  if (app.services.live)
    for (const auto& run : app.services.live->list())
      if (run.user == user)
        std::ignore = app.ask_chat<done_atom>(user, run.chat, cancel_atom_v); // one that is over by now is no error
  auto shells = app.ask<live_shells>(app.services.shells, list_atom_v);
  if (!shells || !*shells)
    return;
  for (const auto& shell : **shells)
    if (shell.user == user)
      caf::anon_send(app.services.shells, close_atom_v, shell.chat);
}

caf::expected<user_record> user_named(const application& app, std::string_view typed) {
  auto name = normalised_user_name(typed);
  if (!name)
    return std::move(name.error());
  return app.ask<user_record>(app.services.reader, user_atom_v, *name);
}

caf::expected<std::map<int64_t, std::string>> names_of(const application& app, std::vector<int64_t> ids) {
  return ask_database<std::map<int64_t, std::string>>(app, names_question{std::move(ids)});
}

} // namespace varro
