// Logins at a provider of OpenID Connect, --auth oidc.
#include "base/clock.hpp"
#include "base/log.hpp"
#include "http/anonymous_forms.hpp"
#include "http/guard.hpp"
#include "http/route.hpp"
#include "http/routes.hpp"

namespace varro {

namespace {

constexpr auto no_provider = "This server has no login at a provider.";
constexpr auto unreachable
  = "The login provider cannot be asked at this moment. Try again; if it stays so, tell whoever looks after this "
    "server.";
constexpr auto throttled = "Too many attempts. Wait a few minutes and try again.";

std::string way_back(const application& app) {
  return app.address + "/login/oidc/callback";
}

void forget_flow(const application& app, const received_request& request, reply& answer) {
  answer.headers.emplace_back("Set-Cookie", cookie_field(oidc_flow_cookie, "", 0, with_secure_cookies(app, request)));
}

// What somebody is told for whom nobody could ask the provider; why goes to the log.
reply unasked(const application& app, const route_call& call, const caf::error& error) {
  log(log_level::warning, "a login fails: " + text_of(error));
  return with_retry_after(app.error_reply(call.request, 503, unreachable), busy_retry);
}

// Why nobody comes in, for the audit, and of whom the provider spoke.
struct refusal {
  const char* reason = refusal_reason::provider_distrusted;
  std::string subject = {}; // empty: of nobody, or it is not believed
};

void note_refusal(application& app, const route_call& call, const refusal& why) {
  app.note_refusal({{}, why.reason, 0, app.origin_of(call.request), {app.settings.oidc.issuer, why.subject}});
}

// Nobody comes in by this, and it counts against the address that it came from.
reply refused(application& app, const route_call& call, int status, std::string_view text, const refusal& why = {}) {
  app.oidc->failures.count(call.request.peer, now_us());
  note_refusal(app, call, why);
  auto result = app.error_reply(call.request, status, text);
  forget_flow(app, call.request, result);
  return result;
}

// Answers while the provider may be asked; else tells to come again. `counted`: what this address may have failed at.
// `whose`: one of them at a time.
template <class Answer>
reply in_turn(application& app, const route_call& call, address_throttle oidc_service::* counted,
              std::string_view whose, Answer answer) {
  if (!app.oidc)
    return app.error_reply(call.request, 404, no_provider);
  if (!((*app.oidc).*counted).allowed(call.request.peer, now_us())) {
    if (counted == &oidc_service::failures)
      note_refusal(app, call, {refusal_reason::too_many});
    return with_retry_after(app.error_reply(call.request, 429, throttled), app.settings.auth.attempts_window);
  }
  auto turn = app.oidc->exchanges.enter(hash_session_token(whose));
  if (!turn)
    return with_retry_after(app.error_reply(call.request, 503, passwords_busy), busy_retry);
  return answer(*app.oidc);
}

// The person that the provider's code stands for comes in.
reply enter_by(application& app, const route_call& call, const oidc_flow& flow, const std::string& code) {
  auto about = app.oidc->client.redeem(code, flow, way_back(app));
  if (!about && code_of(about.error()) != errc::unauthorized)
    return unasked(app, call, about.error());
  if (!about) {
    log(log_level::warning, "a login is refused: " + text_of(about.error()));
    return refused(app, call, 403, "The login did not succeed. Try again from the login page.");
  }
  auto login = make_login(app, call.request, 0);
  const auto begun = app.oidc->begin(login.record, *about, app.origin_of(call.request));
  if (begun.refused != nullptr)
    return refused(app, call, 403, text_of(begun.error), {begun.refused, about->subject});
  if (begun.error)
    return app.error_reply(call.request, begun.error);
  auto result = enter_with(app, call.request, login, page_after_login(flow.page));
  forget_flow(app, call.request, result);
  return result;
}

reply backchannel_reply(int status) {
  reply result;
  result.status = status;
  result.content_type = "application/json";
  result.body = status == 200 ? "{}" : R"({"error":"invalid_request"})";
  return result;
}

} // namespace

reply begin_oidc_login(application& app, const route_call& call) {
  auto next = page_after_login(query_value(call.request, "next").value_or(""));
  auto begun = app.oidc ? app.oidc->flows.begin(std::move(next), now_us()) : oidc_flows::begun{};
  return in_turn(app, call, &oidc_service::failures, begun.flow.state, [&](oidc_service& oidc) {
    auto address = oidc.client.login_address(begun.flow, way_back(app));
    if (!address)
      return unasked(app, call, address.error());
    auto result = see_other(std::move(*address));
    auto age_s = std::chrono::seconds{oidc_flow_max}.count();
    result.headers.emplace_back(
      "Set-Cookie", cookie_field(oidc_flow_cookie, begun.cookie, age_s, with_secure_cookies(app, call.request)));
    return result;
  });
}

reply finish_oidc_login(application& app, const route_call& call) {
  if (!app.oidc)
    return app.error_reply(call.request, 404, no_provider);
  const auto state = query_value(call.request, "state").value_or("");
  const auto kept = cookie(call.request, oidc_flow_cookie);
  auto not_begun
    = [&](const caf::error& why) { return app.error_reply(call.request, 403, text_of(why) + " Log in again."); };
  // Whatever stands in an address that others may have made, nobody is asked for it and it counts against nobody; nor
  // does it end the login that this browser may have under way.
  if (auto begun = app.oidc->flows.find(kept, state, now_us()); !begun)
    return not_begun(begun.error());
  return in_turn(app, call, &oidc_service::failures, state, [&](oidc_service& oidc) {
    auto flow = oidc.flows.finish(kept, state, now_us());
    if (!flow)
      return not_begun(flow.error());
    if (auto foreign = oidc.client.check_sender(query_value(call.request, "iss")))
      return code_of(foreign) == errc::unauthorized ? refused(app, call, 403, text_of(foreign))
                                                    : unasked(app, call, foreign);
    if (query_value(call.request, "error"))
      return refused(app, call, 403, "The login was cancelled, or the provider does not let you in.",
                     {refusal_reason::provider_refused});
    auto code = query_value(call.request, "code").value_or("");
    if (code.empty())
      return refused(app, call, 400, "The provider's answer is incomplete. Log in again.");
    return enter_by(app, call, *flow, code);
  });
}

reply end_oidc_sessions(application& app, const route_call& call) {
  auto fields = parse_form(call.request);
  const auto token = fields ? fields->get("logout_token") : std::string{};
  return in_turn(app, call, &oidc_service::order_failures, token, [&](oidc_service& oidc) {
    auto order = oidc.client.logout_order_of(token);
    if (!order && code_of(order.error()) != errc::unauthorized)
      return unasked(app, call, order.error());
    if (!order) {
      log(log_level::warning, "an order to log out is refused: " + text_of(order.error()));
      oidc.order_failures.count(call.request.peer, now_us());
      return backchannel_reply(400);
    }
    const audit_origin provider{0, "", audit_way::server, call.request.peer};
    if (auto failed = oidc.end(*order, provider))
      return app.error_reply(call.request, failed);
    return backchannel_reply(200);
  });
}

} // namespace varro
