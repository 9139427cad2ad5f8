// Login and logout of --auth accounts.
#include "base/clock.hpp"
#include "http/anonymous_forms.hpp"
#include "http/guard.hpp"
#include "http/route.hpp"
#include "http/routes.hpp"
#include "render/account_pages.hpp"

namespace varro {

namespace {

constexpr auto wrong = "The name or the password is wrong.";

reply login_form(const application& app, const route_call& call, int status, std::string_view message,
                 const std::string& next) {
  auto token = form_token_of(call.request);
  return form_reply(call, status, token,
                    login_page({"", true, token.csrf}, message, app.settings.auth.sign_up == "open", next));
}

// Unknown and disabled names take as long as wrong passwords. `user`: whom the name belongs to.
bool is_right(const application& app, const caf::expected<user_record>& user, const std::string& password) {
  bool usable = password.size() <= app.settings.auth.password_bytes_max;
  if (usable && user && !user->disabled && !user->password_hash.empty())
    return verify_password(user->password_hash, password);
  verify_nothing(usable ? password : std::string{});
  return false;
}

// A password may be changed, or a user disabled, between the look at it and the commit of the session. The change ends
// the sessions that are there; one that comes after it is seen here, before anybody has its token.
bool is_still_right(const application& app, const user_record& user) {
  auto now = app.ask<user_record>(app.services.reader, user_atom_v, user.name);
  return now && !now->disabled && now->password_hash == user.password_hash;
}

void note_refusal(application& app, const route_call& call, const caf::expected<user_record>& user,
                  const char* reason) {
  app.note_refusal(
    {user ? audit_person{user->id, user->name} : audit_person{}, reason, 0, app.origin_of(call.request)});
}

const char* reason_of(const caf::expected<user_record>& user) {
  if (!user)
    return refusal_reason::unknown_name;
  return user->disabled ? refusal_reason::disabled : refusal_reason::wrong_password;
}

// The browser goes on to the provider by itself. Not by a redirect: the answer to a form may lead to our own pages only
// (form-action of the pages' Content-Security-Policy).
reply to_provider(const std::string& address) {
  reply result;
  result.body = provider_logout_page({"", true, ""}, address).str();
  result.headers.emplace_back("Refresh", "0; url=" + address);
  return result;
}

} // namespace

reply show_login(application& app, const route_call& call) {
  if (!app.with_sessions())
    return see_other("/");
  auto next = page_after_login(query_value(call.request, "next").value_or(""));
  auto who = app.who(call.request);
  if (who && *who)
    return see_other(std::move(next));
  if (app.oidc) {
    reply result;
    result.body = provider_login_page({"", true, ""}, app.settings.oidc.label, next).str();
    return result;
  }
  return login_form(app, call, 200, "", next);
}

reply log_in(application& app, const route_call& call) {
  if (!app.with_accounts())
    return app.error_reply(call.request, 404, no_accounts);
  auto fields = parse_form(call.request);
  if (!fields)
    return app.error_reply(call.request, 400, text_of(fields.error()));
  auto next = page_after_login(fields->get("next"));
  auto again = [&](int status, std::string_view message) { return login_form(app, call, status, message, next); };
  if (!form_token_matches(call, *fields))
    return again(403, form_outdated);
  const auto& password = fields->get("password");
  auto name = normalised_user_name(fields->get("username"));
  auto throttled = name ? *name : std::string{};
  if (!app.throttle.allowed(throttled, call.request.peer, now_us())) {
    note_refusal(app, call, fail(errc::not_found, "not looked for"), refusal_reason::too_many);
    return with_retry_after(again(429, "Too many attempts. Wait a few minutes and try again."),
                            app.settings.auth.attempts_window);
  }
  auto user = app.ask<user_record>(app.services.reader, user_atom_v, throttled);
  // What the database cannot tell is nobody's wrong password.
  if (!user && code_of(user.error()) != errc::not_found)
    return app.error_reply(call.request, user.error());
  {
    auto turn = app.hashes.enter(throttled.empty() ? call.request.peer : throttled);
    if (!turn)
      return with_retry_after(again(503, passwords_busy), busy_retry);
    if (!is_right(app, user, password)) {
      app.throttle.failed(throttled, call.request.peer, now_us());
      note_refusal(app, call, user, reason_of(user));
      return again(401, wrong);
    }
  }
  auto login = make_login(app, call.request, user->id);
  auto stored = app.ask<done_atom>(app.services.store, login_atom_v, login.record);
  if (!stored)
    return app.error_reply(call.request, stored.error());
  if (!is_still_right(app, *user)) {
    caf::anon_send(app.services.store, logout_atom_v, login.record.token_hash, audit_origin{});
    return again(401, wrong);
  }
  app.throttle.succeeded(throttled);
  return enter_with(app, call.request, login, std::move(next));
}

reply log_out(application& app, const route_call& call, const visitor& who, const form&) {
  // Read before the session is gone.
  const auto elsewhere = app.oidc ? app.oidc->logout_address(who.token_hash, app.address + "/login") : std::string{};
  if (app.with_sessions()) {
    auto done = app.ask<done_atom>(app.services.store, logout_atom_v, who.token_hash, app.origin_of(call.request, who));
    if (!done)
      return app.error_reply(call.request, done.error());
    caf::anon_send(app.services.gateway, logout_atom_v, who.token_hash);
  }
  auto result = elsewhere.empty() ? see_other(app.with_sessions() ? "/login" : "/") : to_provider(elsewhere);
  result.headers.emplace_back("Set-Cookie", cookie_field(session_cookie, "", 0, over_https(call.request)));
  return result;
}

} // namespace varro
