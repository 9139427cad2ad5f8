#include "http/route_rights.hpp"

#include "base/log.hpp"
#include "http/bearer.hpp"
#include "http/requests.hpp"

#include <algorithm>

namespace varro {

namespace {

// That of the login, which remembers the page that was asked for.
std::string address_of_login(const received_request& request) {
  auto page = page_after_login(request.path());
  return page == "/" ? "/login" : "/login?next=" + page;
}

// The visitor, or what the client is told instead.
std::variant<visitor, reply> find_visitor(application& app, const route_call& call, route_scope scope,
                                          when_anonymous otherwise) {
  if (has_bearer(call.request))
    return visitor_by_token(app, call.request, scope);
  auto who = app.who(call.request);
  if (!who)
    return app.error_reply(call.request, who.error());
  if (*who)
    return std::move(**who);
  if (otherwise == when_anonymous::login_page && !call.request.has_header("hx-request"))
    return see_other(address_of_login(call.request));
  if (otherwise == when_anonymous::challenge) {
    auto refused = app.error_reply(call.request, 401, "Say who you are: send a token (Authorization: Bearer).");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"varro\"");
    return refused;
  }
  return app.error_reply(call.request, 403, "Nobody is logged in. Log in and try again.");
}

// Anybody could claim to be part of a trace, or of many: only a trusted proxy is believed, and only a single field.
std::optional<trace_parent> parent_of(const received_request& request) {
  if (!request.by_proxy)
    return std::nullopt;
  constexpr std::string_view name = "traceparent";
  const auto is_field = [&](const header_field& field) { return field.name == name; };
  return std::ranges::count_if(request.headers, is_field) == 1 ? parse_traceparent(request.header(name)) : std::nullopt;
}

// And the log is told who asks.
std::variant<visitor, reply> visitor_for(application& app, const route_call& call, route_scope scope,
                                         when_anonymous otherwise) {
  auto found = find_visitor(app, call, scope, otherwise);
  if (auto* who = std::get_if<visitor>(&found)) {
    log_scope::note_user(who->user.id);
    who->origin = turn_origin{call.request.received_at, parent_of(call.request)};
  }
  return found;
}

// Who may not use what is for admins only.
bool is_kept_out(bool for_admins, const visitor& who) {
  return for_admins && who.user.role != user_role::admin;
}

reply no_page(const application& app, const route_call& call) {
  return app.error_reply(call.request, 404, "There is no such page.");
}

reply run(application& app, const open_route& action, const route_call& call, route_scope) {
  return action.answer(app, call);
}

reply run(application& app, const user_route& action, const route_call& call, route_scope scope) {
  auto who = visitor_for(app, call, scope, action.otherwise);
  if (auto* refused = std::get_if<reply>(&who))
    return std::move(*refused);
  if (is_kept_out(action.for_admins, std::get<visitor>(who)))
    return no_page(app, call);
  return action.answer(app, call, std::get<visitor>(who));
}

// A JSON body brings no field `csrf`: its token can only be in X-CSRF-Token.
reply run(application& app, const change_route& action, const route_call& call, route_scope scope) {
  auto found = visitor_for(app, call, scope, when_anonymous::forbid);
  if (auto* refused = std::get_if<reply>(&found))
    return std::move(*refused);
  const auto& who = std::get<visitor>(found);
  const bool is_json = is_json_request(call.request);
  auto fields = is_json ? caf::expected<form>{form{}} : parse_form(call.request);
  if (!fields)
    return app.error_reply(call.request, 400, text_of(fields.error()));
  if (!who.by_token && !app.csrf_matches(call.request, who, fields->get("csrf")))
    return app.error_reply(call.request, 403, "This form is out of date. Reload the page and try again.");
  if (is_kept_out(action.for_admins, who))
    return no_page(app, call);
  return action.answer(app, call, who, *fields);
}

// How one came decides whether a token of a form is needed: who has a cookie may be led here by another page.
reply run(application& app, const api_route& action, const route_call& call, route_scope scope) {
  auto found = visitor_for(app, call, scope, when_anonymous::challenge);
  if (auto* refused = std::get_if<reply>(&found))
    return std::move(*refused);
  const auto& who = std::get<visitor>(found);
  if (action.changes && !who.by_token && !app.csrf_matches(call.request, who, {}))
    return app.error_reply(
      call.request, 403, "A browser session changes something only with its own X-CSRF-Token, which /api/v1/me tells.");
  if (is_kept_out(action.for_admins, who))
    return no_page(app, call);
  return action.answer(app, call, who);
}

} // namespace

route_handler handler_of(application& app, const route& row) {
  return std::visit(
    [&app, scope = row.scope.value](const auto& one) -> route_handler {
      return [&app, one, scope](const route_call& call) {
        for (const auto& [name, value] : call.segments)
          if (name == "chat")
            log_scope::note_chat(parse_number(value).value_or(0));
        return run(app, one, call, scope);
      };
    },
    row.action);
}

} // namespace varro
