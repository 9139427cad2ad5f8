// The pages of admins over HTTP, on a database: who may see and do what, and what the audit tells of it.
#include "accounts/refusal_notes.hpp"
#include "accounts/tokens.hpp"
#include "storage/audit_chain.hpp"
#include "tests/http/account_world.hpp"
#include "tests/support/raw_database.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

using namespace varro;
using namespace varro::test;

namespace {

struct admin_world : account_world {
  using account_world::account_world;
  int64_t ada_id = add("ada", user_role::admin);
  int64_t bob_id = add("bob");

  std::string audit() {
    std::string text;
    const auto rows = db->audit_rows({.limit = 1'000, .oldest_first = true});
    REQUIRE(rows);
    for (const auto& row : *rows)
      text += actor_of(row) + "|" + row.action + "|" + subject_of(row) + "\n";
    return text;
  }
  size_t audit_count(std::string_view part) {
    const auto text = audit();
    size_t count = 0;
    for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
      ++count;
    return count;
  }
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// The first thing between these two.
std::string between(const std::string& text, std::string_view before, std::string_view after) {
  auto begin = text.find(before);
  REQUIRE(begin != std::string::npos);
  begin += before.size();
  return text.substr(begin, text.find(after, begin) - begin);
}

constexpr auto pages
  = {"/admin",        "/admin/usage",       "/admin/usage.csv", "/admin/live",         "/admin/turns",
     "/admin/errors", "/admin/invitations", "/admin/audit",     "/admin/configuration"};

} // namespace

TEST_CASE("the pages of admins are there for admins, and are no pages for others") {
  admin_world world;
  browser admin{world}, user{world}, nobody{world};
  REQUIRE(admin.log_in("ada") == 303);
  REQUIRE(user.log_in("bob") == 303);
  for (auto page : pages) {
    CAPTURE(page);
    CHECK(admin.get(page).status == 200);
    CHECK(user.get(page).status == 404);
    CHECK(nobody.get(page).status == 303);
  }
  CHECK(contains(admin.get("/").body, "href=\"/admin\""));
  CHECK_FALSE(contains(user.get("/").body, "/admin"));
  user.get("/account"); // for its token
  for (auto form :
       {"/admin/people/disable", "/admin/people/make-admin", "/admin/people/reset-link", "/admin/people/end-sessions",
        "/admin/people/revoke-tokens", "/admin/invitations", "/admin/invitations/revoke", "/admin/live/stop"})
    CHECK_MESSAGE(user.post(form, "name=ada&role=admin&what=run&user=1&chat=42").status == 404, form);
  CHECK_FALSE(world.db->find_user("ada")->disabled);
  CHECK(world.db->find_user("bob")->role == user_role::user);
  // Whoever is an admin no more sees it with the next request.
  REQUIRE(world.db->set_role("bob", user_role::admin) == caf::none);
  CHECK(user.get("/admin").status == 200);
  REQUIRE(world.db->set_role("bob", user_role::user) == caf::none);
  CHECK(user.get("/admin").status == 404);
}

TEST_CASE("what is not on is not stopped, and the audit does not tell that it was") {
  admin_world world;
  browser admin{world};
  REQUIRE(admin.log_in("ada") == 303);
  admin.get("/admin");
  for (auto what : {"run", "shell"})
    CHECK(admin.post("/admin/live/stop", std::string{"what="} + what + "&chat=42&user=" + std::to_string(world.bob_id))
            .status
          == 404);
  CHECK(world.audit_count("work.stopped") == 0);
}

TEST_CASE("an admin disables and enables a user, who is out at once") {
  admin_world world;
  browser admin{world}, user{world};
  REQUIRE(admin.log_in("ada") == 303);
  REQUIRE(user.log_in("bob") == 303);
  admin.get("/admin");
  auto without_token = admin;
  without_token.csrf = std::string(64, '0');
  CHECK(without_token.post("/admin/people/disable", "name=bob").status == 403);
  CHECK(user.is_in());
  CHECK(admin.post("/admin/people/disable", "name=bob").field("Location") == "/admin?done=disable&q=bob");
  CHECK_FALSE(user.is_in());
  CHECK(user.log_in("bob") == 401);
  CHECK(contains(admin.get("/admin?q=bob").body, "disabled"));
  CHECK(admin.post("/admin/people/reset-link", "name=bob").status == 422);
  CHECK(admin.post("/admin/people/enable", "name=bob").status == 303);
  CHECK(user.log_in("bob") == 303);
  CHECK(admin.post("/admin/people/end-sessions", "name=bob").status == 303);
  CHECK_FALSE(user.is_in());
  CHECK(admin.post("/admin/people/disable", "name=nobody").status == 404);
  CHECK(admin.post("/admin/people/disable", "name=%00%ff").status == 422);
  CHECK(admin.post("/admin/people/erase", "name=bob").status == 404);
  CHECK(contains(world.audit(), "ada|user.disabled|bob\n"));
  CHECK(contains(world.audit(), "ada|user.enabled|bob\n"));
  CHECK(contains(world.audit(), "ada|sessions.ended|bob\n"));
}

TEST_CASE("an admin revokes a user's tokens, whose streams end at once, and disabling takes them along") {
  admin_world world;
  browser admin{world}, user{world};
  REQUIRE(admin.log_in("ada") == 303);
  REQUIRE(user.log_in("bob") == 303);
  admin.get("/admin");
  auto with_token = [&](const char* word) {
    CAPTURE(word);
    const auto made = make_api_token();
    const token_record record{
      made.hash, made.id, world.bob_id, "a script", {true, false, false}, now_us(), now_us() + 3'600'000'000, 0};
    REQUIRE(world.db->apply(token_write{token_made{record, 10}}) == caf::none);
    const std::vector<std::string> field{"Authorization: Bearer " + made.token};
    CHECK(world.get("/chats", field).status == 200);
    CHECK(admin.post("/admin/people/" + std::string{word}, "name=bob").status == 303);
    CHECK(world.get("/chats", field).status == 401);
    CHECK(world.script->wait_for([&] { return std::ranges::count(world.script->logged_out, made.hash) == 1; }));
  };
  with_token("revoke-tokens");
  CHECK(user.is_in());
  CHECK(contains(world.audit(), "ada|tokens.revoked|bob\n"));
  with_token("disable");
  CHECK_FALSE(user.is_in());
  CHECK(admin.post("/admin/people/revoke-tokens", "name=nobody").status == 404);
}

TEST_CASE("the last admin can neither be disabled nor be made a user, by themselves either") {
  admin_world world;
  browser admin{world};
  REQUIRE(admin.log_in("ada") == 303);
  admin.get("/admin");
  for (auto form : {"/admin/people/disable", "/admin/people/make-user"}) {
    auto answer = admin.post(form, "name=ada");
    CHECK(answer.status == 422);
    CHECK(contains(answer.body, "is the last admin who can log in"));
  }
  CHECK(admin.post("/admin/people/make-admin", "name=bob").status == 303);
  CHECK(admin.post("/admin/people/make-user", "name=ada").status == 303);
  CHECK(admin.get("/admin").status == 404);
  CHECK(contains(world.audit(), "ada|user.role|bob\n"));
  CHECK(contains(world.audit(), "ada|user.role|ada\n"));
}

TEST_CASE("a link for another password is shown once, and works once") {
  admin_world world;
  browser admin{world}, user{world};
  REQUIRE(admin.log_in("ada") == 303);
  admin.get("/admin");
  auto answer = admin.post("/admin/people/reset-link", "name=bob");
  REQUIRE(answer.status == 200);
  const auto link = between(answer.body, "<code class=\"made-link\">", "</code>");
  const auto path = link.substr(link.find("/reset/"));
  CHECK(link.starts_with("http://127.0.0.1"));
  CHECK_FALSE(contains(admin.get("/admin/invitations").body, path.substr(7)));
  user.get(path);
  CHECK(user.post(path, "password=another+horse&again=another+horse").status == 200);
  CHECK(user.log_in("bob", "another+horse") == 303);
  CHECK(user.get(path).status == 404);
  CHECK(contains(world.audit(), "ada|link.made|bob, reset "));
  CHECK(contains(world.audit(), "bob|password.reset|bob, reset "));
}

TEST_CASE("links are made, listed and taken back") {
  admin_world world{[](config& settings) { settings.auth.sign_up = "invitation"; }};
  browser admin{world}, user{world};
  REQUIRE(admin.log_in("ada") == 303);
  admin.get("/admin/invitations");
  CHECK(admin.post("/admin/invitations", "role=root").status == 422);
  auto answer = admin.post("/admin/invitations", "role=user");
  REQUIRE(answer.status == 200);
  const auto link = between(answer.body, "<code class=\"made-link\">", "</code>");
  const auto path = link.substr(link.find("/join/"));
  CHECK(user.get(path).status == 200);
  const auto hash = between(admin.get("/admin/invitations").body, "name=\"link\" value=\"", "\"");
  CHECK(hash == hash_session_token(path.substr(6)));
  CHECK(admin.post("/admin/invitations/revoke", "link=" + hash).status == 303);
  CHECK(user.get(path).status == 404);
  CHECK(admin.post("/admin/invitations/revoke", "link=" + hash).status == 404);
  CHECK(contains(world.audit(), "ada|link.made|invitation " + hash.substr(0, 8) + "\n"));
  CHECK(contains(world.audit(), "ada|link.revoked|invitation " + hash.substr(0, 8) + "\n"));
}

TEST_CASE("where nobody may join an admin makes no invitation either") {
  admin_world world; // closed
  browser admin{world};
  REQUIRE(admin.log_in("ada") == 303);
  CHECK(contains(admin.get("/admin/invitations").body, "auth.sign_up"));
  REQUIRE(admin.get("/admin").status == 200); // whose forms have a token
  CHECK(admin.post("/admin/invitations", "role=user").status == 422);
  CHECK(world.audit_count("link.made") == 0);
}

TEST_CASE("people are found by a part of their names, and paged by key") {
  admin_world world;
  for (int i = 0; i < 120; ++i)
    REQUIRE(world.db->add_user("user" + std::to_string(1'000 + i), "hash"));
  browser admin{world};
  REQUIRE(admin.log_in("ada") == 303);
  std::vector<std::string> seen;
  std::string address = "/admin?q=USER1";
  for (int page = 0; page < 10 && !address.empty(); ++page) {
    const auto body = admin.get(address).body;
    for (size_t at = 0; (at = body.find("data-user=\"", at)) != std::string::npos; ++at)
      seen.push_back(body.substr(at + 11, body.find('"', at + 11) - at - 11));
    address = contains(body, "Further people") ? "/admin?q=user1&after=" + seen.back() : "";
  }
  CHECK(seen.size() == 120);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
  CHECK(contains(admin.get("/admin?q=%25").body, "nobody of this name")); // no pattern, a text
}

TEST_CASE("the people page shows groups and limits, which value holds, and who cannot log in") {
  admin_world world{[](config& settings) {
    settings.limits.everybody.chats = 9;
    settings.limits.groups.push_back({"data", {}});
    settings.limits.groups.back().limits.tokens_per_day = 500;
  }};
  REQUIRE(world.db->add_membership("data", "bob", {}) == caf::none);
  REQUIRE(world.db->set_limit({limit_subject::user, "bob", "runs_at_once", "2"}) == caf::none);
  identity_seen eve;
  eve.key = {"https://former.example.org", "s-1"};
  eve.name = "eve";
  eve.users_max = 10;
  REQUIRE(world.db->apply(account_write{eve}) == caf::none);
  browser admin{world};
  REQUIRE(admin.log_in("ada") == 303);
  const auto bob = admin.get("/admin?q=bob").body;
  CHECK(contains(bob, "1 group, 3 limits"));
  CHECK(contains(bob, ">data<"));
  CHECK(contains(bob, "runs_at_once: 2<span class=\"quiet-text\"> their own"));
  CHECK(contains(bob, "tokens_per_day: 500<span class=\"quiet-text\"> group data (configuration)"));
  CHECK(contains(bob, "chats: 9<span class=\"quiet-text\"> everybody (configuration)"));
  CHECK(contains(bob, "<td>active</td>"));
  CHECK(contains(admin.get("/admin?q=ada").body, "0 groups, 1 limit<"));
  CHECK(contains(admin.get("/admin?q=eve").body, "cannot log in by auth.mode"));
}

TEST_CASE("what admins ask of the database is read by another thread than everybody's chats") {
  admin_world world{{}, [](http_services& services) {
                      services.admin_reader = services.system.spawn(twin_reader, std::make_shared<twin_script>());
                    }};
  browser admin{world};
  REQUIRE(admin.log_in("ada") == 303);
  CHECK(admin.get("/account").status == 200);
  for (auto page : {"/admin", "/admin/usage", "/admin/usage.csv", "/admin/errors", "/admin/audit"})
    CHECK_MESSAGE(admin.get(page).status == 500, page); // a twin knows nothing of others
}

TEST_CASE("usage is shown for days that exist and not for too many") {
  admin_world world;
  usage_row row;
  row.at = now_us();
  row.user_id = world.bob_id;
  row.outcome = usage_outcome::answered;
  row.model = "=cmd|' /C calc'!A0";
  row.tokens.input = 1'234'567;
  row.cost_nano = 2'500'000'000;
  row.currency = "EUR";
  REQUIRE(world.db->note_usage({row}) == caf::none);
  browser admin{world};
  REQUIRE(admin.log_in("ada") == 303);
  const auto by_user = admin.get("/admin/usage?by=user").body;
  CHECK(contains(by_user, ">bob<"));
  CHECK(contains(by_user, "1,234,567"));
  CHECK(contains(by_user, "2.5"));
  const auto csv = admin.get("/admin/usage.csv?by=model");
  CHECK(contains(csv.field("Content-Type"), "text/csv"));
  CHECK(contains(csv.body, "\n'=cmd|")); // no formula
  CHECK(contains(admin.get("/admin/usage?since=2020-01-01&until=2020-02-01").body, "Nothing was used"));
  CHECK(admin.get("/admin/usage?since=2024-01-01&until=2024-12-31").status == 200); // 366 days
  CHECK(admin.get("/admin/usage?since=2024-01-01&until=2025-01-01").status == 422);
  for (auto query : {"since=2024-02-30", "since=x", "until=9999", "since=2024-02-02&until=2024-02-01"})
    CHECK_MESSAGE(admin.get("/admin/usage?" + std::string{query}).status == 422, query);
  CHECK(admin.get("/admin/usage.csv?since=x").status == 422);
}

TEST_CASE("what failed within a day is counted by kind; what ended well or was stopped is not there") {
  admin_world world;
  std::vector<usage_row> rows;
  auto add_row = [&](const char* kind, const char* outcome, unix_us at) {
    usage_row row;
    row.at = at;
    row.kind = kind;
    row.outcome = outcome;
    row.provider = kind == std::string_view{usage_kind::model} ? "vendor-1" : "";
    rows.push_back(std::move(row));
  };
  const auto now = now_us();
  for (auto outcome : {usage_outcome::answered, usage_outcome::stopped, usage_outcome::refused, usage_outcome::refused})
    add_row(usage_kind::model, outcome, now);
  for (auto outcome : {"ok", "failed", "interrupted", "killed"})
    add_row(usage_kind::cell, outcome, now);
  add_row(usage_kind::model, usage_outcome::broken, now - 25 * 3'600'000'000);
  REQUIRE(world.db->note_usage(rows) == caf::none);
  browser admin{world};
  REQUIRE(admin.log_in("ada") == 303);
  const auto body = admin.get("/admin/errors").body;
  CHECK(contains(body, "<td>refused</td><td>vendor-1</td><td></td><td class=\"number\">2</td>"));
  CHECK(contains(body, "<td>killed</td>"));
  for (auto outcome : {"answered", "stopped", "broken", "ok", "failed", "interrupted"})
    CHECK_FALSE_MESSAGE(contains(body, "<td>" + std::string{outcome} + "</td>"), outcome);
}

TEST_CASE("the audit is filtered and paged") {
  admin_world world;
  for (int i = 0; i < 120; ++i)
    REQUIRE(world.db->set_disabled("bob", i % 2 == 0, {world.ada_id, "ada", audit_way::browser, ""}) == caf::none);
  browser admin{world};
  REQUIRE(admin.log_in("ada") == 303);
  const auto body = admin.get("/admin/audit?action=user.disabled&user=bob").body;
  CHECK(contains(body, "user.disabled"));
  CHECK_FALSE(contains(body, ">user.enabled<"));
  CHECK_FALSE(contains(body, "Older ones"));
  const auto newest = admin.get("/admin/audit").body;
  CHECK(contains(newest, "Older ones"));
  CHECK_FALSE(contains(admin.get("/admin/audit?before=60").body, "Older ones"));
  CHECK(admin.get("/admin/audit?user=nobody").status == 422);
  CHECK(admin.get("/admin/audit?user=" + std::string(101, 'x')).status == 200); // taken for nothing
  CHECK(contains(admin.get("/admin/audit?user=user%20" + std::to_string(world.bob_id)).body, "bob"));
}

TEST_CASE("what admins look at is told once an hour, and nothing is shown that cannot be told") {
  admin_world world;
  browser admin{world};
  REQUIRE(admin.log_in("ada") == 303);
  for (int i = 0; i < 5; ++i)
    CHECK(admin.get("/admin/usage").status == 200);
  CHECK(world.audit_count("ada|admin.read|/admin/usage\n") == 1);
  raw_database{world.place.path() / "varro.db"}.execute(
    "CREATE TRIGGER no_more BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END");
  CHECK(admin.get("/admin/usage").status == 200);
  CHECK(admin.get("/admin/audit").status == 500);
}

TEST_CASE("refused logins are told, but a flood of them does not fill the audit") {
  admin_world world{[](config& settings) { settings.auth.attempts_max = 3; }};
  REQUIRE(world.db->set_disabled("bob", true) == caf::none);
  browser visitor{world};
  CHECK(visitor.log_in("ada", "wrong") == 401);
  CHECK(visitor.log_in("bob") == 401);
  CHECK(visitor.log_in("my-own-password") == 401);
  for (int i = 0; i < 40; ++i)
    CHECK(visitor.log_in("ada") == 429);
  auto refused = [&] { return *world.db->audit_rows({.action = "login.refused", .limit = 100, .oldest_first = true}); };
  // Nobody waits for these rows.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  while (refused().size() < static_cast<size_t>(refusals_written_per_hour_and_address_max)
         && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  // All that was sent before is written before this.
  REQUIRE(world.db->set_disabled("bob", false) == caf::none);
  const auto rows = refused();
  REQUIRE(rows.size() == static_cast<size_t>(refusals_written_per_hour_and_address_max));
  CHECK(subject_of(rows[0]) == "ada");
  CHECK(contains(rows[0].details, refusal_reason::wrong_password));
  CHECK(contains(rows[1].details, refusal_reason::disabled));
  CHECK(contains(rows[2].details, refusal_reason::unknown_name));
  CHECK(contains(rows[3].details, refusal_reason::too_many));
  for (const auto& row : rows)
    CHECK_FALSE(contains(row.details + subject_of(row) + actor_of(row), "my-own-password"));
}
