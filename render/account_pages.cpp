#include "render/account_pages.hpp"

#include "render/page_parts.hpp"

namespace varro {

namespace {

using html::element;
using html::fragment;
using html::markup;
using html::url;
using html::void_element;

markup name_field(std::string_view typed) {
  return element("label", {{"class", "field"}}, element("span", "Name"),
                 void_element("input",
                              {{"name", "username"},
                               {"value", typed, !typed.empty()},
                               {"autocomplete", "username"},
                               {"autocapitalize", "none"},
                               {"spellcheck", "false"},
                               {"required", true},
                               {"autofocus", true}}));
}

// kind: "current-password" or "new-password", by which browsers know what to fill in.
template <class Name>
markup password_field(const Name& name, std::string_view label, std::string_view kind) {
  return element(
    "label", {{"class", "field"}}, element("span", label),
    void_element("input",
                 {{"name", std::string_view{name}}, {"type", "password"}, {"autocomplete", kind}, {"required", true}}));
}

markup new_password_fields() {
  return fragment(password_field("password", "Password", "new-password"),
                  password_field("again", "The same again", "new-password"));
}

markup submit(std::string_view label) {
  return element("button", {{"type", "submit"}, {"class", "primary"}}, label);
}

markup alert(std::string_view message) {
  return message.empty() ? markup{} : element("p", {{"class", "notice"}, {"role", "alert"}}, message);
}

markup brand() {
  return element("p", {{"class", "brand"}}, "Varro");
}

markup card_page(const page_viewer& viewer, const std::string& title, const markup& content) {
  auto card = element("main", {{"class", "card"}}, brand(), element("h1", title), content);
  return document(viewer, title + " – Varro", "centred", [&](markup& out) { out += card; });
}

markup session_row(const page_viewer& viewer, const login_record& session, bool present) {
  markup end;
  if (present)
    end = element("strong", "this one");
  else
    end = element("form", {{"method", "post"}, {"action", url{"/account/sessions/end"}}}, csrf_field(viewer),
                  void_element("input", {{"type", "hidden"}, {"name", "session"}, {"value", session.token_hash}}),
                  element("button", {{"type", "submit"}, {"class", "quiet"}}, "End"));
  constexpr int64_t second = 1'000'000;
  return element(
    "li", {{"class", "session"}, {"data-present", present}},
    element("div", element("p", session.agent.empty() ? "An unknown browser" : session.agent),
            element("p", {{"class", "quiet-text"}}, session.address, session.address.empty() ? "" : ", ", "begun ",
                    time_html(session.created_at / second), ", last used ", time_html(session.last_used_at / second))),
    end);
}

} // namespace

markup login_page(const page_viewer& viewer, std::string_view message, bool can_join, std::string_view next) {
  auto page = next == "/" ? markup{} : void_element("input", {{"type", "hidden"}, {"name", "next"}, {"value", next}});
  auto join = can_join ? element("p", element("a", {{"href", url{"/join"}}}, "Make an account")) : markup{};
  return card_page(
    viewer, "Log in",
    fragment(alert(message),
             element("form", {{"method", "post"}, {"action", url{"/login"}}}, csrf_field(viewer), page, name_field(""),
                     password_field("password", "Password", "current-password"), submit("Log in")),
             join));
}

markup provider_login_page(const page_viewer& viewer, std::string_view label, std::string_view next) {
  auto address = next == "/" ? std::string{"/login/oidc"} : "/login/oidc?next=" + std::string{next};
  return card_page(viewer, "Log in", element("p", element("a", {{"class", "primary"}, {"href", url{address}}}, label)));
}

markup provider_logout_page(const page_viewer& viewer, const std::string& address) {
  return card_page(viewer, "You are logged out",
                   fragment(element("p", element("a", {{"href", url{address}}}, "Log out at the provider as well")),
                            element("p", element("a", {{"href", url{"/login"}}}, "Log in again"))));
}

markup join_page(const page_viewer& viewer, const join_page_content& content) {
  auto what = content.admin ? element("p", "This account may look after the server.") : markup{};
  return card_page(viewer, "Make an account",
                   fragment(what, alert(content.message),
                            element("form", {{"method", "post"}, {"action", url{content.action}}}, csrf_field(viewer),
                                    name_field(content.name), new_password_fields(), submit("Make the account"))));
}

markup reset_page(const page_viewer& viewer, std::string_view action, std::string_view user_name,
                  std::string_view message) {
  // Password managers look for the name that a password belongs to.
  auto name = void_element(
    "input", {{"type", "hidden"}, {"name", "username"}, {"autocomplete", "username"}, {"value", user_name}});
  return card_page(viewer, "Choose a new password",
                   fragment(element("p", "For ", element("strong", user_name),
                                    ". It ends all browser sessions of this account, and revokes its tokens."),
                            alert(message),
                            element("form", {{"method", "post"}, {"action", url{std::string{action}}}},
                                    csrf_field(viewer), name, new_password_fields(), submit("Change the password"))));
}

markup password_was_reset_page(const page_viewer& viewer) {
  return card_page(viewer, "The password is changed", element("p", element("a", {{"href", url{"/login"}}}, "Log in")));
}

markup account_page(const page_viewer& viewer, const account_page_content& content) {
  auto note = content.note.empty() ? markup{} : element("p", {{"class", "note"}, {"role", "status"}}, content.note);
  auto password = !content.has_password
    ? markup{}
    : element("form", {{"method", "post"}, {"action", url{"/account/password"}}}, csrf_field(viewer),
              element("h2", "Password"), alert(content.message),
              password_field("current", "Present password", "current-password"),
              password_field("password", "New password", "new-password"),
              password_field("again", "The same again", "new-password"), submit("Change the password"),
              element("p", {{"class", "quiet-text"}},
                      "It ends your other browser sessions. Tokens stay: revoke those below that you do not know."));
  auto row = [&](const login_record& each) { return session_row(viewer, each, each.token_hash == content.present); };
  markup end_others;
  if (content.sessions.size() > 1)
    end_others
      = element("form", {{"method", "post"}, {"action", url{"/account/sessions/end-others"}}}, csrf_field(viewer),
                element("button", {{"type", "submit"}, {"class", "quiet"}}, "End all others"));
  auto sessions = element("section", element("h2", "Browser sessions"),
                          element("ul", {{"class", "sessions"}}, html::each(content.sessions, row)), end_others);
  auto card
    = element("main", {{"class", "card wide"}}, brand(), element("h1", viewer.user_name), note, password, sessions,
              token_section(viewer, content.tokens),
              content.read_by_admins ? element("p", {{"class", "quiet-text"}},
                                               "Admins of this server may read your chats. Each time is recorded.")
                                     : markup{},
              element("p", element("a", {{"href", url{"/"}}}, "To the chats")));
  return document(viewer, "Account – Varro", "centred", [&](markup& out) { out += card; });
}

} // namespace varro
