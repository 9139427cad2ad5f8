// Roles, links that are used once, and browser sessions.
#include "storage/limits.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <thread>

using namespace varro;
using namespace varro::test;

namespace {

constexpr unix_us second = 1'000'000;
constexpr unix_us hour = 3'600 * second;

struct accounts_database {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db
    = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));

  static login_record login_of(int64_t user, std::string hash, unix_us at = 1'000) {
    return {std::move(hash), user, "csrf", at, at + hour, at, at + 24 * hour, "192.0.2.1", "A browser"};
  }
  static link_record invitation(std::string hash, std::string role = user_role::user) {
    return {std::move(hash), link_purpose::invitation, std::move(role), 0, 1'000, 2'000};
  }
  static user_joined joining(std::string link, std::string name, unix_us at = 1'500) {
    auto login = login_of(0, "session of " + name, at);
    return {std::move(link), std::move(name), "hash", std::move(login), 10};
  }
  errc write(const account_write& one) {
    return code_of(db->apply(one));
  }
  std::vector<std::string> sessions_of(int64_t user, unix_us now = 1'500) {
    std::vector<std::string> hashes;
    const auto logins = db->logins_of(user, now);
    REQUIRE(logins);
    for (const auto& each : *logins)
      hashes.push_back(each.token_hash);
    return hashes;
  }
};

} // namespace

TEST_CASE_FIXTURE(accounts_database, "the last enabled admin is neither disabled nor made a user, others are") {
  REQUIRE(db->local_user());
  CHECK_FALSE(*db->has_admin()); // the local user logs in nowhere
  REQUIRE(db->add_user("ada", "hash", user_role::admin));
  CHECK(*db->has_admin());
  CHECK(db->find_user(std::string_view{"ada"})->role == user_role::admin);
  auto refused = db->set_disabled("ada", true);
  CHECK(code_of(refused) == errc::invalid_input);
  CHECK(text_of(refused).find("last admin") != std::string::npos);
  CHECK(code_of(db->set_role("Ada", user_role::user)) == errc::invalid_input);
  CHECK_FALSE(db->find_user(std::string_view{"ada"})->disabled);
  CHECK(db->find_user(std::string_view{"ada"})->role == user_role::admin);
  REQUIRE(db->add_user("bob", "hash", user_role::admin));
  SUBCASE("a second admin can be disabled, and then the first one is the last") {
    CHECK(db->set_disabled("bob", true) == caf::none);
    CHECK(code_of(db->set_disabled("ada", true)) == errc::invalid_input);
    CHECK(code_of(db->set_role("ada", user_role::user)) == errc::invalid_input);
    CHECK(db->set_role("bob", user_role::user) == caf::none);
  }
  SUBCASE("or be made a user") {
    CHECK(db->set_role("ada", user_role::user) == caf::none);
    CHECK(db->set_disabled("ada", true) == caf::none);
    CHECK(code_of(db->set_role("bob", user_role::user)) == errc::invalid_input);
  }
  CHECK(code_of(db->set_role("ada", "root")) == errc::invalid_input);
  CHECK(code_of(db->set_role("local", user_role::user)) == errc::invalid_input);
  CHECK(code_of(db->set_role("nobody", user_role::admin)) == errc::not_found);
}

TEST_CASE_FIXTURE(accounts_database, "an invitation makes one account, with its role and a browser session") {
  REQUIRE(db->put_link(invitation("l1", user_role::admin)) == caf::none);
  REQUIRE(db->put_link(invitation("l2")) == caf::none);
  CHECK(db->find_link("l1", 1'999)->link.role == user_role::admin);
  CHECK(code_of(db->find_link("l1", 2'000).error()) == errc::not_found);
  CHECK(code_of(db->find_link("l3", 1'500).error()) == errc::not_found);
  CHECK(write(joining("l1", "ada")) == errc::none);
  auto ada = db->find_login("session of ada", 1'500);
  REQUIRE(ada);
  CHECK(ada->user.name == "ada");
  CHECK(ada->user.role == user_role::admin);
  CHECK(write(joining("l1", "eve")) == errc::not_found);
  CHECK(write(joining("l3", "eve")) == errc::not_found);
  CHECK(write(joining("l2", "eve", 2'000)) == errc::not_found);
  CHECK(code_of(db->find_user(std::string_view{"eve"}).error()) == errc::not_found);
  CHECK(code_of(db->find_login("session of eve", 1'500).error()) == errc::not_found);
}

TEST_CASE_FIXTURE(accounts_database, "a name that is taken, and a server that is full, do not use the link up") {
  REQUIRE(db->add_user("ada", "hash"));
  REQUIRE(db->put_link(invitation("l1")) == caf::none);
  CHECK(write(joining("l1", "Ada")) == errc::invalid_input);
  auto full = joining("l1", "bob");
  full.users_max = 1;
  CHECK(write(full) == errc::limit_reached);
  CHECK(db->list_users()->size() == 1);
  full.users_max = 2;
  CHECK(write(full) == errc::none);
}

TEST_CASE_FIXTURE(accounts_database, "with many who use one link at the same moment exactly one wins") {
  REQUIRE(db->put_link(invitation("l1")) == caf::none);
  constexpr int count = 8;
  std::vector<std::unique_ptr<sqlite_database>> connections;
  for (int i = 0; i < count; ++i)
    connections.push_back(std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write)));
  std::atomic<int> won = 0, late = 0, ready = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&, i] {
      ++ready;
      while (ready < count)
        std::this_thread::yield();
      const account_write one = joining("l1", "user" + std::to_string(i));
      auto code = code_of(connections[static_cast<size_t>(i)]->apply(one));
      won += code == errc::none;
      late += code == errc::not_found;
    });
  for (auto& each : threads)
    each.join();
  CHECK(won == 1);
  CHECK(late == count - 1);
  CHECK(db->list_users()->size() == 1);
}

TEST_CASE_FIXTURE(accounts_database, "the same in one transaction of the store") {
  REQUIRE(db->put_link(invitation("l1")) == caf::none);
  const std::vector<store_write> group{account_write{joining("l1", "ada")}, account_write{joining("l1", "bob")},
                                       account_write{joining("", "cid")}};
  auto answers = db->commit(group);
  CHECK(answers[0] == caf::none);
  CHECK(code_of(answers[1]) == errc::not_found);
  CHECK(answers[2] == caf::none);
  CHECK(code_of(db->find_user(std::string_view{"bob"}).error()) == errc::not_found);
  CHECK(db->find_user(std::string_view{"cid"})->role == user_role::user);
}

TEST_CASE_FIXTURE(accounts_database, "the first admin's link is void with a newer one, and with an admin") {
  link_record first{"f1", link_purpose::first_admin, user_role::admin, 0, 1'000, 2'000};
  auto second_start = first;
  second_start.token_hash = "f2";
  REQUIRE(db->put_link(first) == caf::none);
  REQUIRE(db->put_link(invitation("l1")) == caf::none);
  REQUIRE(db->put_link(second_start) == caf::none);
  CHECK(code_of(db->find_link("f1", 1'500).error()) == errc::not_found);
  CHECK(db->find_link("f2", 1'500));
  CHECK(db->find_link("l1", 1'500));
  SUBCASE("made by the command line") {
    REQUIRE(db->add_user("ada", "hash", user_role::admin));
    CHECK(code_of(db->find_link("f2", 1'500).error()) == errc::not_found);
    CHECK(write(joining("f2", "eve")) == errc::not_found);
  }
  SUBCASE("made by itself") {
    CHECK(write(joining("f2", "ada")) == errc::none);
    CHECK(db->find_user(std::string_view{"ada"})->role == user_role::admin);
    CHECK(write(joining("f2", "eve")) == errc::not_found);
  }
  CHECK(db->find_link("l1", 1'500));
}

TEST_CASE_FIXTURE(accounts_database, "a reset link changes one user's password once and ends their sessions") {
  auto ada = db->add_user("ada", "hash")->id;
  auto bob = db->add_user("bob", "hash")->id;
  REQUIRE(db->put_login(login_of(ada, "a")) == caf::none);
  REQUIRE(db->put_login(login_of(bob, "b")) == caf::none);
  REQUIRE(db->put_link({"r1", link_purpose::reset, user_role::user, ada, 1'000, 2'000}) == caf::none);
  CHECK(db->find_link("r1", 1'500)->user_name == "ada");
  SUBCASE("and no other way") {
    CHECK(write(joining("r1", "eve")) == errc::not_found);
    CHECK(write(password_reset{"r1", "new", 2'000}) == errc::not_found);
    CHECK(db->find_login("a", 1'500));
    CHECK(write(password_reset{"r1", "new", 1'999}) == errc::none);
    CHECK(write(password_reset{"r1", "newer", 1'999}) == errc::not_found);
    CHECK(db->find_user(ada)->password_hash == "new");
    CHECK(db->find_user(bob)->password_hash == "hash");
    CHECK_FALSE(db->find_login("a", 1'500));
    CHECK(db->find_login("b", 1'500));
  }
  SUBCASE("not after a newer link") {
    REQUIRE(db->put_link({"r2", link_purpose::reset, user_role::user, ada, 1'000, 2'000}) == caf::none);
    CHECK(write(password_reset{"r1", "new", 1'500}) == errc::not_found);
    CHECK(write(password_reset{"r2", "new", 1'500}) == errc::none);
  }
  SUBCASE("not after another password") {
    REQUIRE(db->set_password("ada", "other") == caf::none);
    CHECK(write(password_reset{"r1", "new", 1'500}) == errc::not_found);
  }
  SUBCASE("not of a disabled user") {
    REQUIRE(db->set_disabled("ada", true) == caf::none);
    CHECK(write(password_reset{"r1", "new", 1'500}) == errc::not_found);
  }
  SUBCASE("an invitation changes no password") {
    REQUIRE(db->put_link(invitation("l1")) == caf::none);
    CHECK(write(password_reset{"l1", "new", 1'500}) == errc::not_found);
    CHECK(db->find_link("l1", 1'500));
  }
}

TEST_CASE_FIXTURE(accounts_database, "links are bounded; what has expired makes room") {
  for (int i = 0; i < links_max; ++i)
    REQUIRE(db->put_link(invitation(std::to_string(i))) == caf::none);
  CHECK(code_of(db->put_link(invitation("surplus"))) == errc::limit_reached);
  auto later = invitation("later");
  later.created_at = 2'000;
  later.expires_at = 3'000;
  CHECK(db->put_link(later) == caf::none);
}

TEST_CASE_FIXTURE(accounts_database, "a password is changed by who knew it, and ends the other sessions") {
  auto ada = db->add_user("ada", "hash")->id;
  auto bob = db->add_user("bob", "hash")->id;
  for (const auto* hash : {"here", "there"})
    REQUIRE(db->put_login(login_of(ada, hash)) == caf::none);
  REQUIRE(db->put_login(login_of(bob, "bob's")) == caf::none);
  CHECK(write(password_changed{ada, "outdated", "new", "here"}) == errc::not_found);
  CHECK(sessions_of(ada).size() == 2);
  CHECK(write(password_changed{ada, "hash", "new", "here"}) == errc::none);
  CHECK(db->find_user(ada)->password_hash == "new");
  CHECK(sessions_of(ada) == std::vector<std::string>{"here"});
  CHECK(sessions_of(bob).size() == 1);
}

TEST_CASE_FIXTURE(accounts_database, "a user ends their own sessions and nobody else's") {
  auto ada = db->add_user("ada", "hash")->id;
  auto bob = db->add_user("bob", "hash")->id;
  for (const auto* hash : {"a1", "a2", "a3"})
    REQUIRE(db->put_login(login_of(ada, hash)) == caf::none);
  REQUIRE(db->put_login(login_of(bob, "b1")) == caf::none);
  CHECK(write(login_ended{ada, "b1"}) == errc::none);
  CHECK(sessions_of(bob).size() == 1);
  CHECK(write(login_ended{ada, "a1"}) == errc::none);
  CHECK(sessions_of(ada) == std::vector<std::string>{"a2", "a3"});
  CHECK(write(other_logins_ended{ada, "a3"}) == errc::none);
  CHECK(sessions_of(ada) == std::vector<std::string>{"a3"});
  CHECK(sessions_of(bob).size() == 1);
}

TEST_CASE_FIXTURE(accounts_database, "a session that is used lasts longer, but not beyond its end") {
  auto ada = db->add_user("ada", "hash")->id;
  REQUIRE(db->put_login(login_of(ada, "a", 0)) == caf::none);
  const unix_us step = 60 * second;
  SUBCASE("its use is written once in a while") {
    CHECK(write(login_used{"a", step - 1, step - 1 + hour}) == errc::none);
    CHECK(db->find_login("a", 0)->login.last_used_at == 0);
    CHECK(db->find_login("a", 0)->login.expires_at == hour);
    CHECK(write(login_used{"a", step, step + hour}) == errc::none);
    CHECK(db->find_login("a", 0)->login.last_used_at == step);
    CHECK(db->find_login("a", step + hour - 1));
    CHECK_FALSE(db->find_login("a", step + hour));
  }
  SUBCASE("its end is certain") {
    for (unix_us at = hour / 2; at < 24 * hour; at += hour / 2)
      REQUIRE(write(login_used{"a", at, at + hour}) == errc::none);
    CHECK(db->find_login("a", 24 * hour - 1));
    CHECK_FALSE(db->find_login("a", 24 * hour));
  }
  SUBCASE("what is over does not come back, and its row goes") {
    CHECK(write(login_used{"a", hour, 2 * hour}) == errc::none);
    CHECK_FALSE(db->find_login("a", 0));
  }
}

TEST_CASE_FIXTURE(accounts_database, "sessions tell where they are from, those used last first, and are bounded") {
  auto ada = db->add_user("ada", "hash")->id;
  auto login = login_of(ada, "a0", 1'000);
  login.agent.assign(login_agent_bytes_max, 'x');
  login.agent += 'y';
  REQUIRE(db->put_login(login) == caf::none);
  auto listed = db->logins_of(ada, 1'500);
  REQUIRE(listed->size() == 1);
  CHECK(listed->at(0).address == "192.0.2.1");
  CHECK(listed->at(0).agent == std::string(login_agent_bytes_max, 'x'));
  CHECK(listed->at(0).created_at == 1'000);
  for (int i = 1; i <= user_logins_max; ++i)
    REQUIRE(db->put_login(login_of(ada, "a" + std::to_string(i), 1'000 + i)) == caf::none);
  auto all = sessions_of(ada);
  CHECK(all.size() == static_cast<size_t>(user_logins_max));
  CHECK(all.front() == "a" + std::to_string(user_logins_max));
  CHECK(std::find(all.begin(), all.end(), "a0") == all.end());
  CHECK(sessions_of(ada, 1'001 + hour).size() == static_cast<size_t>(user_logins_max - 1));
}
