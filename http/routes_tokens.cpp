// Tokens of one's programs: made and revoked on the page of one's account.
#include "accounts/tokens.hpp"
#include "base/clock.hpp"
#include "http/account_reply.hpp"
#include "http/anonymous_forms.hpp"
#include "http/routes.hpp"

#include <algorithm>

namespace varro {

namespace {

// The boxes that are ticked, each a field of its own.
std::string scopes_of(const form& fields) {
  std::string scopes;
  for (const auto& [name, value] : fields.fields)
    if (name == "scope")
      scopes += (scopes.empty() ? "" : ",") + value;
  return scopes;
}

// As a sentence on the page.
std::string sentence(const caf::error& error) {
  auto text = text_of(error);
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text + ".";
}

// Who may not come in any more loses their sessions and tokens with one commit, which may come between the look at the
// session and the commit of a token. One that comes after the token's takes it along; one that came before is seen
// here, before anybody has the token.
bool is_still_in(const application& app, const received_request& request) {
  auto who = app.who(request);
  return who && *who;
}

} // namespace

reply make_token(application& app, const route_call& call, const visitor& who, const form& fields) {
  if (!app.with_sessions())
    return app.error_reply(call.request, 404, no_accounts);
  const auto& label = fields.get("label");
  auto again = [&](const caf::error& error) {
    return account_reply(app, call, who, 422, {{}, sentence(error), label, {}});
  };
  auto lasts = parse_token_lifetime(fields.get("expires"));
  if (!lasts)
    return again(lasts.error());
  auto made
    = make_wished_token(who.user, {label, parse_token_scopes(scopes_of(fields)), *lasts}, app.settings.auth, now_us());
  if (!made)
    return again(made.error());
  const auto id = made->record.id;
  const token_write write
    = token_made{std::move(made->record), app.settings.auth.tokens_max, app.origin_of(call.request, who)};
  auto done = app.ask<done_atom>(app.services.token_writer, token_atom_v, write);
  if (!done) {
    auto code = code_of(done.error());
    return code == errc::limit_reached || code == errc::invalid_input ? again(done.error())
                                                                      : app.error_reply(call.request, done.error());
  }
  if (!is_still_in(app, call.request)) {
    caf::anon_send(app.services.token_writer, token_atom_v,
                   token_write{token_revoked{id, who.user.id, app.origin_of(call.request, who)}});
    return app.error_reply(call.request, 403, "Nobody is logged in. Log in and try again.");
  }
  // At once, and not after a redirect: no address may hold the token.
  return account_reply(app, call, who, 200, {{}, {}, {}, made->token});
}

reply revoke_token(application& app, const route_call& call, const visitor& who, const form& fields) {
  if (!app.with_sessions())
    return app.error_reply(call.request, 404, no_accounts);
  const auto& id = fields.get("id");
  auto tokens = app.ask<std::vector<token_record>>(app.services.token_reader, token_atom_v, who.user.id);
  if (!tokens)
    return app.error_reply(call.request, tokens.error());
  auto found = std::find_if(tokens->begin(), tokens->end(), [&](const token_record& each) { return each.id == id; });
  if (found == tokens->end()) // revoked already, or not theirs
    return see_other("/account");
  const token_write write = token_revoked{id, who.user.id, app.origin_of(call.request, who)};
  auto done = app.ask<done_atom>(app.services.token_writer, token_atom_v, write);
  if (!done && code_of(done.error()) != errc::not_found)
    return app.error_reply(call.request, done.error());
  caf::anon_send(app.services.gateway, logout_atom_v, found->token_hash);
  return see_other("/account");
}

} // namespace varro
