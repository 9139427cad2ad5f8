#include "http/anonymous_forms.hpp"

#include "base/clock.hpp"
#include "http/guard.hpp"
#include "storage/limits.hpp"

#include <algorithm>

namespace varro {

namespace {

// Browsers use printable ASCII; whatever else a client sends is not kept.
std::string agent_of(const received_request& request) {
  std::string agent{request.header("user-agent").substr(0, login_agent_bytes_max)};
  std::replace_if(agent.begin(), agent.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return agent;
}

int64_t microseconds(std::chrono::minutes span) {
  return std::chrono::microseconds{span}.count();
}

} // namespace

form_token form_token_of(const received_request& request) {
  std::string csrf{cookie(request, login_csrf_cookie)};
  bool fresh = csrf.size() != 64 || csrf.find_first_not_of("0123456789abcdef") != std::string::npos;
  if (fresh)
    csrf = make_csrf_token();
  return {std::move(csrf), fresh};
}

reply form_reply(const route_call& call, int status, const form_token& token, const html::markup& page) {
  reply result;
  result.status = status;
  result.body = page.str();
  if (token.fresh)
    result.headers.emplace_back("Set-Cookie",
                                cookie_field(login_csrf_cookie, token.csrf, std::nullopt, over_https(call.request)));
  return result;
}

bool form_token_matches(const route_call& call, const form& fields) {
  auto expected = cookie(call.request, login_csrf_cookie);
  if (expected.empty())
    return !call.request.has_header("origin") && !call.request.has_header("sec-fetch-site");
  auto given = call.request.has_header("x-csrf-token") ? call.request.header("x-csrf-token")
                                                       : std::string_view{fields.get("csrf")};
  return equal_in_constant_time(given, expected);
}

reply with_retry_after(reply from, std::chrono::seconds wait) {
  from.headers.emplace_back("Retry-After", std::to_string(wait.count()));
  return from;
}

new_login make_login(const application& app, const received_request& request, int64_t user_id) {
  const auto& limits = app.settings.auth;
  auto token = make_session_token();
  auto now = now_us();
  auto ends = now + microseconds(limits.session_max);
  return {token.token,
          {token.hash, user_id, make_csrf_token(), now, std::min(ends, now + microseconds(limits.session_idle)), now,
           ends, request.peer, agent_of(request)}};
}

bool with_secure_cookies(const application& app, const received_request& request) {
  // The way back from a provider is a navigation, which has no Origin.
  return over_https(request) || (app.oidc != nullptr && app.address.starts_with("https://"));
}

reply enter_with(application& app, const received_request& request, const new_login& login, std::string page) {
  if (auto former = cookie(request, session_cookie); !former.empty() && former.size() <= session_token_bytes_max) {
    auto hash = hash_session_token(former);
    if (auto done = app.ask<done_atom>(app.services.store, logout_atom_v, hash, app.origin_of(request)); !done)
      return app.error_reply(request, done.error());
    caf::anon_send(app.services.gateway, logout_atom_v, hash);
  }
  auto secure = with_secure_cookies(app, request);
  auto age_s = std::chrono::seconds{app.settings.auth.session_max}.count();
  auto result = see_other(std::move(page));
  result.headers.emplace_back("Set-Cookie", cookie_field(session_cookie, login.token, age_s, secure));
  result.headers.emplace_back("Set-Cookie", cookie_field(login_csrf_cookie, "", 0, secure));
  return result;
}

} // namespace varro
