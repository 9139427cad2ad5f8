// What programs of admins may do with people, links and limits: over HTTP, on a database.
#include "accounts/tokens.hpp"
#include "base/json.hpp"
#include "tests/http/account_world.hpp"

#include <algorithm>
#include <chrono>

using namespace varro;
using namespace varro::test;

namespace {

struct people_world : account_world {
  explicit people_world(std::string sign_up = "invitation")
    : account_world([=](config& settings) { settings.auth.sign_up = sign_up; }) {}

  int64_t ada = add("ada", user_role::admin);
  int64_t bob = add("bob");
  std::string by_token = "Authorization: Bearer " + new_token(ada, {false, false, true});
  std::vector<std::string> by_session = new_session(ada);

  std::string new_token(int64_t user, token_scopes scopes) {
    const auto made = make_api_token();
    const token_record record{made.hash, made.id, user, "a script", scopes, now_us(), now_us() + 3'600'000'000, 0};
    REQUIRE(db->apply(token_write{token_made{record, 100}}) == caf::none);
    return made.token;
  }
  std::vector<std::string> new_session(int64_t user) {
    const auto made = make_session_token();
    const auto csrf = make_csrf_token();
    REQUIRE(db->put_login({made.hash, user, csrf, now_us(), now_us() + 3'600'000'000}) == caf::none);
    return {"Cookie: varro_session=" + made.token, "X-CSRF-Token: " + csrf};
  }

  http_answer ask_as(std::vector<std::string> fields, std::string_view method, const std::string& path,
                     const std::string& body = "") {
    fields.emplace_back("Content-Type: application/json");
    return ask(port, method, "/api/v1/admin" + path, fields, body);
  }
  http_answer with_token(std::string_view method, const std::string& path, const std::string& body = "") {
    return ask_as({by_token}, method, path, body);
  }
  http_answer with_session(std::string_view method, const std::string& path, const std::string& body = "") {
    return ask_as(by_session, method, path, body);
  }
  json shown(const std::string& path) {
    const auto answer = with_token("GET", path);
    REQUIRE(answer.status == 200);
    return *parse_json(answer.body);
  }
  bool audited(std::string_view line) {
    std::string text;
    const auto rows = db->audit_rows({.limit = 1'000, .oldest_first = true});
    REQUIRE(rows);
    for (const auto& row : *rows)
      text += actor_of(row) + "|" + row.way + "|" + row.action + "|" + subject_of(row) + "\n";
    CAPTURE(text);
    return text.find(line) != std::string::npos;
  }
};

} // namespace

TEST_CASE("a program of an admin disables and enables a user, whose sessions and tokens are over") {
  people_world world;
  const auto session = world.new_session(world.bob);
  const auto token = make_api_token();
  const token_record record{
    token.hash, token.id, world.bob, "x", {true, false, false}, now_us(), now_us() + 3'600'000'000, 0};
  REQUIRE(world.db->apply(token_write{token_made{record, 100}}) == caf::none);
  CHECK(world.get("/chats", {"Authorization: Bearer " + token.token}).status == 200);
  CHECK(world.with_token("POST", "/people/bob/disable").status == 204);
  CHECK(world.get("/chats", session).status == 403);
  CHECK(world.get("/chats", {"Authorization: Bearer " + token.token}).status == 401);
  CHECK(world.script->wait_for([&] { return std::ranges::count(world.script->logged_out, token.hash) == 1; }));
  auto bob = world.shown("/people/bob");
  CHECK(bob["disabled"] == true);
  CHECK(bob["can_log_in"] == false);
  CHECK(world.with_token("POST", "/people/Bob/enable").status == 204);
  CHECK(world.shown("/people/bob")["disabled"] == false);
  CHECK(world.audited("ada|token|user.disabled|bob\n"));
  CHECK(world.audited("ada|token|user.enabled|bob\n"));
  CHECK(world.with_token("POST", "/people/nobody/disable").status == 404);
  CHECK(world.with_token("POST", "/people/b%20b/disable").status == 422);
  CHECK(world.with_token("POST", "/people/bob/obey").status == 404);
}

TEST_CASE("a token makes no admin and no way in, and a browser session does") {
  people_world world;
  struct step {
    std::string_view method;
    std::string path, body;
    int status;
  };
  for (const auto& each :
       {step{"POST", "/people/bob/make-admin", "", 204}, step{"POST", "/people/bob/reset-link", "", 201},
        step{"POST", "/links", "{}", 201}, step{"DELETE", "/people/bob", "", 202}}) {
    CAPTURE(each.path);
    CHECK(world.with_token(each.method, each.path, each.body).status == 403);
    CHECK(world.with_session(each.method, each.path, each.body).status == each.status);
  }
  CHECK(world.audited("ada|browser|user.role|bob\n"));
  CHECK(world.audited("ada|browser|user.erased|bob\n"));
}

TEST_CASE("the last admin who can log in stays one, by the API too") {
  people_world world;
  for (const auto* word : {"disable", "make-user"})
    CHECK(world.with_token("POST", std::string{"/people/ada/"} + word).status == 422);
  CHECK(world.with_session("DELETE", "/people/ada").status == 422);
  CHECK(world.with_session("POST", "/people/bob/make-admin").status == 204);
  CHECK(world.with_token("POST", "/people/bob/make-user").status == 204);
  CHECK(world.shown("/people/bob")["role"] == "user");
}

TEST_CASE("a link that a program of an admin made is listed, used and revoked") {
  people_world world;
  const auto made = world.with_session("POST", "/links", R"({"role": "admin"})");
  REQUIRE(made.status == 201);
  const auto link = *parse_json(made.body);
  const auto url = link["url"].get<std::string>();
  const auto path = url.substr(url.find("/join/"));
  CHECK(link["role"] == "admin");
  CHECK(link["id"] == hash_session_token(path.substr(6)));
  CHECK(made.field("Location") == "/api/v1/admin/links/" + link["id"].get<std::string>());
  CHECK(world.get(path).status == 200);
  const auto reset = world.with_session("POST", "/people/bob/reset-link");
  REQUIRE(reset.status == 201);
  const auto links = world.shown("/links")["links"];
  CHECK(links.size() == 2);
  for (const auto& each : links) {
    CHECK_FALSE(each.contains("url"));
    CHECK((each["purpose"] == "reset" ? each["user"] == "bob" : each["role"] == "admin"));
  }
  const auto address = "/links/" + link["id"].get<std::string>();
  CHECK(world.with_token("DELETE", address).status == 204);
  CHECK(world.with_token("DELETE", address).status == 404);
  CHECK(world.get(path).status == 404);
  CHECK(world.with_session("POST", "/links", R"({"role": "king"})").status == 422);
  CHECK(world.with_session("POST", "/links", R"({"role": 1})").status == 422);
  CHECK(world.with_token("POST", "/people/bob/disable").status == 204);
  CHECK(world.with_session("POST", "/people/bob/reset-link").status == 422);
}

TEST_CASE("where nobody may join there is no link for an account") {
  people_world world{"closed"};
  CHECK(world.with_session("POST", "/links", "{}").status == 422);
  CHECK(world.with_session("POST", "/people/bob/reset-link").status == 201);
}

TEST_CASE("a limit is set, shown with who says it, and taken back") {
  people_world world;
  CHECK(
    world.with_token("POST", "/limits", R"({"subject": "user", "who": "BOB", "name": "chats", "value": "3"})").status
    == 204);
  CHECK(
    world.with_token("POST", "/limits", R"({"subject": "group", "who": "data", "name": "chats", "value": "7"})").status
    == 204);
  CHECK(world.with_token("POST", "/limits", R"({"subject": "everybody", "name": "chats", "value": "9"})").status
        == 204);
  CHECK(world.shown("/limits")["limits"].size() == 3);
  const auto limits = world.shown("/people/bob")["limits"];
  const auto found = std::ranges::find_if(limits, [](const json& each) { return each["name"] == "chats"; });
  REQUIRE(found != limits.end());
  CHECK((*found)["value"] == "3");
  CHECK(world.with_token("POST", "/limits", R"({"subject": "user", "who": "bob", "name": "chats"})").status == 204);
  CHECK(world.with_token("POST", "/limits", R"({"subject": "user", "who": "bob", "name": "chats"})").status == 404);
  CHECK(world.shown("/limits")["limits"].size() == 2);
  CHECK(world.audited("ada|token|limit.set|bob\n"));
  CHECK(world.audited("ada|token|limit.cleared|bob\n"));
}

TEST_CASE("a limit with an empty value is set, and without one it is taken back") {
  people_world world;
  const std::string models = R"({"subject": "everybody", "name": "models")";
  for (const auto* back : {"}", R"(, "value": null})"}) {
    CHECK(world.with_token("POST", "/limits", models + R"(, "value": "a"})").status == 204);
    CHECK(world.with_token("POST", "/limits", models + R"(, "value": ""})").status == 204);
    const auto limits = world.shown("/limits")["limits"];
    REQUIRE(limits.size() == 1);
    CHECK(limits[0]["name"] == "models");
    CHECK(limits[0]["value"] == "");
    CHECK(world.with_token("POST", "/limits", models + back).status == 204);
    CHECK(world.shown("/limits")["limits"].empty());
  }
  CHECK(world.with_token("POST", "/limits", R"({"subject": "everybody", "name": "chats", "value": ""})").status == 422);
}

TEST_CASE("what is no limit is refused and sets nothing") {
  people_world world;
  for (const auto* body : {
         R"({})",
         R"({"subject": "user", "name": "chats", "value": "3"})",
         R"({"subject": "everybody", "who": "bob", "name": "chats", "value": "3"})",
         R"({"subject": "people", "who": "bob", "name": "chats", "value": "3"})",
         R"({"subject": "everybody", "name": "cats", "value": "3"})",
         R"({"subject": "everybody", "name": "chats", "value": "many"})",
         R"({"subject": "everybody", "name": "chats", "value": "-1"})",
         R"({"subject": "everybody", "name": "chats", "value": 3})",
       })
    CHECK_MESSAGE(world.with_token("POST", "/limits", body).status == 422, body);
  const auto group = [](size_t bytes) {
    return R"({"subject": "group", "name": "chats", "value": "1", "who": ")" + std::string(bytes, 'a') + "\"}";
  };
  CHECK(world.with_token("POST", "/limits", group(201)).status == 422);
  CHECK(world.shown("/limits")["limits"].empty());
  CHECK(world.with_token("POST", "/limits", group(200)).status == 204);
  CHECK(
    world.with_token("POST", "/limits", R"({"subject": "user", "who": "cid", "name": "chats", "value": "1"})").status
    == 404);
}

TEST_CASE("a program of an admin is told what failed") {
  people_world world;
  usage_row row;
  row.at = now_us();
  row.user_id = world.bob;
  row.kind = usage_kind::model;
  row.outcome = usage_outcome::refused;
  row.provider = "vendor-1";
  REQUIRE(world.db->note_usage({row, row}) == caf::none);
  const auto failures = world.shown("/errors")["failures"];
  REQUIRE(failures.size() == 1);
  CHECK(failures[0]["outcome"] == usage_outcome::refused);
  CHECK(failures[0]["provider"] == "vendor-1");
  CHECK(failures[0]["count"] == 2);
  CHECK(failures[0]["newest_at"] == row.at);
}
