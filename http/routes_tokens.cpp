// Tokens of one's programs: made and revoked on the page of one's account.
#include "base/clock.hpp"
#include "http/account_reply.hpp"
#include "http/anonymous_forms.hpp"
#include "http/routes.hpp"
#include "http/token_making.hpp"

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

or_refused<wished_token> make_token_of(application& app, const received_request& request, const visitor& who,
                                       std::string_view label, std::string_view scopes, std::string_view expires) {
  auto lasts = parse_token_lifetime(expires);
  if (!lasts)
    return refused_request{422, sentence(lasts.error())};
  auto made = make_wished_token(who.user, {std::string{label}, parse_token_scopes(scopes), *lasts}, app.settings.auth,
                                now_us());
  if (!made)
    return refused_request{422, sentence(made.error())};
  const token_write write = token_made{made->record, app.settings.auth.tokens_max, app.origin_of(request, who)};
  auto done = app.ask<done_atom>(app.services.token_writer, token_atom_v, write);
  if (!done) {
    auto code = code_of(done.error());
    if (code == errc::limit_reached || code == errc::invalid_input)
      return refused_request{422, sentence(done.error())};
    return application::refused_by(done.error());
  }
  if (!is_still_in(app, request)) {
    caf::anon_send(app.services.token_writer, token_atom_v,
                   token_write{token_revoked{made->record.id, who.user.id, app.origin_of(request, who)}});
    return refused_request{403, "Nobody is logged in. Log in and try again."};
  }
  return std::move(*made);
}

caf::error revoke_token_of(application& app, const received_request& request, const visitor& who, std::string_view id) {
  auto tokens = app.ask<std::vector<token_record>>(app.services.token_reader, token_atom_v, who.user.id);
  if (!tokens)
    return tokens.error();
  auto found = std::find_if(tokens->begin(), tokens->end(), [&](const token_record& each) { return each.id == id; });
  if (found == tokens->end()) // revoked already, or not theirs
    return {};
  const token_write write = token_revoked{found->id, who.user.id, app.origin_of(request, who)};
  auto done = app.ask<done_atom>(app.services.token_writer, token_atom_v, write);
  if (!done && code_of(done.error()) != errc::not_found)
    return done.error();
  caf::anon_send(app.services.gateway, logout_atom_v, found->token_hash);
  return {};
}

reply make_token(application& app, const route_call& call, const visitor& who, const form& fields) {
  if (!app.with_sessions())
    return app.error_reply(call.request, 404, no_accounts);
  const auto& label = fields.get("label");
  auto made = make_token_of(app, call.request, who, label, scopes_of(fields), fields.get("expires"));
  if (const auto* refused = std::get_if<refused_request>(&made))
    return refused->status == 422 ? account_reply(app, call, who, 422, {{}, refused->text, label, {}})
                                  : app.error_reply(call.request, refused->status, refused->text);
  // At once, and not after a redirect: no address may hold the token.
  return account_reply(app, call, who, 200, {{}, {}, {}, std::get<wished_token>(made).token});
}

reply revoke_token(application& app, const route_call& call, const visitor& who, const form& fields) {
  if (!app.with_sessions())
    return app.error_reply(call.request, 404, no_accounts);
  auto failed = revoke_token_of(app, call.request, who, fields.get("id"));
  return failed ? app.error_reply(call.request, failed) : see_other("/account");
}

} // namespace varro
