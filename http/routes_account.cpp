// One's own account: the password and the browser sessions.
#include "base/clock.hpp"
#include "http/account_reply.hpp"
#include "http/anonymous_forms.hpp"
#include "http/routes.hpp"

#include <algorithm>

namespace varro {

namespace {

// What users do with their own account; the sessions that `ends` names lose their streams at once.
reply write_and_show(application& app, const route_call& call, const account_write& write,
                     const std::vector<std::string>& ends, std::string address) {
  auto done = app.ask<done_atom>(app.services.store, user_atom_v, write);
  if (!done)
    return app.error_reply(call.request, done.error());
  for (const auto& hash : ends)
    caf::anon_send(app.services.gateway, logout_atom_v, hash);
  return see_other(std::move(address));
}

// The hashes of the visitor's sessions but the present one.
caf::expected<std::vector<std::string>> other_sessions(const application& app, const visitor& who) {
  auto sessions = app.ask<std::vector<login_record>>(app.services.reader, list_atom_v, who.user.id);
  if (!sessions)
    return sessions.error();
  std::vector<std::string> others;
  for (const auto& each : *sessions)
    if (each.token_hash != who.token_hash)
      others.push_back(each.token_hash);
  return others;
}

} // namespace

reply show_account(application& app, const route_call& call, const visitor& who) {
  if (!app.with_sessions())
    return app.error_reply(call.request, 404, no_accounts);
  return account_reply(app, call, who, 200, {});
}

reply change_password(application& app, const route_call& call, const visitor& who, const form& fields) {
  if (!app.with_accounts())
    return app.error_reply(call.request, 404, no_accounts);
  auto again = [&](int status, std::string_view message) {
    return account_reply(app, call, who, status, {message, {}, {}, {}});
  };
  if (fields.get("password") != fields.get("again"))
    return again(422, passwords_differ);
  // As for a login: who found an open browser shall not try passwords here. Counted for this browser session, so that
  // nobody who fails to log in keeps its owner from it, nor the other way round.
  if (!app.throttle.allowed(who.token_hash, who.token_hash, now_us()))
    return with_retry_after(again(429, "Too many attempts. Wait a few minutes and try again."),
                            app.settings.auth.attempts_window);
  const auto& present = fields.get("current");
  caf::expected<std::string> hash{caf::error{}};
  {
    auto turn = app.hashes.enter(who.user.name);
    if (!turn)
      return with_retry_after(again(503, passwords_busy), busy_retry);
    bool right
      = present.size() <= app.settings.auth.password_bytes_max && verify_password(who.user.password_hash, present);
    if (!right) {
      app.throttle.failed(who.token_hash, who.token_hash, now_us());
      return again(403, "The present password is wrong.");
    }
    hash = hash_password(fields.get("password"), app.settings.auth);
  }
  if (!hash)
    return again(422, text_of(hash.error()));
  auto others = other_sessions(app, who);
  if (!others)
    return app.error_reply(call.request, others.error());
  app.throttle.succeeded(who.token_hash);
  return write_and_show(
    app, call,
    password_changed{who.user.id, who.user.password_hash, *hash, who.token_hash, app.origin_of(call.request, who)},
    *others, "/account?done=password");
}

reply end_session(application& app, const route_call& call, const visitor& who, const form& fields) {
  if (!app.with_sessions())
    return app.error_reply(call.request, 404, no_accounts);
  const auto& session = fields.get("session");
  auto sessions = app.ask<std::vector<login_record>>(app.services.reader, list_atom_v, who.user.id);
  if (!sessions)
    return app.error_reply(call.request, sessions.error());
  auto is_it = [&](const login_record& each) { return each.token_hash == session; };
  if (std::none_of(sessions->begin(), sessions->end(), is_it)) // over already, or not theirs
    return see_other("/account");
  return write_and_show(app, call, login_ended{who.user.id, session, app.origin_of(call.request, who)}, {session},
                        "/account");
}

reply end_other_sessions(application& app, const route_call& call, const visitor& who, const form&) {
  if (!app.with_sessions())
    return app.error_reply(call.request, 404, no_accounts);
  auto others = other_sessions(app, who);
  if (!others)
    return app.error_reply(call.request, others.error());
  return write_and_show(app, call, other_logins_ended{who.user.id, who.token_hash, app.origin_of(call.request, who)},
                        *others, "/account");
}

} // namespace varro
