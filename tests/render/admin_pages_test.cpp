#include "render/admin_pages.hpp"

#include "tests/render/html_tags.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

const std::string hostile = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&";

audit_text text_of_name(const std::string& name) {
  return {"mark", "salt", name};
}

std::vector<std::string> all_pages(const std::string& text) {
  const page_viewer viewer{text, true, "token", true};
  person one;
  one.user.name = text;
  one.user.role = text;
  one.month = {1, 2, 3, text};
  one.groups = {{text, text, group_source::login}};
  people_view people{{{one, one}, true}, text, true, true, {"", text}};
  people.notes[0] = {{{text, text, text}}, true, text};
  auto disabled = people;
  disabled.page.people[0].user.disabled = true;
  disabled.said = {text, ""};
  const std::vector<erasure_shown> erasures{{{7, erasure_step::search, 1, 0}, text}, {{8, text, 1, 2}, ""}};
  people.erasures = erasures;
  usage_sum sum;
  sum.key = sum.currency = text;
  sum.requests = 1;
  sum.cost_nano = 5;
  live_view live{{{7, 42, text, 1}}, {{7, 42, text, 5, 4096}}, {{7, text}}, 90'000'000, {text, ""}};
  audit_row row;
  row.id = 9;
  row.actor = row.address = row.subject_name = text_of_name(text);
  row.way = row.action = row.subject = row.details = text;
  link_found link{{text, link_purpose::reset, user_role::user, 7, 1, 2}, text};
  return {admin_people_page(viewer, people).str(),
          admin_people_page(viewer, disabled).str(),
          admin_person_page(viewer, {one, true, true, {"", text}, {}}).str(),
          admin_person_page(viewer, {one, true, true, {text, ""}, {}, erasures}).str(),
          admin_link_page(viewer, text, text, text).str(),
          admin_invitations_page(viewer, {{link}, "", {text, ""}}).str(),
          admin_invitations_page(viewer, {{}, text, {"", text}}).str(),
          admin_usage_page(viewer, {{sum}, "user", text, text, true, ""}).str(),
          admin_usage_page(viewer, {{}, text, text, text, false, text}).str(),
          admin_live_page(viewer, live).str(),
          admin_errors_page(viewer, {{{text, text, text, text, 3, 4}}, {{500, 2}}}).str(),
          admin_audit_page(viewer, {{row}, text, text, true, text}).str(),
          admin_configuration_page(viewer, {{text, text, text}}).str()};
}

std::vector<std::pair<std::string, size_t>> shape_of(const std::string& html) {
  std::vector<std::pair<std::string, size_t>> shape;
  for (const auto& each : tags_of(html))
    shape.emplace_back(each.name, each.attributes.size());
  return shape;
}

} // namespace

TEST_CASE("hostile names add no element and no attribute to a page of admins") {
  const auto tame = all_pages("ada"), wild = all_pages(hostile);
  REQUIRE(tame.size() == wild.size());
  for (size_t i = 0; i < tame.size(); ++i) {
    CAPTURE(i);
    CHECK(shape_of(tame[i]) == shape_of(wild[i]));
    CHECK_FALSE(contains(wild[i], "<script>alert"));
    CHECK_FALSE(contains(wild[i], "<img"));
  }
}

TEST_CASE("each form of a page of admins carries the token and no script does anything for it") {
  for (const auto& page : all_pages("ada")) {
    size_t posts = 0, tokens = 0;
    for (const auto& each : tags_of(page)) {
      posts += each.name == "form" && each.get("method") == "post" ? 1 : 0;
      tokens += each.name == "input" && each.get("name") == "csrf" && each.get("value") == "token" ? 1 : 0;
      CHECK_FALSE(each.has("onclick"));
      CHECK_FALSE(each.has("hx-post"));
    }
    CHECK(posts == tokens);
  }
}

TEST_CASE("what is live names users and chats, with a button that stops it, and says nothing of what is in them") {
  live_view view{{{7, 42, "offline", 1}}, {{7, 43, "busy", 0, 4096}, {8, 44, "idle", 7'300, 0}}, {{7, "ada"}}, 1, {}};
  const auto page = admin_live_page({"root", true, "token", true}, view).str();
  for (auto part : {"ada", ">42<", ">43<", "offline", "busy", "4 KiB", "user 8", "2 h"})
    CHECK_MESSAGE(contains(page, part), part);
  CHECK(contains(admin_live_page({"root", true, "token", true}, {}).str(), "No run is on."));
}

TEST_CASE("bars stand for money of one currency, else for tokens, and the longest one is full") {
  usage_sum dear, cheap, none;
  dear.key = "dear";
  dear.currency = cheap.currency = "EUR";
  dear.cost_nano = 1'000;
  cheap.cost_nano = 1;
  none.tokens.input = 5;
  auto page = [](std::vector<usage_sum> sums) {
    return admin_usage_page({"root", true, "token", true},
                            {std::move(sums), "user", "2026-01-01", "2026-01-02", false, ""})
      .str();
  };
  const auto money = page({dear, cheap, none});
  CHECK(contains(money, "Share of cost"));
  CHECK(contains(money, "M0 0h100v8H0z"));
  CHECK(contains(money, "M0 0h1v8H0z")); // little, but not nothing
  CHECK(contains(money, "M0 0h0v8H0z"));
  cheap.currency = "USD";
  CHECK(contains(page({dear, cheap, none}), "Share of tokens"));
  CHECK(contains(page({}), "Nothing was used"));
}

TEST_CASE("a person's groups and limits are shown with where they come from") {
  person one;
  one.user.id = 7;
  one.user.name = "ada";
  one.groups = {
    {"data", "ada", group_source::local}, {"staff", "ada", group_source::local}, {"staff", "ada", group_source::login}};
  people_view view{{{one}, false}, "", true, true, {}};
  const page_viewer root{"root", true, "token", true};
  CHECK(contains(admin_people_page(root, view).str(), "2 groups, 0 limits"));
  view.notes[7].limits = {{"tokens_per_day", "1000", "group data (varro limit)"}};
  const auto page = admin_people_page(root, view).str();
  CHECK(contains(page, "2 groups, 1 limit<"));
  CHECK(contains(page, "<li>data<span class=\"quiet-text\"> by varro group</span></li>"));
  CHECK(contains(page, "<li>staff<span class=\"quiet-text\"> by the login</span></li>"));
  CHECK(contains(page, "<li>tokens_per_day: 1000<span class=\"quiet-text\"> group data (varro limit)</span></li>"));
  CHECK(contains(page, "<td>active</td>"));
  view.notes[7].outside = true;
  CHECK(contains(admin_people_page(root, view).str(), "<td>cannot log in by auth.mode</td>"));
  view.page.people[0].user.disabled = true;
  CHECK(contains(admin_people_page(root, view).str(), "<td>disabled</td>"));
}

TEST_CASE("a role that a login says is shown as such, and has no button") {
  person admin;
  admin.user.id = 7;
  admin.user.name = "ada";
  admin.user.role = user_role::admin;
  people_view view{{{admin}, false}, "", true, false, {}};
  view.notes[7].role_by = "oidc.admin_values";
  const auto page = admin_people_page({"root", true, "token", true}, view).str();
  CHECK(contains(page, "<td>admin<span class=\"quiet-text\"> by the login (oidc.admin_values)</span></td>"));
  CHECK_FALSE(contains(page, "/admin/people/make-user"));
  for (auto word : {"disable", "end-sessions", "revoke-tokens"})
    CHECK_MESSAGE(contains(page, "/admin/people/" + std::string{word}), word);
}

TEST_CASE("who is being erased has no button, and their page no form; who was erased is called by a number") {
  person one;
  one.user.id = 7;
  one.user.name = "ada";
  const page_viewer viewer{"root", true, "token", true};
  const std::vector<erasure_shown> on{{{7, erasure_step::vacuum, 1, 0}, "ada"}},
    over{{{8, erasure_step::done, 1, 2}, ""}};
  CHECK(contains(admin_person_page(viewer, {one, true, true, {}, {}}).str(), "/admin/person/erase"));
  CHECK_FALSE(contains(admin_person_page(viewer, {one, false, true, {}, {}}).str(), "<form"));
  const auto page = admin_person_page(viewer, {one, true, true, {}, {}, on}).str();
  CHECK_FALSE(contains(page, "<form"));
  CHECK(contains(page, "the database is being written anew"));
  const auto people = admin_people_page(viewer, {{{one}, false}, "", true, true, {}, {}, on}).str();
  CHECK_FALSE(contains(people, "/admin/people/"));
  CHECK(contains(people, "being erased"));
  CHECK(contains(admin_people_page(viewer, {{{one}, false}, "", true, true, {}, {}, over}).str(), pseudonym_of(8)));
}

TEST_CASE("an admin has no button for what makes no sense") {
  person off, user, admin;
  off.user.name = "off";
  off.user.disabled = true;
  user.user.name = "user";
  admin.user.name = "admin";
  admin.user.role = user_role::admin;
  auto page = [](person one, bool many, bool passwords = true) {
    return admin_people_page({"root", true, "token", true}, {{{std::move(one)}, false}, "", many, passwords, {}}).str();
  };
  CHECK(contains(page(off, true), "/admin/people/enable"));
  CHECK_FALSE(contains(page(off, true), "/admin/people/disable"));
  CHECK(contains(page(user, true), "/admin/people/make-admin"));
  CHECK(contains(page(admin, true), "/admin/people/make-user"));
  CHECK_FALSE(contains(page(user, false), "/admin/people/"));
  CHECK(contains(page(user, true), "/admin/people/reset-link"));
  CHECK_FALSE(contains(page(user, true, false), "/admin/people/reset-link"));
  CHECK(contains(page(user, true, false), "/admin/people/disable"));
}
