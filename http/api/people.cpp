// People as programs of admins see and change them, links for accounts, and limits. What it does is in the audit as
// what the pages do.
//
// A token may take rights away and give back what was there. What makes a further way in or another admin, and what
// cannot be undone, is for browser sessions: so that whoever finds a token cannot outlive its end (routes.hpp).
#include "accounts/limit_command.hpp"
#include "base/clock.hpp"
#include "http/admin_parts.hpp"
#include "http/anonymous_forms.hpp"
#include "http/api/answers.hpp"
#include "http/api/handlers.hpp"
#include "http/person_changes.hpp"
#include "storage/limits.hpp"

#include <algorithm>

namespace varro::api {

namespace {

constexpr size_t who_bytes_max = 200; // of the name of a user or group, as in the configuration

json json_of(const person& one) {
  json value{{"name", one.user.name},
             {"role", one.user.role},
             {"disabled", one.user.disabled},
             {"created_at", one.user.created_at},
             {"chats", one.chats}};
  if (one.last_seen != 0)
    value["last_seen_at"] = one.last_seen;
  value["month"] = {{"requests", one.month.requests},
                    {"tokens", one.month.tokens},
                    {"cost_nano", one.month.cost_nano},
                    {"currency", one.month.currency}};
  auto groups = json::array();
  for (const auto& each : one.groups)
    groups.push_back(each.group);
  value["groups"] = std::move(groups);
  return value;
}

json json_of(const link_found& found) {
  json value{{"id", found.link.token_hash},
             {"purpose", found.link.purpose},
             {"created_at", found.link.created_at},
             {"expires_at", found.link.expires_at}};
  if (found.link.user_id != 0)
    value["user"] = found.user_name;
  else
    value["role"] = found.link.role;
  return value;
}

json json_of(const limit_row& row) {
  json value{{"subject", row.subject}, {"name", row.name}, {"value", row.value}};
  if (!row.who.empty())
    value["who"] = row.who;
  return value;
}

// The user whom the path names.
caf::expected<user_record> user_of(const application& app, const route_call& call) {
  return user_named(app, call.segment("name"));
}

reply done_or_refused(const application& app, const route_call& call, const std::optional<refused_request>& refused,
                      int status) {
  return refused ? refused_reply(app, call, *refused) : empty_reply(status);
}

// Of a server with people whom somebody lets in; `passwords`: with passwords of its own.
std::optional<reply> refused_without(const application& app, const route_call& call, bool passwords) {
  if (passwords ? app.with_accounts() : app.with_users())
    return std::nullopt;
  return app.error_reply(call.request, 404, no_accounts);
}

reply change(application& app, const route_call& call, const visitor& who, std::string_view word) {
  if (auto refused = refused_without(app, call, false))
    return std::move(*refused);
  auto user = user_of(app, call);
  if (!user)
    return app.error_reply(call.request, user.error());
  return done_or_refused(app, call, change_user_as(app, call.request, who, *user, word), 204);
}

reply link_made_reply(const application& app, const route_call& call, const or_refused<link_address>& made) {
  if (const auto* refused = std::get_if<refused_request>(&made))
    return refused_reply(app, call, *refused);
  const auto& [url, link, lasts] = std::get<link_address>(made);
  auto value = json_of(link_found{link, {}});
  value.erase("user");
  value["url"] = url;
  auto result = json_reply(201, value);
  result.headers.emplace_back("Location", "/api/v1/admin/links/" + link.token_hash);
  return result;
}

// A limit as it was sent. An empty value is one, as any other: an empty list of models means all.
struct sent_limit {
  limit_row row{"", "", "", ""};
  bool taken_back = false; // it came without a value
};
or_refused<sent_limit> limit_in(const json& body) {
  sent_limit sent;
  auto& row = sent.row;
  auto text = [&](const char* name, std::string& to) {
    const auto found = body.find(name);
    if (found == body.end() || found->is_null())
      return true;
    if (found->is_string())
      to = found->get<std::string>();
    return found->is_string();
  };
  if (!text("subject", row.subject) || !text("who", row.who) || !text("name", row.name) || !text("value", row.value))
    return refused_request{422, "The fields of a limit are texts."};
  const bool of_somebody = row.subject == limit_subject::user || row.subject == limit_subject::group;
  if (!of_somebody && row.subject != limit_subject::everybody)
    return refused_request{422, "The \"subject\" of a limit is \"user\", \"group\" or \"everybody\"."};
  if (of_somebody == row.who.empty() || row.who.size() > who_bytes_max)
    return refused_request{422, "\"who\" is the name of the user or group, and left out for everybody."};
  const auto value = body.find("value");
  sent.taken_back = value == body.end() || value->is_null();
  return sent;
}

} // namespace

reply list_people(application& app, const route_call& call, const visitor& who) {
  if (const auto wrong = wrong_filter(call.request, {"q"}); !wrong.empty())
    return app.error_reply(call.request, 422, wrong);
  const auto asked = page_of(call.request);
  if (const auto* refused = std::get_if<refused_request>(&asked))
    return refused_reply(app, call, *refused);
  const auto& [limit, after] = std::get<asked_page>(asked);
  if (auto refused = note_read(app, call, who, "/api/v1/admin/people"))
    return app.error_reply(call.request, refused);
  auto page = ask_database<people_page>(app,
                                        people_question{filter_of(call.request, "q"), after,
                                                        std::min(static_cast<int>(limit), admin_people_max),
                                                        month_start(now_us()), true});
  if (!page)
    return app.error_reply(call.request, page.error());
  auto people = json::array();
  for (const auto& each : page->people)
    people.push_back(json_of(each));
  json value{{"people", std::move(people)}};
  if (page->more && !page->people.empty())
    value["next"] = to_cursor(page->people.back().user.name);
  return json_reply(200, value);
}

reply show_person(application& app, const route_call& call, const visitor& who) {
  auto user = user_of(app, call);
  if (!user)
    return app.error_reply(call.request, user.error());
  if (auto refused = note_read(app, call, who, "/api/v1/admin/people", {user->id, user->name}))
    return app.error_reply(call.request, refused);
  auto page = ask_database<people_page>(app, people_question{{}, {}, 1, month_start(now_us()), true, user->id});
  if (!page)
    return app.error_reply(call.request, page.error());
  if (page->people.empty()) // erased in this moment
    return app.error_reply(call.request, 404, "There is nobody of this name.");
  const auto notes = notes_on(app, page->people);
  const auto& note = notes.at(user->id);
  auto value = json_of(page->people.front());
  value["can_log_in"] = !user->disabled && !note.outside;
  if (!note.role_by.empty())
    value["role_by"] = note.role_by;
  auto limits = json::array();
  for (const auto& limit : note.limits)
    limits.push_back({{"name", limit.name}, {"value", limit.value}, {"from", limit.from}});
  value["limits"] = std::move(limits);
  return json_reply(200, value);
}

reply change_person(application& app, const route_call& call, const visitor& who) {
  return change(app, call, who, call.segment("action"));
}

reply make_admin(application& app, const route_call& call, const visitor& who) {
  return change(app, call, who, "make-admin");
}

reply erase_person(application& app, const route_call& call, const visitor& who) {
  if (auto refused = refused_without(app, call, false))
    return std::move(*refused);
  auto user = user_of(app, call);
  if (!user)
    return app.error_reply(call.request, user.error());
  return done_or_refused(app, call, erase_user_as(app, call.request, who, *user), 202);
}

reply make_reset(application& app, const route_call& call, const visitor& who) {
  if (auto refused = refused_without(app, call, true))
    return std::move(*refused);
  auto user = user_of(app, call);
  if (!user)
    return app.error_reply(call.request, user.error());
  return link_made_reply(app, call, make_reset_link(app, call.request, who, *user));
}

reply list_links(application& app, const route_call& call, const visitor&) {
  if (auto refused = refused_without(app, call, true))
    return std::move(*refused);
  auto found = ask_database<std::vector<link_found>>(app, links_question{now_us()});
  if (!found)
    return app.error_reply(call.request, found.error());
  auto links = json::array();
  for (const auto& each : *found)
    links.push_back(json_of(each));
  return json_reply(200, {{"links", std::move(links)}});
}

reply make_invitation(application& app, const route_call& call, const visitor& who) {
  if (auto refused = refused_without(app, call, true))
    return std::move(*refused);
  auto body = json_body(app, call.request);
  if (const auto* refused = std::get_if<refused_request>(&body))
    return refused_reply(app, call, *refused);
  const auto& fields = std::get<json>(body);
  const auto role = fields.find("role");
  if (role != fields.end() && !role->is_string())
    return app.error_reply(call.request, 422, "The field \"role\" is a text.");
  return link_made_reply(
    app, call,
    make_invitation_link(app, call.request, who,
                         role == fields.end() ? std::string{user_role::user} : role->get<std::string>()));
}

reply drop_link(application& app, const route_call& call, const visitor& who) {
  if (auto refused = refused_without(app, call, true))
    return std::move(*refused);
  return done_or_refused(app, call, revoke_link(app, call.request, who, call.segment("id")), 204);
}

reply list_limits(application& app, const route_call& call, const visitor& who) {
  if (auto refused = note_read(app, call, who, "/api/v1/admin/limits"))
    return app.error_reply(call.request, refused);
  auto rows = ask_database<std::vector<limit_row>>(app, limits_question{});
  if (!rows)
    return app.error_reply(call.request, rows.error());
  auto limits = json::array();
  for (const auto& row : *rows)
    limits.push_back(json_of(row));
  return json_reply(200, {{"limits", std::move(limits)}});
}

reply change_limit(application& app, const route_call& call, const visitor& who) {
  auto body = json_body(app, call.request);
  if (const auto* refused = std::get_if<refused_request>(&body))
    return refused_reply(app, call, *refused);
  auto read = limit_in(std::get<json>(body));
  if (const auto* refused = std::get_if<refused_request>(&read))
    return refused_reply(app, call, *refused);
  auto& [row, taken_back] = std::get<sent_limit>(read);
  if (row.subject == limit_subject::user) {
    auto user = user_named(app, row.who);
    if (!user)
      return app.error_reply(call.request, user.error());
    row.who = user->name;
  }
  const auto by = app.origin_of(call.request, who);
  account_write write = limit_removed{row, by};
  if (!taken_back) {
    if (auto wrong = check_limit(row))
      return app.error_reply(call.request, 422, text_of(wrong));
    write = limit_written{row, by};
  }
  auto done = app.ask<done_atom>(app.services.store, user_atom_v, write);
  return done ? empty_reply(204) : app.error_reply(call.request, done.error());
}

} // namespace varro::api
