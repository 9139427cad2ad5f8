// Accounts over HTTP, on a database: links, sign-up, the account page, sessions, passwords at once.
#include "http/application.hpp"
#include "http/routes.hpp"
#include "tests/http/account_world.hpp"

#include <algorithm>
#include <thread>

using namespace varro;
using namespace varro::test;

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the first admin's link makes an admin once, whatever sign-up says") {
  account_world world;
  auto path = world.link(link_purpose::first_admin, user_role::admin);
  browser ada{world}, eve{world};
  CHECK(ada.get(path).status == 200);
  CHECK(eve.get(path).status == 200);
  CHECK(ada.join(path, "Ada") == 303);
  CHECK(ada.is_in());
  CHECK(world.db->find_user(std::string_view{"ada"})->role == user_role::admin);
  CHECK(eve.post(path, "username=eve&password=correct+horse&again=correct+horse").status == 404);
  CHECK(eve.get(path).status == 404);
  CHECK_FALSE(eve.is_in());
  CHECK(code_of(world.db->find_user(std::string_view{"eve"}).error()) == errc::not_found);
}

TEST_CASE("who may join is what the configuration says") {
  std::string sign_up;
  bool by_link = false, openly = false;
  SUBCASE("closed: links that were given out do not work either") {
    sign_up = "closed";
  }
  SUBCASE("invitation") {
    sign_up = "invitation";
    by_link = true;
  }
  SUBCASE("open") {
    sign_up = "open";
    by_link = openly = true;
  }
  account_world world{[&](config& settings) { settings.auth.sign_up = sign_up; }};
  auto path = world.link(link_purpose::invitation);
  browser ada{world}, bob{world};
  CHECK(ada.get(path).status == (by_link ? 200 : 404));
  CHECK(ada.join(path, "ada") == (by_link ? 303 : 404));
  CHECK(bob.get("/join").status == (openly ? 200 : 404));
  CHECK(bob.join("/join", "bob") == (openly ? 303 : 404));
  CHECK(contains(bob.world.get("/login").body, "href=\"/join\"") == openly);
  const auto users = world.db->list_users();
  REQUIRE(users);
  CHECK(users->size() == static_cast<size_t>(by_link + openly));
  for (const auto& user : *users)
    CHECK(user.role == user_role::user);
}

TEST_CASE("what cannot be an account is said, and the link can be used again") {
  account_world world{[](config& settings) { settings.auth.sign_up = "invitation"; }};
  world.add("ada");
  auto path = world.link(link_purpose::invitation);
  browser bob{world};
  bob.get(path);
  auto taken = bob.post(path, "username=ADA&password=correct+horse&again=correct+horse");
  CHECK(taken.status == 422);
  CHECK(contains(taken.body, "This name is taken"));
  auto differ = bob.post(path, "username=bob&password=correct+horse&again=correct+horses");
  CHECK(differ.status == 422);
  CHECK(contains(differ.body, "The two passwords differ"));
  CHECK(bob.post(path, "username=bob&password=short&again=short").status == 422);
  auto hostile = bob.post(path, "username=%22%3E%3Cscript%3E&password=correct+horse&again=correct+horse");
  CHECK(hostile.status == 422);
  CHECK_FALSE(contains(hostile.body, "\"><script>"));
  CHECK(contains(hostile.body, "&quot;&gt;&lt;script&gt;"));
  CHECK(bob.join(path, "bob") == 303);
}

TEST_CASE("a reset link is no invitation, and an invitation no reset link") {
  account_world world{[](config& settings) { settings.auth.sign_up = "open"; }};
  auto id = world.add("ada");
  auto reset = world.link(link_purpose::reset, user_role::user, id);
  auto invitation = world.link(link_purpose::invitation);
  browser eve{world};
  CHECK(eve.join("/join" + reset.substr(reset.rfind('/')), "eve") == 404);
  CHECK(eve.join("/reset" + invitation.substr(invitation.rfind('/')), "eve") == 404);
  CHECK(eve.join("/join/" + std::string(64, '0'), "eve") == 404);
  CHECK(eve.join("/join/x", "eve") == 404);
  CHECK(world.db->list_users()->size() == 1);
}

TEST_CASE("the forms of who is not logged in need the token that the form carries") {
  account_world world{[](config& settings) { settings.auth.sign_up = "open"; }};
  auto id = world.add("ada");
  for (const auto& path : {std::string{"/join"}, world.link(link_purpose::invitation),
                           world.link(link_purpose::reset, user_role::user, id)}) {
    CAPTURE(path);
    const std::string form = "username=eve&password=battery+staple&again=battery+staple";
    browser eve{world};
    CHECK(eve.post(path, form).status == 403); // has seen no form
    eve.get(path);
    eve.csrf = std::string(64, '0');
    CHECK(eve.post(path, form).status == 403);
    CHECK(world.post(path, form, {"Origin: http://evil.example"}).status == 403);
    CHECK(world.post(path, form, {"Sec-Fetch-Site: cross-site"}).status == 403);
  }
  CHECK(world.db->list_users()->size() == 1);
  browser ada{world};
  CHECK(ada.log_in("ada") == 303);
}

TEST_CASE("a login and a sign-up make a session of their own and end the one that the browser had") {
  account_world world{[](config& settings) { settings.auth.sign_up = "open"; }};
  world.add("ada");
  const std::string planted(64, 'a');
  browser ada{world};
  ada.jar["varro_session"] = planted;
  REQUIRE(ada.log_in("ada") == 303);
  CHECK(ada.jar["varro_session"] != planted);
  browser with_planted{world};
  with_planted.jar["varro_session"] = planted;
  CHECK_FALSE(with_planted.is_in());
  browser former{world};
  former.jar = ada.jar;
  REQUIRE(former.is_in());
  SUBCASE("another login") {
    ada.csrf = "";
    ada.jar["varro_login"] = ada.csrf = make_csrf_token();
    REQUIRE(ada.post("/login", "username=ada&password=correct+horse").status == 303);
  }
  SUBCASE("a sign-up") {
    REQUIRE(ada.join("/join", "bob") == 303);
  }
  CHECK(ada.jar["varro_session"] != former.jar["varro_session"]);
  CHECK(ada.is_in());
  CHECK_FALSE(former.is_in());
}

TEST_CASE("a reset link lets a user choose a password, once, and ends all sessions") {
  account_world world;
  auto id = world.add("ada");
  browser ada{world}, eve{world};
  REQUIRE(ada.log_in("ada") == 303);
  auto path = world.link(link_purpose::reset, user_role::user, id);
  browser mail{world};
  CHECK(contains(mail.get(path).body, "ada"));
  CHECK(ada.is_in()); // looking at the form changes nothing
  CHECK(mail.post(path, "password=battery+staple&again=other+staple").status == 422);
  CHECK(mail.post(path, "password=short&again=short").status == 422);
  CHECK(mail.post(path, "password=battery+staple&again=battery+staple").status == 200);
  CHECK_FALSE(mail.is_in());
  CHECK_FALSE(ada.is_in());
  CHECK(world.script->wait_for([&] { return world.script->logged_out.size() == 1; })); // its streams
  CHECK(eve.get(path).status == 404);
  CHECK(ada.log_in("ada") == 401);
  CHECK(ada.log_in("ada", "battery+staple") == 303);
}

TEST_CASE("the account page lists one's own sessions, escaped and bounded, and marks the present one") {
  account_world world;
  world.add("ada");
  world.add("bob");
  std::string hostile = "\"><script>alert(1)</script>\xff";
  hostile.append(500, 'x');
  browser here{world, "Here"}, there{world, hostile}, bob{world, "Bob's"};
  REQUIRE(here.log_in("ada") == 303);
  REQUIRE(there.log_in("ada") == 303);
  REQUIRE(bob.log_in("bob") == 303);
  auto page = here.get("/account").body;
  CHECK(contains(page, "Here"));
  CHECK(contains(page, "127.0.0.1"));
  CHECK(contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;?x"));
  CHECK_FALSE(contains(page, "<script>alert"));
  CHECK_FALSE(contains(page, std::string(200, 'x')));
  CHECK_FALSE(contains(page, "Bob&#39;s"));
  CHECK_FALSE(contains(page, "Bob's"));
  auto present = page.find("data-present");
  REQUIRE(present != std::string::npos);
  CHECK(page.find("data-present", present + 1) == std::string::npos);
  auto end_of_row = page.find("</li>", present);
  CHECK(contains(page.substr(present, end_of_row - present), "Here"));
  // Neither token stands in the page.
  CHECK_FALSE(contains(page, here.jar["varro_session"]));
  CHECK_FALSE(contains(page, there.jar["varro_session"]));
}

TEST_CASE("one's own sessions can be ended, one or all others, and nobody else's") {
  account_world world;
  world.add("ada");
  world.add("bob");
  browser here{world}, there{world}, elsewhere{world}, bob{world};
  for (auto* each : {&here, &there, &elsewhere})
    REQUIRE(each->log_in("ada") == 303);
  REQUIRE(bob.log_in("bob") == 303);
  auto hash_of = [](browser& of) { return hash_session_token(of.jar["varro_session"]); };
  here.get("/account");
  CHECK(here.post("/account/sessions/end", "session=" + hash_of(bob)).status == 303);
  CHECK(here.post("/account/sessions/end", "session=nothing").status == 303);
  CHECK(bob.is_in());
  CHECK(world.script->logged_out.empty());
  CHECK(here.post("/account/sessions/end", "session=" + hash_of(there)).status == 303);
  CHECK_FALSE(there.is_in());
  CHECK(elsewhere.is_in());
  CHECK(world.script->wait_for([&] { return world.script->logged_out == std::vector{hash_of(there)}; }));
  here.get("/account");
  CHECK(here.post("/account/sessions/end-others").status == 303);
  CHECK_FALSE(elsewhere.is_in());
  CHECK(here.is_in());
  CHECK(bob.is_in());
}

TEST_CASE("one's own password is changed by who knows it, and ends the other sessions") {
  account_world world{[](config& settings) { settings.auth.attempts_max = 3; }};
  world.add("ada");
  browser here{world}, there{world};
  REQUIRE(here.log_in("ada") == 303);
  REQUIRE(there.log_in("ada") == 303);
  here.get("/account");
  auto change = [&](const std::string& current, const std::string& again = "battery+staple") {
    return here.post("/account/password", "current=" + current + "&password=battery+staple&again=" + again);
  };
  SUBCASE("with the right password") {
    CHECK(change("correct+horse", "other+staple").status == 422);
    auto wrong = change("wrong+horse");
    CHECK(wrong.status == 403);
    CHECK(contains(wrong.body, "The present password is wrong."));
    CHECK(there.is_in());
    auto done = change("correct+horse");
    CHECK(done.status == 303);
    CHECK(contains(here.get(done.field("Location")).body, "The password is changed."));
    CHECK(here.is_in());
    CHECK_FALSE(there.is_in());
    CHECK(there.log_in("ada") == 401);
    CHECK(there.log_in("ada", "battery+staple") == 303);
  }
  SUBCASE("whoever found an open browser does not try passwords for long") {
    for (int i = 0; i < 3; ++i)
      CHECK(change("wrong+horse").status == 403);
    auto next = change("correct+horse");
    CHECK(next.status == 429);
    CHECK(next.field("Retry-After") == "900");
    CHECK(there.is_in());
  }
}

TEST_CASE("a session that is used lasts longer, one that is not is over") {
  account_world world{[](config& settings) { settings.auth.session_idle = std::chrono::minutes{10}; }};
  auto id = world.add("ada");
  const unix_us minute = 60'000'000;
  auto now = now_us();
  auto plant = [&](std::string token, unix_us last_used, unix_us expires) {
    REQUIRE(world.db->put_login(
              {hash_session_token(token), id, make_csrf_token(), last_used, expires, last_used, now + 60 * minute})
            == caf::none);
    browser with{world};
    with.jar["varro_session"] = std::move(token);
    return with;
  };
  auto used = plant(std::string(64, '1'), now - 9 * minute, now + minute);
  auto fresh = plant(std::string(64, '2'), now, now + 10 * minute);
  CHECK(used.is_in());
  CHECK(fresh.is_in());
  // The store takes its messages in order: what the two requests have sent it is written when it answers this.
  caf::scoped_actor self{world.system};
  self->request(world.services->store, caf::infinite, user_atom_v, account_write{login_ended{id, "nothing"}})
    .receive([](done_atom) {}, [](caf::error& error) { FAIL(text_of(error)); });
  auto found = world.db->find_login(hash_session_token(std::string(64, '1')), now);
  REQUIRE(found);
  CHECK(found->login.last_used_at >= now);
  CHECK(found->login.expires_at == found->login.last_used_at + 10 * minute);
  CHECK(world.db->find_login(hash_session_token(std::string(64, '2')), now)->login.last_used_at == now);
  auto over = plant(std::string(64, '3'), now - 11 * minute, now - minute);
  CHECK_FALSE(over.is_in());
}

TEST_CASE("a login says when it ends, by idleness and for certain") {
  account_world world{[](config& settings) {
    settings.auth.session_idle = std::chrono::minutes{10};
    settings.auth.session_max = std::chrono::hours{2};
  }};
  auto id = world.add("ada");
  browser ada{world};
  REQUIRE(ada.log_in("ada") == 303);
  auto login = world.db->logins_of(id, now_us())->at(0);
  CHECK(login.expires_at - login.created_at == 600'000'000);
  CHECK(login.ends_at - login.created_at == 7'200'000'000);
}

TEST_CASE("an address makes so many accounts, and tries so many names, and then waits") {
  account_world world{[](config& settings) {
    settings.auth.sign_up = "open";
    settings.auth.sign_ups_max = 2;
  }};
  browser ada{world}, bob{world}, cid{world};
  CHECK(ada.join("/join", "ada") == 303);
  CHECK(bob.join("/join", "ada") == 422);
  auto form = cid.get("/join");
  auto answer = cid.post("/join", "username=cid&password=correct+horse&again=correct+horse");
  CHECK(answer.status == 429);
  CHECK(answer.field("Retry-After") == "900");
  CHECK(world.db->list_users()->size() == 1);
}

TEST_CASE("with as many accounts as there may be nobody joins") {
  account_world world{[](config& settings) {
    settings.auth.sign_up = "open";
    settings.auth.users_max = 1;
  }};
  browser ada{world}, bob{world};
  CHECK(ada.join("/join", "ada") == 303);
  CHECK(bob.join("/join", "bob") == 503);
  CHECK(world.db->list_users()->size() == 1);
}

TEST_CASE("where passwords are hashed already, logins, sign-ups and changes are told to try again") {
  account_world world{[](config& settings) {
    settings.auth.sign_up = "open";
    settings.auth.hashes_max = 1;
    settings.auth.hash_waiters_max = 0;
    settings.auth.attempts_max = 1;
  }};
  auto id = world.add("ada");
  application app{*world.services};
  auto held = app.hashes.enter("somebody else");
  REQUIRE(held);
  received_request request;
  request.method = "POST";
  request.peer = "192.0.2.1";
  request.headers.push_back({"content-type", "application/x-www-form-urlencoded"});
  request.body = "username=ada&current=x&password=correct+horse&again=correct+horse";
  auto token = world.link(link_purpose::reset, user_role::user, id);
  const route_call call{request, {{"token", token.substr(token.rfind('/') + 1)}}};
  const visitor who{*world.db->find_user(id), "csrf", "session"};
  auto fields = parse_form(request);
  REQUIRE(fields);
  for (int i = 0; i < 3; ++i) // does not count as an attempt
    for (const auto& answer : {log_in(app, call), join_openly(app, call), reset_password(app, call),
                               change_password(app, call, who, *fields)}) {
      CHECK(answer.status == 503);
      CHECK(std::ranges::count(answer.headers, std::pair<std::string, std::string>{"Retry-After", "2"}) == 1);
    }
  held.reset();
  CHECK(log_in(app, call).status == 303);
  CHECK(reset_password(app, call).status == 200);
}

TEST_CASE("many logins at once: each is let in, or told to try again") {
  account_world world{[](config& settings) {
    settings.server.workers = 8;
    settings.auth.hashes_max = 1;
    settings.auth.hash_waiters_max = 1;
  }};
  auto id = world.add("ada");
  constexpr int count = 24;
  std::atomic<int> in = 0, later = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&] {
      auto answer = world.post("/login", "username=ada&password=correct+horse");
      in += answer.status == 303;
      later += answer.status == 503 && answer.field("Retry-After") == "2";
    });
  for (auto& each : threads)
    each.join();
  CHECK(in + later == count);
  CHECK(in > 0);
  CHECK(world.db->logins_of(id, now_us())->size() == static_cast<size_t>(in));
}
