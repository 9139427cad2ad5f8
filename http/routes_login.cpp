// Login and logout of --auth accounts.
#include "base/clock.hpp"
#include "http/guard.hpp"
#include "http/routes.hpp"

#include <caf/detail/scope_guard.hpp>

namespace varro {

namespace {

constexpr auto wrong = "The name or the password is wrong.";

// The page carries a token twice, in a cookie and in the form: a foreign page can send neither (double submit).
reply login_form(const route_call& call, int status, std::string_view message) {
  std::string csrf{cookie(call.request, login_csrf_cookie)};
  bool fresh = csrf.size() != 64 || csrf.find_first_not_of("0123456789abcdef") != std::string::npos;
  if (fresh)
    csrf = make_csrf_token();
  reply result;
  result.status = status;
  result.body = login_page({"", true, csrf}, message).str();
  if (fresh)
    result.headers.emplace_back("Set-Cookie",
                                cookie_field(login_csrf_cookie, csrf, std::nullopt, over_https(call.request)));
  return result;
}

// A browser that saw the form has the cookie. Clients that are no browsers send neither cookie nor Origin and cannot be
// led here by a foreign page; what a browser sends from elsewhere the guard has refused already.
bool login_csrf_matches(const route_call& call, const form& fields) {
  auto expected = cookie(call.request, login_csrf_cookie);
  if (expected.empty())
    return !call.request.has_header("origin") && !call.request.has_header("sec-fetch-site");
  auto given = call.request.has_header("x-csrf-token") ? call.request.header("x-csrf-token")
                                                       : std::string_view{fields.get("csrf")};
  return equal_in_constant_time(given, expected);
}

// The user, if name and password are right. Unknown and disabled names take as long as wrong passwords.
std::optional<user_record> verified_user(application& app, const std::string& name, const std::string& password) {
  bool usable = !name.empty() && password.size() <= app.settings.auth.password_bytes_max;
  auto user = app.ask<user_record>(app.services.reader, user_atom_v, name);
  if (usable && user && !user->disabled && !user->password_hash.empty())
    return verify_password(user->password_hash, password) ? std::optional{std::move(*user)} : std::nullopt;
  verify_nothing(usable ? password : std::string{});
  return std::nullopt;
}

reply open_session(application& app, const route_call& call, const user_record& user) {
  auto token = make_session_token();
  auto age_s = std::chrono::duration_cast<std::chrono::seconds>(app.settings.auth.session_max).count();
  login_record login{token.hash, user.id, make_csrf_token(), now_us(), now_us() + age_s * 1'000'000};
  auto stored = app.ask<done_atom>(app.services.store, login_atom_v, login);
  if (!stored)
    return app.error_reply(call.request, stored.error());
  auto secure = over_https(call.request);
  auto result = see_other("/");
  result.headers.emplace_back("Set-Cookie", cookie_field(session_cookie, token.token, age_s, secure));
  result.headers.emplace_back("Set-Cookie", cookie_field(login_csrf_cookie, "", 0, secure));
  return result;
}

} // namespace

reply show_login(application& app, const route_call& call) {
  if (!app.with_accounts())
    return see_other("/");
  auto who = app.who(call.request);
  if (who && *who)
    return see_other("/");
  return login_form(call, 200, "");
}

reply log_in(application& app, const route_call& call) {
  if (!app.with_accounts())
    return app.error_reply(call.request, 404, "This server has no accounts.");
  auto fields = parse_form(call.request);
  if (!fields)
    return app.error_reply(call.request, 400, text_of(fields.error()));
  if (!login_csrf_matches(call, *fields))
    return login_form(call, 403, "This form was out of date. Try again.");
  const auto& password = fields->get("password");
  auto name = normalised_user_name(fields->get("username"));
  auto throttled = name ? *name : std::string{};
  if (!app.throttle.allowed(throttled, call.request.peer, now_us()))
    return login_form(call, 429, "Too many attempts. Wait a few minutes and try again.");
  if (!app.logins.enter())
    return login_form(call, 503, "Too many people log in at this moment. Try again.");
  auto leave = caf::detail::make_scope_guard([&] { app.logins.leave(); });
  auto user = verified_user(app, throttled, password);
  if (!user) {
    app.throttle.failed(throttled, call.request.peer, now_us());
    return login_form(call, 401, wrong);
  }
  app.throttle.succeeded(throttled);
  return open_session(app, call, *user);
}

reply log_out(application& app, const route_call& call, const visitor& who, const form&) {
  if (app.with_accounts()) {
    auto done = app.ask<done_atom>(app.services.store, logout_atom_v, who.token_hash);
    if (!done)
      return app.error_reply(call.request, done.error());
    caf::anon_send(app.services.gateway, logout_atom_v, who.token_hash);
  }
  auto result = see_other(app.with_accounts() ? "/login" : "/");
  result.headers.emplace_back("Set-Cookie", cookie_field(session_cookie, "", 0, over_https(call.request)));
  return result;
}

} // namespace varro
