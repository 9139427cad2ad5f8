// What admins do with people and links.
#include "accounts/links.hpp"
#include "actors/allowances.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "http/admin_parts.hpp"
#include "http/anonymous_forms.hpp"
#include "http/guard.hpp"
#include "render/admin_pages.hpp"

#include <algorithm>
#include <array>

namespace varro {

namespace {

constexpr int people_on_a_page = 50;
constexpr size_t search_bytes_max = 64; // a longer text is in no name

std::string short_value(const received_request& request, std::string_view name) {
  auto value = query_value(request, name).value_or("");
  return value.size() <= search_bytes_max && is_utf8(value) ? value : std::string{};
}

// What each form does, by the last word of its address, and what is said when it is done.
struct person_action {
  std::string_view word, done;
};
constexpr std::array<person_action, 8> person_actions{
  {{"disable", "The user is disabled. Their browser sessions are over, their runs and shells end."},
   {"enable", "The user can log in again."},
   {"make-admin", "The user looks after the server now."},
   {"make-user", "The user does not look after the server any more."},
   {"end-sessions", "The browser sessions of the user are over."},
   {"revoke-tokens", "The tokens of the user's programs are revoked."},
   {"erase", "The user is being erased. How far that is stands below."},
   {"revoke", "The link cannot be used any more."}}};

std::string done_text(const received_request& request) {
  const auto word = query_value(request, "done").value_or("");
  const auto* found = std::find_if(person_actions.begin(), person_actions.end(),
                                   [&](const person_action& each) { return each.word == word; });
  return found == person_actions.end() ? std::string{} : std::string{found->done};
}

reply people_reply(application& app, const route_call& call, const visitor& who, int status, admin_word said,
                   const people_question& asked) {
  auto page = ask_database<people_page>(app, asked);
  if (!page)
    return app.error_reply(call.request, page.error());
  auto notes = notes_on(app, page->people);
  auto erasures = erasures_of_late(app);
  if (!erasures)
    return app.error_reply(call.request, erasures.error());
  return html_reply(status,
                    admin_people_page(app.viewer_of(who),
                                      {std::move(*page), asked.search, app.with_users(), app.with_accounts(),
                                       std::move(said), std::move(notes), std::move(*erasures)}));
}

people_question question_about(std::string search, std::string after) {
  return {std::move(search), std::move(after), people_on_a_page, month_start(now_us()), true};
}

// What the action writes; nothing for a word that is none.
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

// Before a link's path. Without server.public_url, as the admin's browser has it: the guard has looked at that.
std::string address_for_links(const application& app, const received_request& request) {
  if (!app.settings.server.public_url.empty())
    return server_address(app.settings.server, 0);
  return (over_https(request) ? "https://" : "http://") + std::string{request.header("host")};
}

reply make_and_show_link(application& app, const route_call& call, const visitor& who, link_record link,
                         std::string_view whose, std::chrono::hours lasts) {
  const auto token = make_session_token();
  link.token_hash = token.hash;
  link.created_at = now_us();
  link.expires_at = link.created_at + std::chrono::microseconds{lasts}.count();
  const account_write made = link_made{link, app.origin_of(call.request, who)};
  auto done = app.ask<done_atom>(app.services.store, user_atom_v, made);
  if (!done)
    return app.error_reply(call.request, done.error());
  const auto path = (link.purpose == link_purpose::reset ? "/reset/" : "/join/") + token.token;
  return html_reply(200,
                    admin_link_page(app.viewer_of(who), whose, address_for_links(app, call.request) + path,
                                    std::to_string(lasts.count()) + " hours"));
}

reply invitations_reply(application& app, const route_call& call, const visitor& who, int status, admin_word said) {
  auto links = ask_database<std::vector<link_found>>(app, links_question{now_us()});
  if (!links)
    return app.error_reply(call.request, links.error());
  std::string closed;
  if (app.settings.auth.sign_up == "closed")
    closed = "Nobody may join: auth.sign_up is \"closed\" in the configuration. With \"invitation\" links work.";
  return html_reply(
    status, admin_invitations_page(app.viewer_of(who), {std::move(*links), std::move(closed), std::move(said)}));
}

} // namespace

reply show_people(application& app, const route_call& call, const visitor& who) {
  if (auto refused = note_read(app, call, who, "/admin"))
    return app.error_reply(call.request, refused);
  return people_reply(app, call, who, 200, {done_text(call.request), ""},
                      question_about(short_value(call.request, "q"), short_value(call.request, "after")));
}

reply change_person(application& app, const route_call& call, const visitor& who, const form& fields) {
  const auto& word = call.segment("action");
  if (app.settings.auth.mode == auth_mode::local || (word == "reset-link" && !app.with_accounts()))
    return app.error_reply(call.request, 404, no_accounts);
  auto user = user_named(app, fields.get("name"));
  if (!user)
    return app.error_reply(call.request, user.error());
  if (word == "reset-link") {
    if (user->disabled)
      return people_reply(app, call, who, 422, {"", "Enable the user first: a disabled one cannot log in."},
                          question_about(user->name, ""));
    return make_and_show_link(app, call, who, {"", link_purpose::reset, user_role::user, user->id},
                              "another password of " + user->name, app.settings.auth.reset_max);
  }
  if (const auto key = role_key_of(app, *user); !key.empty() && word.starts_with("make-"))
    return people_reply(app, call, who, 422,
                        {"", "Where this user logs in it is said who is an admin, by " + key + ": change it there."},
                        question_about(user->name, ""));
  const auto write = write_of(app, word, user->name, app.origin_of(call.request, who));
  if (!write)
    return app.error_reply(call.request, 404, "There is no such page.");
  auto sessions = app.ask<std::vector<login_record>>(app.services.reader, list_atom_v, user->id);
  auto tokens = app.ask<std::vector<token_record>>(app.services.token_reader, token_atom_v, user->id);
  auto done = app.ask<done_atom>(app.services.store, user_atom_v, *write);
  if (!done && code_of(done.error()) == errc::invalid_input)
    return people_reply(app, call, who, 422, {"", text_of(done.error())}, question_about(user->name, ""));
  if (!done)
    return app.error_reply(call.request, done.error());
  if (sessions && (word == "disable" || word == "end-sessions"))
    end_streams_of(app, *sessions);
  if (tokens && (word == "disable" || word == "revoke-tokens"))
    end_streams_of(app, *tokens);
  if (word == "disable")
    stop_work_of(app, user->id);
  return see_other("/admin?done=" + word + "&q=" + percent_encode(user->name));
}

reply show_invitations(application& app, const route_call& call, const visitor& who) {
  if (!app.with_accounts())
    return app.error_reply(call.request, 404, no_accounts);
  return invitations_reply(app, call, who, 200, {done_text(call.request), ""});
}

reply make_invitation(application& app, const route_call& call, const visitor& who, const form& fields) {
  if (!app.with_accounts())
    return app.error_reply(call.request, 404, no_accounts);
  const auto& role = fields.get("role");
  if (role != user_role::user && role != user_role::admin)
    return app.error_reply(call.request, 422, "A role is \"user\" or \"admin\".");
  if (app.settings.auth.sign_up == "closed")
    return invitations_reply(app, call, who, 422, {});
  return make_and_show_link(app, call, who, {"", link_purpose::invitation, role}, "an account",
                            app.settings.auth.invitation_max);
}

reply revoke_invitation(application& app, const route_call& call, const visitor& who, const form& fields) {
  if (!app.with_accounts())
    return app.error_reply(call.request, 404, no_accounts);
  const account_write revoked = link_revoked{fields.get("link"), app.origin_of(call.request, who)};
  auto done = app.ask<done_atom>(app.services.store, user_atom_v, revoked);
  if (!done && code_of(done.error()) == errc::not_found)
    return invitations_reply(app, call, who, 404, {"", "This link was used, has expired or was revoked."});
  if (!done)
    return app.error_reply(call.request, done.error());
  return see_other("/admin/invitations?done=revoke");
}

} // namespace varro
