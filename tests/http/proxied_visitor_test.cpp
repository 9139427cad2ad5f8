// --auth proxy: who a request comes from, above a database.
#include "http/proxied_visitor.hpp"

#include "http/route.hpp"
#include "tests/http/account_world.hpp"
#include "tests/http/route_addresses.hpp"

using namespace varro;
using namespace varro::test;

namespace {

using fields = std::vector<std::string>;

// A server whose clients, all on 127.0.0.1, are its proxy.
struct proxied_world : account_world {
  explicit proxied_world(std::function<void(config&)> change = {})
    : account_world([change = std::move(change)](config& settings) {
        settings.auth.mode = auth_mode::proxy;
        settings.server.trusted_proxies = {"127.0.0.1"};
        settings.proxy.user_header = "Remote-User";
        settings.proxy.mail_header = "Remote-Email";
        settings.proxy.groups_header = "Remote-Groups";
        settings.proxy.claims = {{"admins"}, {"staff", "admins"}};
        if (change)
          change(settings);
      }) {}

  int status(const fields& said, std::string_view target = "/chats") {
    return get(target, said).status;
  }
  std::string csrf(const fields& said) {
    auto page = get("/", said);
    REQUIRE(page.status == 200);
    constexpr std::string_view mark = "name=\"csrf\" value=\"";
    auto at = page.body.find(mark);
    REQUIRE(at != std::string::npos);
    return page.body.substr(at + mark.size(), 64);
  }
  user_record user(std::string_view name) {
    auto found = db->find_user(name);
    REQUIRE(found);
    return *found;
  }
  int change(fields said, const std::string& token) {
    said.push_back("X-CSRF-Token: " + token);
    return post("/chat/999/cancel", "", said).status; // 404 with the right token: there is no such chat
  }
};

const fields ada_said{"Remote-User: ada", "Remote-Email: ada@example.com", "Remote-Groups: staff,data"};
const fields bob_said{"Remote-User: bob", "Remote-Groups: staff"};

} // namespace

TEST_CASE("who the proxy names has an account from the first request on, with mail, groups and role") {
  proxied_world world;
  CHECK(world.status(ada_said) == 200);
  CHECK(world.status(bob_said) == 200);
  CHECK(world.user("ada").role == user_role::user);
  CHECK(*world.db->groups_of(world.user("ada").id) == fields{"data", "staff"});
  CHECK(world.status({"Remote-User: ada", "Remote-Groups: admins, staff"}) == 200);
  CHECK(world.user("ada").role == user_role::admin);
  CHECK(*world.db->groups_of(world.user("ada").id) == fields{"admins", "staff"});
  CHECK(world.status(ada_said) == 200);
  CHECK(world.user("ada").role == user_role::user);
  CHECK(world.db->list_users()->size() == 2);
  CHECK(world.get("/", ada_said).body.find(">ada<") != std::string::npos);
  CHECK(world.get("/", bob_said).body.find(">bob<") != std::string::npos);
}

TEST_CASE("a request that says nothing new writes nothing") {
  proxied_world world;
  CHECK(world.status(ada_said) == 200);
  const auto before = world.db->logins_of(world.user("ada").id, now_us());
  REQUIRE(before);
  REQUIRE(before->size() == 1);
  for (int i = 0; i < 5; ++i)
    CHECK(world.status(ada_said) == 200);
  const auto after = world.db->logins_of(world.user("ada").id, now_us());
  REQUIRE(after->size() == 1);
  CHECK(after->front().created_at == before->front().created_at);
  CHECK(after->front().last_used_at == before->front().last_used_at);
  // A role that somebody gave by hand does not stay where the proxy tells roles.
  REQUIRE(world.db->set_role("ada", user_role::admin) == caf::none);
  CHECK(world.status(ada_said) == 200);
  CHECK(world.user("ada").role == user_role::user);
}

TEST_CASE("a name that somebody has already is another account") {
  proxied_world world;
  world.add("ada", user_role::admin);
  CHECK(world.status(ada_said) == 200);
  CHECK(world.get("/", ada_said).body.find(">ada-2<") != std::string::npos);
  CHECK(world.user("ada-2").role == user_role::user);
}

TEST_CASE("an admin disables and enables whom the proxy names, and no role that the proxy tells is changed") {
  proxied_world world;
  const fields root_said{"Remote-User: root", "Remote-Groups: admins"};
  const auto csrf = world.csrf(root_said);
  CHECK(world.status(bob_said) == 200);
  auto act = [&](const std::string& word) {
    auto said = root_said;
    said.push_back("X-CSRF-Token: " + csrf);
    return world.post("/admin/people/" + word, "name=bob", said);
  };
  CHECK(act("disable").status == 303);
  CHECK(world.user("bob").disabled);
  CHECK(world.status(bob_said) == 403);
  CHECK(act("enable").status == 303);
  CHECK(world.status(bob_said) == 200);
  const auto refused = act("make-admin");
  CHECK(refused.status == 422);
  CHECK(refused.body.find("proxy.admin_values") != std::string::npos);
  CHECK(world.user("bob").role == user_role::user);
  CHECK(world.get("/admin", root_said).body.find("by the login (proxy.admin_values)") != std::string::npos);
  CHECK(act("reset-link").status == 404); // nobody has a password
  // Of an account of before no login says anything.
  world.add("eve");
  auto said = root_said;
  said.push_back("X-CSRF-Token: " + csrf);
  CHECK(world.post("/admin/people/make-admin", "name=eve", said).status == 303);
}

TEST_CASE("where the proxy tells no roles an admin gives them") {
  proxied_world world{[](config& settings) { settings.proxy.claims.admin_values.clear(); }};
  const fields root_said{"Remote-User: root", "Remote-Groups: staff"};
  CHECK(world.status(root_said) == 200);
  CHECK(world.status(bob_said) == 200);
  REQUIRE(world.db->set_role("root", user_role::admin) == caf::none);
  auto said = root_said;
  said.push_back("X-CSRF-Token: " + world.csrf(root_said));
  CHECK(world.post("/admin/people/make-admin", "name=bob", said).status == 303);
  CHECK(world.user("bob").role == user_role::admin);
}

TEST_CASE("without a proxy that is believed nobody comes in, whatever is said, by any route") {
  proxied_world world{[](config& settings) { settings.server.trusted_proxies = {"127.0.0.2", "10.0.0.0/8"}; }};
  for (const auto& row : all_routes()) {
    if (std::holds_alternative<open_route>(row.action))
      continue;
    CAPTURE(row.method);
    CAPTURE(row.path);
    auto said = ada_said;
    said.push_back("X-Forwarded-For: 127.0.0.2");
    said.push_back("Content-Type: application/x-www-form-urlencoded");
    CHECK(ask(world.port, row.method, path_of(row, 42), said, row.method == "GET" ? "" : "message=x").status == 403);
  }
  auto page = world.get("/", ada_said);
  CHECK(page.body.find("server.trusted_proxies") != std::string::npos);
  CHECK(page.body.find("127.0.0.1") != std::string::npos);
  CHECK(world.db->list_users()->empty());
  CHECK(world.get("/healthz").status == 200);
}

TEST_CASE("fields that leave a doubt about who is meant let nobody in") {
  proxied_world world;
  auto also = [](std::string one) {
    auto said = ada_said;
    said.push_back(std::move(one));
    return said;
  };
  const std::vector<fields> refused{
    {},
    {"Remote-Groups: staff"},
    {"Remote-User:", "Remote-Groups: staff"},
    {"Remote_User: ada", "Remote-Groups: staff"},
    {"X-Forwarded-User: ada", "Remote-Groups: staff"},
    {"Remote-User: ada, eve", "Remote-Groups: staff"},
    {"Remote-User: ada\xff", "Remote-Groups: staff"},
    {"Remote-User: ada\ttab", "Remote-Groups: staff"},
    {"Remote-User: " + std::string(256, 'a'), "Remote-Groups: staff"},
    {"Remote-User: ada", "Remote-Email: a@example.com,b@example.com", "Remote-Groups: staff"},
    {"Remote-User: ada", "Remote-Email: " + std::string(321, 'a'), "Remote-Groups: staff"},
    also("Remote-User: ada"),
    also("remote-user: eve"),
    also("REMOTE_USER: eve"),
    also("Remote_User: ada"),
    also("Remote-Email: eve@example.com"),
    also("Remote_Email: eve@example.com"),
    also("Remote-Groups: admins"),
    also("Remote_Groups: admins"),
  };
  for (const auto& said : refused) {
    CAPTURE(said.empty() ? "" : said.back());
    CHECK(world.status(said) == 403);
  }
  CHECK(world.db->list_users()->empty());
  CHECK(world.status(also("Remote-Users: eve")) == 200); // the twin: another field is nobody's business
}

TEST_CASE("forms need the token of whom the proxy names, and not of somebody else") {
  proxied_world world;
  const auto of_ada = world.csrf(ada_said);
  const auto of_bob = world.csrf(bob_said);
  CHECK(of_ada != of_bob);
  CHECK(world.csrf(ada_said) == of_ada);
  CHECK(world.change(ada_said, of_ada) == 404);
  CHECK(world.change(bob_said, of_bob) == 404);
  CHECK(world.change(ada_said, of_bob) == 403);
  CHECK(world.change(bob_said, of_ada) == 403);
  CHECK(world.change(ada_said, "") == 403);
  CHECK(world.change(ada_said, std::string(64, '0')) == 403);
  // Forms that are open go on when groups change.
  CHECK(world.change({"Remote-User: ada", "Remote-Groups: staff"}, of_ada) == 404);
}

TEST_CASE("who is in no allowed group any more is out with the next request, and so are open streams") {
  proxied_world world;
  CHECK(world.status(ada_said) == 200);
  CHECK(world.status(bob_said) == 200);
  const auto open = world.db->logins_of(world.user("ada").id, now_us())->front().token_hash;
  const auto of_bob = world.db->logins_of(world.user("bob").id, now_us())->front().token_hash;
  auto page = world.get("/", {"Remote-User: ada", "Remote-Groups: data"});
  CHECK(page.status == 403);
  CHECK(page.body.find("none of the groups") != std::string::npos);
  CHECK(*world.db->ended_logins({open, of_bob}, now_us()) == fields{open});
  CHECK(world.status({"Remote-User: ada"}) == 403);
  CHECK(world.status(ada_said) == 200);
}

TEST_CASE("a disabled account is out, and there are only so many accounts") {
  proxied_world world{[](config& settings) { settings.auth.users_max = 1; }};
  CHECK(world.status(ada_said) == 200);
  CHECK(world.status(bob_said) == 503);
  REQUIRE(world.db->set_disabled("ada", true) == caf::none);
  auto page = world.get("/", ada_said);
  CHECK(page.status == 403);
  CHECK(page.body.find("disabled") != std::string::npos);
  REQUIRE(world.db->set_disabled("ada", false) == caf::none);
  CHECK(world.status(ada_said) == 200);
}

TEST_CASE("cookies, passwords and links are nothing here") {
  proxied_world world{[](config& settings) { settings.auth.sign_up = "open"; }};
  auto eve = world.add("eve");
  auto token = make_session_token();
  REQUIRE(world.db->put_login({token.hash, eve, "csrf", now_us(), now_us() + 3'600'000'000}) == caf::none);
  CHECK(world.status({"Cookie: varro_session=" + token.token}) == 403);
  auto said = ada_said;
  said.push_back("Cookie: varro_session=" + token.token);
  CHECK(world.get("/", said).body.find(">ada<") != std::string::npos);
  CHECK(world.get("/login").field("Location") == "/");
  for (const auto* target : {"/login", "/join", "/join/x", "/reset/x"})
    CHECK(world.post(target, "username=eve&password=correct+horse&again=correct+horse").status == 404);
  for (const auto* target : {"/join", "/join/x", "/reset/x"})
    CHECK(world.get(target).status == 404);
  CHECK(world.get("/account", ada_said).status == 404);
  CHECK(world.db->list_users()->size() == 2);
}

TEST_CASE("a logout is the proxy's own, where the configuration says where") {
  CHECK(proxied_world{}.get("/", ada_said).body.find("Log out") == std::string::npos);
  proxied_world world{[](config& settings) { settings.proxy.logout_url = "https://login.example/out?a=b&c"; }};
  auto page = world.get("/", ada_said);
  CHECK(page.body.find("href=\"https://login.example/out?a=b&amp;c\"") != std::string::npos);
  CHECK(page.body.find("action=\"/logout\"") == std::string::npos);
}

TEST_CASE("where groups are the server's own, the proxy's say nothing") {
  proxied_world world{[](config& settings) {
    settings.proxy.groups_header.clear();
    settings.proxy.claims = {};
  }};
  CHECK(world.status({"Remote-User: ada", "Remote-Groups: admins"}) == 200);
  CHECK(world.db->groups_of(world.user("ada").id)->empty());
  CHECK(world.user("ada").role == user_role::user);
  REQUIRE(world.db->set_role("ada", user_role::admin) == caf::none);
  CHECK(world.status({"Remote-User: ada"}) == 200);
  CHECK(world.user("ada").role == user_role::admin);
}

TEST_CASE("throttles count the address behind a trusted proxy, and none that anybody made up") {
  account_world world{[](config& settings) {
    settings.server.trusted_proxies = {"127.0.0.1"};
    settings.auth.attempts_max = 2;
  }};
  world.add("ada");
  auto attempt = [&](const std::string& name, const std::string& from) {
    return world.post("/login", "username=" + name + "&password=wrong", {"X-Forwarded-For: " + from}).status;
  };
  CHECK(attempt("a", "192.0.2.1") == 401);
  CHECK(attempt("b", "198.51.100.9, 192.0.2.1") == 401); // forged in front
  CHECK(attempt("c", "203.0.113.5, 192.0.2.1") == 429);
  CHECK(attempt("d", "192.0.2.2") == 401);
}

TEST_CASE("the list of browser sessions has the address behind a trusted proxy, and the cookie is secure by its word") {
  account_world world{[](config& settings) { settings.server.trusted_proxies = {"127.0.0.1"}; }};
  auto id = world.add("ada");
  auto answer = world.post("/login", "username=ada&password=correct+horse",
                           {"X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https"});
  REQUIRE(answer.status == 303);
  CHECK(answer.head.find("; Secure") != std::string::npos);
  CHECK(world.db->logins_of(id, now_us())->front().address == "192.0.2.7");
}

TEST_CASE("the workers are shared out by whom a trusted proxy names") {
  config settings;
  settings.auth.mode = auth_mode::proxy;
  received_request request;
  request.headers.push_back({"x-forwarded-user", "ada"});
  CHECK(claimed_visitor(request, settings).empty());
  request.by_proxy = true;
  CHECK(claimed_visitor(request, settings) == "ada");
  settings.auth.mode = auth_mode::accounts;
  CHECK(claimed_visitor(request, settings).empty());
}
