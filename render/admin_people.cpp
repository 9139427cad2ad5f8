// Who may use the server: people and their links.
#include "base/text.hpp"
#include "render/admin_parts.hpp"

#include <algorithm>
#include <set>
#include <string_view>

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

std::string state_of(const person& one, const person_note& note, bool erased) {
  if (erased)
    return "being erased";
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

// One that both a login and `varro group` tell of is one group.
size_t group_count(const person& one) {
  std::set<std::string_view> names;
  for (const auto& each : one.groups)
    names.insert(each.group);
  return names.size();
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
            count_of(group_count(one), "group", "groups") + ", " + count_of(note.limits.size(), "limit", "limits")),
    element("ul", html::each(one.groups, group), html::each(note.limits, limit)));
}

bool is_being_erased(const std::vector<erasure_shown>& erasures, int64_t user) {
  return std::any_of(erasures.begin(), erasures.end(), [user](const erasure_shown& each) {
    return each.what.user_id == user && each.what.step != erasure_step::done;
  });
}

template <class View>
markup row(const page_viewer& viewer, const View& view, const person& one, const person_note& note) {
  const auto& user = one.user;
  const bool erased = is_being_erased(view.erasures, user.id);
  const url address{"/admin/person?name=" + percent_encode(user.name)};
  return element("tr", {{"data-user", user.name}},
                 element("th", {{"scope", "row"}}, element("a", {{"href", address}}, user.name),
                         user.name == viewer.user_name ? " (you)" : ""),
                 element("td", state_of(one, note, erased)), element("td", role_html(user.role, note)),
                 element("td", groups_and_limits(one, note)), element("td", time_or(one.last_seen, "never")),
                 number_cell(count_text(one.chats)), number_cell(count_text(one.month.requests)),
                 number_cell(count_text(one.month.tokens)), number_cell(cost_of(one.month)),
                 element("td", {{"class", "actions"}},
                         view.many && !erased ? actions(viewer, one, note, view.passwords) : markup{}));
}

markup people_table(const markup& rows) {
  return table({"Name", "State", "Role", "Groups and limits", "Last seen", "Chats", "Requests this month", "Tokens",
                "Cost", "To do"},
               rows);
}

std::string_view step_text(const erasure& what) {
  if (what.step == erasure_step::chats)
    return "chats and files are being deleted";
  if (what.step == erasure_step::account)
    return "the account is being deleted";
  if (what.step == erasure_step::search)
    return "the index of the search is being written anew";
  return what.step == erasure_step::vacuum ? "the database is being written anew" : "all is deleted";
}

markup erasures_section(const std::vector<erasure_shown>& erasures) {
  if (erasures.empty())
    return {};
  auto row_of = [](const erasure_shown& each) {
    return element("tr",
                   element("th", {{"scope", "row"}}, each.name.empty() ? pseudonym_of(each.what.user_id) : each.name),
                   element("td", time_or(each.what.asked_at, "")), element("td", step_text(each.what)));
  };
  return fragment(element("h2", "Erased people"), table({"Who", "Since", "State"}, html::each(erasures, row_of)));
}

markup erase_form(const page_viewer& viewer, const std::string& name) {
  return fragment(
    element("h2", "Erase"),
    element(
      "p", "All chats, files, variables and the account of ", element("strong", name),
      " are deleted for good; runs and shells end at once. What was used stays as numbers, without a name. While the "
      "database is written anew at the end, everybody else waits: choose a quiet hour where it is large."),
    element("form", {{"method", "post"}, {"action", url{"/admin/person/erase"}}, {"class", "filter"}},
            csrf_field(viewer), hidden("name", name), text_field("The name once more", "typed", ""),
            element("button", {{"type", "submit"}, {"class", "primary danger"}}, "Erase for good")));
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
  auto rows = html::each(view.page.people, [&](const person& one) {
    const auto found = view.notes.find(one.user.id);
    return row(viewer, view, one, found == view.notes.end() ? person_note{} : found->second);
  });
  markup more;
  if (view.page.more)
    more = element("p",
                   element("a",
                           {{"href",
                             url{"/admin?q=" + percent_encode(view.search)
                                 + "&after=" + percent_encode(view.page.people.back().user.name)}}},
                           "Further people"));
  return admin_page(
    viewer, "/admin", "People",
    fragment(said(view.said), search,
             view.page.people.empty() ? element("p", "There is nobody of this name.") : people_table(rows), more,
             erasures_section(view.erasures)));
}

markup admin_person_page(const page_viewer& viewer, const person_view& view) {
  const auto& user = view.one.user;
  const bool erased = is_being_erased(view.erasures, user.id);
  return admin_page(
    viewer, "/admin", user.name,
    fragment(said(view.said), people_table(row(viewer, view, view.one, view.note)),
             view.readable ? element("p",
                                     element("a", {{"href", url{"/admin/chats?name=" + percent_encode(user.name)}}},
                                             "Read their chats"))
                           : markup{},
             view.many && !erased ? erase_form(viewer, user.name) : markup{}, erasures_section(view.erasures)));
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
  auto role
    = [](std::string_view value, std::string_view label) { return element("option", {{"value", value}}, label); };
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
