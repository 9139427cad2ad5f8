#include "http/route_rights.hpp"

#include "http/requests.hpp"

namespace varro {

namespace {

// The visitor, or what the client is told instead.
std::variant<visitor, reply> visitor_for(const application& app, const route_call& call, when_anonymous otherwise) {
  auto who = app.who(call.request);
  if (!who)
    return app.error_reply(call.request, who.error());
  if (*who)
    return std::move(**who);
  if (otherwise == when_anonymous::login_page && !call.request.has_header("hx-request"))
    return see_other("/login");
  return app.error_reply(call.request, 403, "Nobody is logged in. Log in and try again.");
}

reply run(application& app, const open_route& action, const route_call& call) {
  return action.answer(app, call);
}

reply run(application& app, const user_route& action, const route_call& call) {
  auto who = visitor_for(app, call, action.otherwise);
  if (auto* refused = std::get_if<reply>(&who))
    return std::move(*refused);
  return action.answer(app, call, std::get<visitor>(who));
}

// A JSON body brings no field `csrf`: its token can only be in X-CSRF-Token.
reply run(application& app, const change_route& action, const route_call& call) {
  auto who = visitor_for(app, call, when_anonymous::forbid);
  if (auto* refused = std::get_if<reply>(&who))
    return std::move(*refused);
  const bool is_json = is_json_request(call.request);
  auto fields = is_json ? caf::expected<form>{form{}} : parse_form(call.request);
  if (!fields)
    return app.error_reply(call.request, 400, text_of(fields.error()));
  if (!app.csrf_matches(call.request, std::get<visitor>(who), fields->get("csrf")))
    return app.error_reply(call.request, 403, "This form is out of date. Reload the page and try again.");
  return action.answer(app, call, std::get<visitor>(who), *fields);
}

} // namespace

route_handler handler_of(application& app, const route_action& action) {
  return std::visit(
    [&app](const auto& one) -> route_handler {
      return [&app, one](const route_call& call) { return run(app, one, call); };
    },
    action);
}

} // namespace varro
