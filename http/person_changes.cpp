#include "http/person_changes.hpp"

#include "accounts/links.hpp"
#include "base/clock.hpp"
#include "http/admin_parts.hpp"
#include "http/guard.hpp"

namespace varro {

namespace {

// What the word writes; nothing for a word that is none.
std::optional<account_write> write_of(const application& app, std::string_view word, const std::string& name,
                                      const audit_origin& by) {
  if (word == "disable" || word == "enable")
    return user_state_set{name, word == "disable", by, app.logins_by};
  if (word == "make-admin" || word == "make-user")
    return user_role_set{name, word == "make-admin" ? user_role::admin : user_role::user, by, app.logins_by};
  if (word == "end-sessions")
    return user_logins_ended{name, by};
  if (word == "revoke-tokens")
    return user_tokens_revoked{name, by};
  return std::nullopt;
}

// Writes it, and ends the event streams of the browser sessions and tokens that are over by that.
std::optional<refused_request> write_and_end_streams(const application& app, int64_t user, const account_write& write,
                                                     bool ends_sessions, bool ends_tokens) {
  auto sessions = app.ask<std::vector<login_record>>(app.services.reader, list_atom_v, user);
  auto tokens = app.ask<std::vector<token_record>>(app.services.token_reader, token_atom_v, user);
  auto done = app.ask<done_atom>(app.services.store, user_atom_v, write);
  if (!done)
    return application::refused_by(done.error());
  if (sessions && ends_sessions)
    end_streams_of(app, *sessions);
  if (tokens && ends_tokens)
    end_streams_of(app, *tokens);
  return std::nullopt;
}

// Before a link's path. Without server.public_url, as the admin reaches it: the guard has looked at that.
std::string address_for_links(const application& app, const received_request& request) {
  if (!app.settings.server.public_url.empty())
    return server_address(app.settings.server, 0);
  return (over_https(request) ? "https://" : "http://") + std::string{request.header("host")};
}

or_refused<link_address> make_link_as(application& app, const received_request& request, const visitor& who,
                                      link_record link, std::chrono::hours lasts) {
  const auto token = make_session_token();
  link.token_hash = token.hash;
  link.created_at = now_us();
  link.expires_at = link.created_at + std::chrono::microseconds{lasts}.count();
  const account_write made = link_made{link, app.origin_of(request, who)};
  auto done = app.ask<done_atom>(app.services.store, user_atom_v, made);
  if (!done)
    return application::refused_by(done.error());
  const auto path = (link.purpose == link_purpose::reset ? "/reset/" : "/join/") + token.token;
  return link_address{address_for_links(app, request) + path, std::move(link), lasts};
}

} // namespace

std::optional<refused_request> change_user_as(application& app, const received_request& request, const visitor& who,
                                              const user_record& user, std::string_view word) {
  if (const auto key = role_key_of(app, user); !key.empty() && word.starts_with("make-"))
    return refused_request{422, "Where this user logs in it is said who is an admin, by " + key + ": change it there."};
  const auto write = write_of(app, word, user.name, app.origin_of(request, who));
  if (!write)
    return refused_request{404, "There is no such page."};
  const bool disables = word == "disable";
  auto refused = write_and_end_streams(app, user.id, *write, disables || word == "end-sessions",
                                       disables || word == "revoke-tokens");
  if (!refused && disables)
    stop_work_of(app, user.id);
  return refused;
}

std::optional<refused_request> erase_user_as(application& app, const received_request& request, const visitor& who,
                                             const user_record& user) {
  const account_write erased = user_erased{user.name, now_us(), app.origin_of(request, who), app.logins_by};
  auto refused = write_and_end_streams(app, user.id, erased, true, true);
  if (!refused)
    stop_work_of(app, user.id); // what is deleted with the chats would else go on until their turn comes
  return refused;
}

or_refused<link_address> make_reset_link(application& app, const received_request& request, const visitor& who,
                                         const user_record& user) {
  if (user.disabled)
    return refused_request{422, "Enable the user first: a disabled one cannot log in."};
  return make_link_as(app, request, who, {"", link_purpose::reset, user_role::user, user.id},
                      app.settings.auth.reset_max);
}

or_refused<link_address> make_invitation_link(application& app, const received_request& request, const visitor& who,
                                              const std::string& role) {
  if (role != user_role::user && role != user_role::admin)
    return refused_request{422, "A role is \"user\" or \"admin\"."};
  if (app.settings.auth.sign_up == "closed")
    return refused_request{422, nobody_may_join};
  return make_link_as(app, request, who, {"", link_purpose::invitation, role}, app.settings.auth.invitation_max);
}

std::optional<refused_request> revoke_link(application& app, const received_request& request, const visitor& who,
                                           const std::string& hash) {
  const account_write revoked = link_revoked{hash, app.origin_of(request, who)};
  auto done = app.ask<done_atom>(app.services.store, user_atom_v, revoked);
  if (done)
    return std::nullopt;
  if (code_of(done.error()) == errc::not_found)
    return refused_request{404, "This link was used, has expired or was revoked."};
  return application::refused_by(done.error());
}

} // namespace varro
