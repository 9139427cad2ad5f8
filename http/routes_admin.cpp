// What admins do with people and links.
#include "actors/allowances.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "http/admin_parts.hpp"
#include "http/anonymous_forms.hpp"
#include "http/person_changes.hpp"
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

reply link_reply(const application& app, const visitor& who, const link_address& made, std::string_view whose) {
  return html_reply(
    200, admin_link_page(app.viewer_of(who), whose, made.url, std::to_string(made.lasts.count()) + " hours"));
}

reply invitations_reply(application& app, const route_call& call, const visitor& who, int status, admin_word said) {
  auto links = ask_database<std::vector<link_found>>(app, links_question{now_us()});
  if (!links)
    return app.error_reply(call.request, links.error());
  std::string closed;
  if (app.settings.auth.sign_up == "closed")
    closed = nobody_may_join;
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
  auto refuse = [&](const refused_request& refused) {
    return refused.status == 422 ? people_reply(app, call, who, 422, {"", refused.text}, question_about(user->name, ""))
                                 : app.error_reply(call.request, refused.status, refused.text);
  };
  if (word == "reset-link") {
    auto made = make_reset_link(app, call.request, who, *user);
    if (const auto* refused = std::get_if<refused_request>(&made))
      return refuse(*refused);
    return link_reply(app, who, std::get<link_address>(made), "another password of " + user->name);
  }
  if (const auto refused = change_user_as(app, call.request, who, *user, word))
    return refuse(*refused);
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
  if (fields.get("role") != user_role::user && fields.get("role") != user_role::admin)
    return app.error_reply(call.request, 422, "A role is \"user\" or \"admin\".");
  if (app.settings.auth.sign_up == "closed")
    return invitations_reply(app, call, who, 422, {});
  auto made = make_invitation_link(app, call.request, who, fields.get("role"));
  if (const auto* refused = std::get_if<refused_request>(&made))
    return app.error_reply(call.request, refused->status, refused->text);
  return link_reply(app, who, std::get<link_address>(made), "an account");
}

reply revoke_invitation(application& app, const route_call& call, const visitor& who, const form& fields) {
  if (!app.with_accounts())
    return app.error_reply(call.request, 404, no_accounts);
  const auto refused = revoke_link(app, call.request, who, fields.get("link"));
  if (refused && refused->status == 404)
    return invitations_reply(app, call, who, 404, {"", refused->text});
  if (refused)
    return app.error_reply(call.request, refused->status, refused->text);
  return see_other("/admin/invitations?done=revoke");
}

} // namespace varro
