#include "tests/http/routes_world.hpp"

#include <algorithm>

using namespace varro;
using namespace varro::test;

namespace {

struct accounts_world : routes_world {
  accounts_world() : routes_world(auth_mode::accounts, [](config& settings) { settings.auth.attempts_max = 3; }) {
    auto hash = hash_password("correct horse", settings.auth);
    REQUIRE(hash);
    script->users = {{ada, "ada", *hash, false, 0}, {bob, "bob", *hash, true, 0}};
  }
  // The cookies of a response, as a Cookie field.
  static std::string cookies_of(const http_answer& answer) {
    std::string result;
    for (size_t at = 0; (at = answer.head.find("Set-Cookie: ", at)) != std::string::npos; ++at) {
      auto value = answer.head.substr(at + 12, answer.head.find(';', at) - at - 12);
      result += (result.empty() ? "Cookie: " : "; ") + value;
    }
    return result;
  }
  http_answer log_in(std::string_view name, std::string_view password) {
    return post("/login", "username=" + std::string{name} + "&password=" + std::string{password});
  }
  std::string csrf() {
    std::lock_guard lock{script->mutex};
    return script->logins.back().csrf;
  }
};

} // namespace

TEST_CASE("nobody logged in: pages lead to the login, everything else is 403") {
  accounts_world world;
  CHECK(world.get("/").field("Location") == "/login");
  CHECK(world.get("/chat/42").field("Location") == "/login?next=/chat/42");
  for (std::string target :
       {"/chats", "/chat/stream/42", "/chat/42/files", "/chat/42/files/a", "/chat/42/export.json"}) {
    CAPTURE(target);
    CHECK(world.get(target).status == 403);
  }
  for (std::string target :
       {"/chat/send", "/chat/42/cancel", "/chat/42/edit", "/chat/42/regenerate", "/chat/42/files"}) {
    CAPTURE(target);
    CHECK(world.post(target, "message=hi").status == 403);
  }
  CHECK(ask(world.port, "DELETE", "/chat/42").status == 403);
  CHECK(ask(world.port, "PATCH", "/chat/42").status == 403);
  CHECK(world.get("/healthz").status == 200);
  CHECK(world.get("/login").status == 200);
  CHECK(world.get("/", {"Cookie: varro_session=" + std::string(64, '0')}).status == 303);
}

TEST_CASE("a login opens a session, a logout ends it") {
  accounts_world world;
  auto answer = world.log_in("Ada", "correct+horse");
  REQUIRE(answer.status == 303);
  CHECK(answer.field("Location") == "/");
  CHECK(answer.field("Set-Cookie").find("; Path=/; HttpOnly; SameSite=Lax; Max-Age=") != std::string::npos);
  auto cookies = world.cookies_of(answer);
  CHECK(cookies.find(world.script->logins.front().token_hash) == std::string::npos); // the token, not its hash
  CHECK(world.get("/", {cookies}).status == 200);
  CHECK(world.get("/chat/42", {cookies}).status == 200);
  CHECK(world.get("/chat/43", {cookies}).status == 404);
  CHECK(world.get("/login", {cookies}).status == 303);
  CHECK(world.post("/logout", "", {cookies}).status == 403);
  CHECK(world.post("/logout", "csrf=" + world.csrf(), {cookies}).status == 303);
  CHECK(world.get("/", {cookies}).status == 303);
}

TEST_CASE("a login that a change of the password overtakes opens nothing, and leaves no session behind") {
  accounts_world world;
  world.script->on_login = [&world] { world.script->users[0].password_hash = "another"; };
  CHECK(world.log_in("ada", "correct+horse").status == 401);
  CHECK(world.script->wait_for([&] { return world.script->logins.empty(); }));
}

TEST_CASE("what the database cannot tell is nobody's wrong password") {
  accounts_world world;
  world.script->users.clear();
  world.script->users_fail = true;
  for (int i = 0; i < 5; ++i) // more than may fail
    CHECK(world.log_in("ada", "correct+horse").status == 500);
}

TEST_CASE("a login leads to the page that was asked for, and nowhere but to our own pages") {
  accounts_world world;
  CHECK(world.get("/login?next=/chat/42").body.find("name=\"next\" value=\"/chat/42\"") != std::string::npos);
  auto page_after = [&](const std::string& next) {
    auto form = "username=ada&password=correct+horse&next=" + next;
    return world.post("/login", form).field("Location");
  };
  CHECK(page_after("/chat/42") == "/chat/42");
  CHECK(page_after("%2Faccount") == "/account");
  for (auto elsewhere :
       {"", "https://evil.example", "//evil.example", "/%5Cevil.example", "%5C%5Cevil.example", "/%09/evil.example",
        "/chat/42%0d%0aSet-Cookie:%20a=b", "/chat/42/../../evil", "/chat/42?x=1", "/chat/42%23x", "/nothing", "/chats",
        "/logout", "/login", "javascript:alert(1)", "/chat/42/", "evil.example/chat/42", "%20/chat/42"}) {
    CAPTURE(elsewhere);
    CHECK(page_after(elsewhere) == "/");
    CHECK(world.get("/login?next=" + std::string{elsewhere}).body.find("name=\"next\"") == std::string::npos);
  }
}

TEST_CASE("what changes something needs the session's token, in the form or the field") {
  accounts_world world;
  auto cookies = world.cookies_of(world.log_in("ada", "correct+horse"));
  auto csrf = world.csrf();
  CHECK(world.post("/chat/send", "message=hi", {cookies}).status == 403);
  CHECK(world.post("/chat/send", "message=hi&csrf=" + std::string(csrf.size(), '0'), {cookies}).status == 403);
  CHECK(world.script->sent.empty());
  CHECK(world.post("/chat/send", "message=hi&csrf=" + csrf, {cookies}).status == 200);
  CHECK(world.post("/chat/send", "message=hi", {cookies, "X-CSRF-Token: " + csrf}).status == 200);
  CHECK(ask(world.port, "DELETE", "/chat/42", {cookies}).status == 403);
  CHECK(ask(world.port, "DELETE", "/chat/42", {cookies, "X-CSRF-Token: " + csrf}).status == 204);
  CHECK(ask(world.port, "PATCH", "/chat/42", {cookies, "Content-Type: application/json"}, R"({"title":"x"})").status
        == 403);
  CHECK(ask(world.port, "PATCH", "/chat/42", {cookies, "Content-Type: application/json", "X-CSRF-Token: " + csrf},
            R"({"title":"x"})")
          .status
        == 204);
}

TEST_CASE("a wrong password, an unknown name and a disabled user are told the same") {
  accounts_world world;
  auto wrong = world.log_in("ada", "wrong+password");
  auto unknown = world.log_in("nobody", "correct+horse");
  CHECK(wrong.status == 401);
  CHECK(unknown.status == 401);
  auto without_token = [](std::string body) {
    for (size_t at = 0; (at = body.find_first_of("0123456789abcdef", at)) != std::string::npos; ++at) {
      auto end = body.find_first_not_of("0123456789abcdef", at);
      if (end - at == 64)
        body.replace(at, 64, "token");
      at = std::min(end, body.size() - 1);
    }
    return body;
  };
  CHECK(without_token(wrong.body) == without_token(unknown.body));
  CHECK(world.log_in("bob", "correct+horse").status == 401);
  CHECK(world.script->logins.empty());
}

TEST_CASE("after too many failures an address has to wait, even with the right password") {
  accounts_world world;
  for (int i = 0; i < 3; ++i)
    CHECK(world.log_in("ada", "wrong+password").status == 401);
  CHECK(world.log_in("ada", "correct+horse").status == 429);
  CHECK(world.script->logins.empty());
}

TEST_CASE("a browser's login needs the form's token, another site's form does not get through") {
  accounts_world world;
  auto form = world.get("/login");
  auto cookies = world.cookies_of(form);
  auto token = cookies.substr(cookies.find('=') + 1);
  CHECK(form.body.find(token) != std::string::npos);
  const std::string right = "username=ada&password=correct+horse";
  CHECK(world.post("/login", right, {cookies}).status == 403);
  CHECK(world.post("/login", right, {"Origin: http://127.0.0.1"}).status == 403);
  CHECK(world.post("/login", right, {"Origin: http://evil.example"}).status == 403);
  CHECK(world.script->logins.empty());
  CHECK(world.post("/login", right + "&csrf=" + token, {cookies, "Origin: http://127.0.0.1"}).status == 303);
}
