// Tokens of programs over HTTP: how they are sent and refused, and the page where they are made.
#include "http/bearer.hpp"

#include "accounts/tokens.hpp"
#include "tests/http/account_world.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

using namespace varro;
using namespace varro::test;

namespace {

constexpr unix_us hour = 3'600'000'000;

struct bearer_world : account_world {
  explicit bearer_world(std::function<void(config&)> change = {}) : account_world(std::move(change)) {
    script->chats = {{ada, 42}};
  }
  std::string token(int64_t user, token_scopes scopes = {true, true, false}, unix_us lasts = hour) {
    auto made = make_api_token();
    token_record record{made.hash, made.id, user, "a script", scopes, now_us(), now_us() + lasts, 0};
    REQUIRE(db->apply(token_write{token_made{record, 1'000}}) == caf::none);
    return made.token;
  }
  http_answer with(const std::string& text, std::string_view target = "/chat/42") {
    return get(target, {"Authorization: Bearer " + text});
  }
  // A user for whom somebody else vouches.
  int64_t vouched_for(const std::string& name, const std::string& issuer) {
    identity_seen seen;
    seen.key = {issuer, "subject of " + name};
    seen.name = name;
    seen.at = now_us();
    seen.users_max = 100;
    REQUIRE(db->apply(account_write{std::move(seen)}) == caf::none);
    return db->find_user(std::string_view{name})->id;
  }
  // Those that are written, once there is one of this user: nobody waits for them.
  std::vector<audit_row> refusals_of(std::string_view name) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    for (;;) {
      auto rows = *db->audit_rows({.action = "login.refused", .limit = 100, .oldest_first = true});
      if (std::ranges::any_of(rows, [&](const audit_row& row) { return subject_of(row) == name; })
          || std::chrono::steady_clock::now() > deadline)
        return rows;
      std::this_thread::yield();
    }
  }
  // The token that a page shows; empty where it shows none.
  static std::string shown(const http_answer& answer) {
    auto at = answer.body.find("<code class=\"token\">");
    return at == std::string::npos ? "" : answer.body.substr(at + 20, 83);
  }

  int64_t ada = add("ada");
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the scheme is read in any case, another one is not ours, and two fields are refused") {
  bearer_world world;
  const auto token = world.token(world.ada);
  auto status = [&](const std::vector<std::string>& fields) { return world.get("/chat/42", fields).status; };
  CHECK(status({"Authorization: Bearer " + token}) == 200);
  CHECK(status({"authorization: bearer " + token}) == 200);
  CHECK(status({"Authorization: BEARER   " + token + " "}) == 200);
  CHECK(status({"Authorization: Bearer\t" + token}) == 200);
  CHECK(status({"Authorization: Bearer"}) == 401);
  CHECK(status({"Authorization: Bearer " + token + " " + token}) == 401);
  CHECK(status({"Authorization: Bearer " + token.substr(0, token.size() - 1)}) == 401);
  CHECK(status({"Authorization: Basic " + token}) == 303); // as if nobody had said anything: to the login
  CHECK(status({"Authorization: Bearers " + token}) == 303);
  CHECK(status({"Authorization: " + token}) == 303);
  auto twice = world.get("/chat/42", {"Authorization: Bearer " + token, "Authorization: Bearer " + token});
  CHECK(twice.status == 400);
  CHECK(contains(twice.field("WWW-Authenticate"), "error=\"invalid_request\""));
  CHECK(status({"Authorization: Basic eDp5", "Authorization: Bearer " + token}) == 400);
}

TEST_CASE("tokens that cannot be used are told the same, whatever the reason") {
  bearer_world world;
  const auto revoked = world.token(world.ada);
  REQUIRE(world.db->apply(token_write{token_revoked{*id_of_token(revoked)}}) == caf::none);
  auto strip = [](const http_answer& answer) { return answer.field("WWW-Authenticate") + answer.body; };
  const auto unknown = world.with(make_api_token().token);
  CHECK(unknown.status == 401);
  CHECK(unknown.field("WWW-Authenticate") == "Bearer realm=\"varro\", error=\"invalid_token\"");
  CHECK(strip(world.with(revoked)) == strip(unknown));
  CHECK(strip(world.with(world.token(world.ada, {true, true, false}, -1))) == strip(unknown));
  CHECK(strip(world.with("nonsense")) == strip(unknown));
}

TEST_CASE("an address that sends many bad tokens is told to wait, and its good ones go on") {
  bearer_world world{[](config& settings) { settings.auth.attempts_max = 3; }};
  const auto good = world.token(world.ada);
  for (int i = 0; i < 3; ++i)
    CHECK(world.with(make_api_token().token).status == 401);
  auto late = world.with(make_api_token().token);
  CHECK(late.status == 429);
  CHECK_FALSE(late.field("Retry-After").empty());
  CHECK(world.with("nonsense").status == 429);
  CHECK(world.with(good).status == 200);
  browser ada{world};
  CHECK(ada.log_in("ada") == 303); // tokens are no passwords: neither counts for the other
}

TEST_CASE("a scope that is missing is named, and nothing is done") {
  bearer_world world;
  const auto reads = world.token(world.ada, {true, false, false});
  auto refused = world.post("/chat/send", "message=hi&chat_id=42", {"Authorization: Bearer " + reads});
  CHECK(refused.status == 403);
  CHECK(refused.field("WWW-Authenticate") == "Bearer realm=\"varro\", error=\"insufficient_scope\", scope=\"chat\"");
  CHECK(contains(refused.body, "\"chat\""));
  CHECK(world.script->sent.empty());
  auto account = world.with(world.token(world.ada), "/account");
  CHECK(account.status == 403);
  CHECK(account.field("WWW-Authenticate") == "Bearer realm=\"varro\", error=\"insufficient_scope\"");
}

TEST_CASE("the use of a token is noted") {
  bearer_world world;
  const auto token = world.token(world.ada);
  CHECK(world.with(token).status == 200);
  auto last_use = [&] { return world.db->find_token(hash_of_token(token), now_us())->token.last_used_at; };
  // The store notes it in its own time, before what it is asked next.
  auto wait_for_store = [&] {
    caf::scoped_actor self{world.system};
    self->request(world.services->token_writer, caf::infinite, token_atom_v, token_write{token_used{"x", now_us()}})
      .receive([](done_atom) {}, [](caf::error& error) { FAIL(text_of(error)); });
  };
  wait_for_store();
  const auto first = last_use();
  CHECK(first > 0);
  CHECK(world.with(token).status == 200);
  wait_for_store();
  CHECK(last_use() == first); // within the minute it is not written again
}

TEST_CASE("a token of somebody who cannot log in by the present mode is refused, and the audit is told") {
  bearer_world world;
  const auto eve = world.vouched_for("eve", "https://former.example.org");
  const auto token = world.token(eve);
  const auto refused = world.with(token, "/chats");
  CHECK(refused.status == 401);
  CHECK(refused.field("WWW-Authenticate") == "Bearer realm=\"varro\", error=\"invalid_token\"");
  CHECK(contains(refused.body, "auth.mode"));
  CHECK(world.post("/chat/send", "message=hi", {"Authorization: Bearer " + token}).status == 401);
  CHECK(world.with(world.token(world.ada)).status == 200);
  const auto rows = world.refusals_of("eve");
  REQUIRE_FALSE(rows.empty());
  CHECK(contains(rows[0].details, refusal_reason::foreign_token));
  CHECK(subject_of(rows[0]) == "eve");
  CHECK(rows[0].way == audit_way::token);
  // Its use is not noted, and whoever gets a password here comes in by it.
  CHECK(world.db->find_token(hash_of_token(token), now_us())->token.last_used_at == 0);
  REQUIRE(world.db->set_password("eve", "hash") == caf::none);
  CHECK(world.with(world.token(eve), "/chats").status == 200);
}

TEST_CASE("with a proxy a token is answered through it alone, and only that of somebody whom it names") {
  auto behind = [](std::string address) {
    return [address = std::move(address)](config& settings) {
      settings.auth.mode = auth_mode::proxy;
      settings.server.trusted_proxies = {address};
    };
  };
  {
    bearer_world world{behind("127.0.0.1")};
    CHECK(world.with(world.token(world.vouched_for("eve", "proxy")), "/chats").status == 200);
    CHECK(world.with(world.token(world.ada), "/chats").status == 401); // of an account of before
    CHECK(world.with(world.token(world.vouched_for("bob", "https://login.example.org")), "/chats").status == 401);
  }
  bearer_world world{behind("127.0.0.2")};
  const auto eve = world.vouched_for("eve", "proxy");
  const auto token = world.token(eve, {true, true, false});
  for (const auto& each : {token, make_api_token().token, std::string{"nonsense"}}) {
    const auto refused = world.with(each, "/chats");
    CHECK(refused.status == 403);
    CHECK(contains(refused.body, "server.trusted_proxies"));
    CHECK(world.post("/chat/send", "message=hi", {"Authorization: Bearer " + each}).status == 403);
  }
  CHECK(world.get("/chats", {"Authorization: Bearer " + token, "X-Forwarded-For: 127.0.0.2"}).status == 403);
  CHECK(world.script->sent.empty());
  CHECK(world.db->find_token(hash_of_token(token), now_us())->token.last_used_at == 0);
}

TEST_CASE("without accounts a token is refused, not overlooked") {
  routes_world world;
  CHECK(world.get("/chat/42").status == 200);
  auto refused = world.get("/chat/42", {"Authorization: Bearer " + make_api_token().token});
  CHECK(refused.status == 401);
  CHECK(contains(refused.body, "Without accounts"));
  CHECK(world.get("/chat/42", {"Authorization: Basic eDp5"}).status == 200);
  CHECK(world.get("/healthz", {"Authorization: Bearer x"}).status == 200);
}

TEST_CASE("a token is made on the page of one's account, shown once, used and revoked") {
  bearer_world world;
  browser ada{world};
  REQUIRE(ada.log_in("ada") == 303);
  CHECK(contains(ada.get("/account").body, "Tokens for programs"));
  auto made = ada.post("/account/tokens", "label=nightly+%3Cexport%3E&scope=read&scope=chat&expires=7d");
  CHECK(made.status == 200);
  CHECK(contains(made.head, "Cache-Control: no-store"));
  const auto token = bearer_world::shown(made);
  REQUIRE(id_of_token(token));
  auto found = world.db->find_token(hash_of_token(token), now_us());
  REQUIRE(found);
  CHECK(found->token.label == "nightly <export>");
  CHECK(found->token.scopes == token_scopes{true, true, false});
  CHECK(found->token.expires_at - found->token.created_at == 7 * 24 * hour);
  CHECK(world.with(token).status == 200);
  auto page = ada.get("/account");
  CHECK(contains(page.body, "nightly &lt;export&gt;"));
  CHECK(contains(page.body, *id_of_token(token)));
  CHECK_FALSE(contains(page.body, token.substr(19)));
  CHECK_FALSE(contains(page.body, hash_of_token(token)));
  CHECK(ada.post("/account/tokens/revoke", "id=" + *id_of_token(token)).status == 303);
  CHECK(world.with(token).status == 401);
  CHECK(world.script->wait_for([&] {
    return std::ranges::count(world.script->logged_out, hash_of_token(token)) == 1; // its streams end at once
  }));
  CHECK(ada.post("/account/tokens/revoke", "id=" + *id_of_token(token)).status == 303); // as if it were the first time
}

TEST_CASE("nobody revokes the token of somebody else") {
  bearer_world world;
  world.add("bob");
  const auto token = world.token(world.ada);
  browser bob{world};
  REQUIRE(bob.log_in("bob") == 303);
  bob.get("/account");
  CHECK(bob.post("/account/tokens/revoke", "id=" + *id_of_token(token)).status == 303);
  CHECK(world.with(token).status == 200);
  CHECK(world.script->logged_out.empty());
}

TEST_CASE("what cannot be a token is said on the page, and none is made") {
  bearer_world world{[](config& settings) {
    settings.auth.tokens_max = 1;
    settings.auth.token_max = std::chrono::hours{48};
  }};
  browser ada{world};
  REQUIRE(ada.log_in("ada") == 303);
  auto page = ada.get("/account");
  CHECK(contains(page.body, "value=\"1d\""));
  CHECK_FALSE(contains(page.body, "value=\"7d\"")); // longer than the server allows
  CHECK_FALSE(contains(page.body, "value=\"admin\""));
  auto refused = [&](const std::string& form, std::string_view why) {
    CAPTURE(form);
    auto answer = ada.post("/account/tokens", form);
    CHECK(answer.status == 422);
    CHECK(contains(answer.body, why));
    CHECK(bearer_world::shown(answer).empty());
  };
  refused("label=&scope=read&expires=1d", "needs a name");
  refused("label=x&expires=1d", "scopes");
  refused("label=x&scope=all&expires=1d", "scopes");
  refused("label=x&scope=read&expires=3d", "48 hours");
  refused("label=x&scope=read&expires=", "90d");
  refused("label=x&scope=read&scope=admin&expires=1d", "admin");
  refused("label=%3Cscript%3E&scope=x&expires=1d", "value=\"&lt;script&gt;\"");
  CHECK(world.db->tokens_of(world.ada, 0)->empty());
  CHECK(ada.post("/account/tokens", "label=x&scope=read&expires=48h").status == 200);
  refused("label=x&scope=read&expires=1d", "auth.tokens_max");
}

TEST_CASE("a password that its user changes leaves tokens, and the page says so; a reset takes them away") {
  bearer_world world;
  const auto token = world.token(world.ada);
  browser ada{world};
  REQUIRE(ada.log_in("ada") == 303);
  CHECK(contains(ada.get("/account").body, "Tokens stay"));
  CHECK(ada.post("/account/password", "current=correct+horse&password=battery+staple&again=battery+staple").status
        == 303);
  CHECK(world.with(token).status == 200);
  auto reset = world.link(link_purpose::reset, user_role::user, world.ada);
  browser elsewhere{world};
  CHECK(contains(elsewhere.get(reset).body, "revokes its tokens"));
  CHECK(elsewhere.post(reset, "password=correct+horse&again=correct+horse").status == 200);
  CHECK(world.with(token).status == 401);
}

TEST_CASE("who asks with a token is one visitor to the workers, whatever connection it comes by") {
  received_request request;
  CHECK_FALSE(has_bearer(request));
  request.headers = {{"authorization", "Bearer abc"}, {"cookie", "varro_session=x"}};
  CHECK(has_bearer(request));
  CHECK(bearer_of(request) == "abc");
  request.headers = {{"authorization", "Basic abc"}};
  CHECK_FALSE(has_bearer(request));
  CHECK(bearer_of(request).empty());
}
