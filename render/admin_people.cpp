// Who may use the server: people and their links.
#include "base/text.hpp"
#include "render/admin_parts.hpp"

namespace varro {

namespace {

using html::element;
using html::fragment;
using html::markup;
using html::url;
using html::void_element;

markup action(const page_viewer& viewer, const person& one, std::string_view what, std::string_view label) {
  return element("form", {{"method", "post"}, {"action", url{"/admin/people/" + std::string{what}}}},
                 csrf_field(viewer), hidden("name", one.user.name), small_button(label));
}

markup actions(const page_viewer& viewer, const person& one, const person_note& note, bool passwords) {
  const auto& user = one.user;
  markup out;
  if (user.disabled)
    return action(viewer, one, "enable", "Enable");
  if (passwords)
    out += action(viewer, one, "reset-link", "Reset link");
  out += action(viewer, one, "end-sessions", "End sessions");
  out += action(viewer, one, "revoke-tokens", "Revoke tokens");
  if (note.role_by.empty())
    out += user.role == user_role::admin ? action(viewer, one, "make-user", "Make a user")
                                         : action(viewer, one, "make-admin", "Make an admin");
  out += action(viewer, one, "disable", "Disable");
  return out;
}

std::string cost_of(const spending& month) {
  if (month.currency == "?")
    return "several currencies";
  return month.currency.empty() ? "–" : money_text(month.cost_nano) + " " + month.currency;
}

std::string state_of(const person& one, const person_note& note) {
  if (one.user.disabled)
    return "disabled";
  return note.outside ? "cannot log in by auth.mode" : "active";
}

markup role_html(const std::string& role, const person_note& note) {
  if (note.role_by.empty())
    return fragment(role);
  return fragment(role, element("span", {{"class", "quiet-text"}}, " by the login (", note.role_by, ")"));
}

std::string count_of(size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string{count == 1 ? one : many};
}

// Folded: names of groups and limits would fill the page.
markup groups_and_limits(const person& one, const person_note& note) {
  if (one.groups.empty() && note.limits.empty())
    return element("span", {{"class", "quiet-text"}}, "none");
  auto group = [](const group_membership& each) {
    return element("li", each.group,
                   element("span", {{"class", "quiet-text"}},
                           each.source == group_source::login ? " by the login" : " by varro group"));
  };
  auto limit = [](const limit_origin& each) {
    return element("li", each.name, ": ", each.value, element("span", {{"class", "quiet-text"}}, " ", each.from));
  };
  return element(
    "details",
    element("summary",
            count_of(one.groups.size(), "group", "groups") + ", " + count_of(note.limits.size(), "limit", "limits")),
    element("ul", html::each(one.groups, group), html::each(note.limits, limit)));
}

markup row(const page_viewer& viewer, const people_view& view, const person& one) {
  const auto& user = one.user;
  const auto found = view.notes.find(user.id);
  const auto note = found == view.notes.end() ? person_note{} : found->second;
  return element(
    "tr", {{"data-user", user.name}},
    element("th", {{"scope", "row"}}, user.name, user.name == viewer.user_name ? " (you)" : ""),
    element("td", state_of(one, note)), element("td", role_html(user.role, note)),
    element("td", groups_and_limits(one, note)), element("td", time_or(one.last_seen, "never")),
    number_cell(count_text(one.chats)), number_cell(count_text(one.month.requests)),
    number_cell(count_text(one.month.tokens)), number_cell(cost_of(one.month)),
    element("td", {{"class", "actions"}}, view.many ? actions(viewer, one, note, view.passwords) : markup{}));
}

markup link_row(const page_viewer& viewer, const link_found& found) {
  const auto& link = found.link;
  const auto what = link.purpose == link_purpose::reset ? "another password for " + found.user_name
    : link.purpose == link_purpose::first_admin         ? std::string{"the first admin"}
    : link.role == user_role::admin                     ? std::string{"an account that looks after the server"}
                                                        : std::string{"an account"};
  return element("tr", element("th", {{"scope", "row"}}, what), element("td", time_or(link.created_at, "")),
                 element("td", time_or(link.expires_at, "")), element("td", link.token_hash.substr(0, 8)),
                 element("td", {{"class", "actions"}},
                         element("form", {{"method", "post"}, {"action", url{"/admin/invitations/revoke"}}},
                                 csrf_field(viewer), hidden("link", link.token_hash), small_button("Revoke"))));
}

} // namespace

markup admin_people_page(const page_viewer& viewer, const people_view& view) {
  auto search = element("form", {{"method", "get"}, {"action", url{"/admin"}}, {"class", "filter"}},
                        text_field("Name", "q", view.search),
                        element("button", {{"type", "submit"}, {"class", "primary"}}, "Search"));
  auto rows = html::each(view.page.people, [&](const person& one) { return row(viewer, view, one); });
  markup more;
  if (view.page.more)
    more = element("p",
                   element("a",
                           {{"href",
                             url{"/admin?q=" + percent_encode(view.search)
                                 + "&after=" + percent_encode(view.page.people.back().user.name)}}},
                           "Further people"));
  return admin_page(viewer, "/admin", "People",
                    fragment(said(view.said), search,
                             view.page.people.empty()
                               ? element("p", "There is nobody of this name.")
                               : table({"Name", "State", "Role", "Groups and limits", "Last seen", "Chats",
                                        "Requests this month", "Tokens", "Cost", "To do"},
                                       rows),
                             more));
}

markup admin_link_page(const page_viewer& viewer, std::string_view whose, std::string_view link,
                       std::string_view lasts) {
  return admin_page(
    viewer, "/admin/invitations", "A link for " + std::string{whose},
    fragment(element("p", "Give it to them now: it is shown this once, can be used once, and lasts ", lasts, "."),
             element("p", element("code", {{"class", "made-link"}}, link)),
             element("p", element("a", {{"href", url{"/admin/invitations"}}}, "All links"))));
}

markup admin_invitations_page(const page_viewer& viewer, const invitations_view& view) {
  auto role = [](std::string_view value, std::string_view label) {
    return element("option", {{"value", value}}, label);
  };
  auto make = view.closed.empty()
    ? element("form", {{"method", "post"}, {"action", url{"/admin/invitations"}}, {"class", "filter"}},
              csrf_field(viewer),
              element("label", {{"class", "field"}}, element("span", "For"),
                      element("select", {{"name", "role"}}, role(user_role::user, "an account"),
                              role(user_role::admin, "an account that looks after the server"))),
              element("button", {{"type", "submit"}, {"class", "primary"}}, "Make a link"))
    : element("p", {{"class", "note"}}, view.closed);
  auto rows = html::each(view.links, [&](const link_found& each) { return link_row(viewer, each); });
  return admin_page(viewer, "/admin/invitations", "Invitations",
                    fragment(said(view.said), make,
                             view.links.empty() ? element("p", "There is no link that can be used.")
                                                : table({"For", "Made", "Ends", "Number", "To do"}, rows)));
}

} // namespace varro
