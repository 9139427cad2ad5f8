// Users for whom somebody else vouches, and groups.
#include "storage/limits.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

using namespace varro;
using namespace varro::test;

namespace {

constexpr unix_us second = 1'000'000;
constexpr unix_us hour = 3'600 * second;

struct identities_database {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db
    = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));

  static identity_seen seen_of(std::string subject, std::string name, std::vector<std::string> groups = {}) {
    identity_seen seen;
    seen.key = {"proxy", std::move(subject)};
    seen.name = std::move(name);
    seen.groups = std::move(groups);
    seen.at = 1'000;
    seen.users_max = 10;
    return seen;
  }
  static login_record login_of(std::string hash, std::string csrf, unix_us at = 1'000) {
    return {std::move(hash), 0, std::move(csrf), at, at + hour, at, at + 24 * hour, "192.0.2.1", "A browser"};
  }
  static identity_seen with_login(identity_seen seen, login_record login) {
    seen.login = std::move(login);
    return seen;
  }
  errc write(const account_write& one) {
    return code_of(db->apply(one));
  }
  user_record user(std::string_view name) {
    auto found = db->find_user(name);
    REQUIRE(found);
    return *found;
  }
  std::vector<std::string> groups_of(std::string_view name) {
    return *db->groups_of(user(name).id);
  }
};

using names = std::vector<std::string>;

} // namespace

TEST_CASE_FIXTURE(identities_database, "who comes for the first time gets an account, and the same one ever after") {
  auto seen = seen_of("s-1", "ada");
  REQUIRE(write(seen) == errc::none);
  const auto id = user("ada").id;
  CHECK(user("ada").role == user_role::user);
  CHECK(user("ada").password_hash.empty());
  seen.name = "ada-lovelace"; // who is called otherwise there keeps the name here
  seen.mail = "ada@example.com";
  REQUIRE(write(seen) == errc::none);
  CHECK(user("ada").id == id);
  CHECK(db->list_users()->size() == 1);
  SUBCASE("another subject, or the same of another issuer, is somebody else") {
    auto other = seen_of("s-1", "ada");
    other.key.issuer = "https://login.example";
    REQUIRE(write(other) == errc::none);
    REQUIRE(write(seen_of("s-2", "ada")) == errc::none);
    CHECK(user("ada-2").id != id);
    CHECK(user("ada-3").id != id);
  }
  SUBCASE("and nobody is without a subject") {
    CHECK(write(seen_of("", "bob")) == errc::invalid_input);
    CHECK(db->list_users()->size() == 1);
  }
}

TEST_CASE_FIXTURE(identities_database, "no name takes an account over, whatever somebody is called elsewhere") {
  const auto local = db->local_user();
  REQUIRE(local);
  const auto boss = db->add_user("boss", "hash", user_role::admin);
  REQUIRE(boss);
  REQUIRE(write(with_login(seen_of("s-1", "boss"), login_of("t1", "csrf"))) == errc::none);
  REQUIRE(write(with_login(seen_of("s-2", "local"), login_of("t2", "csrf"))) == errc::none);
  for (const auto* hash : {"t1", "t2"}) {
    auto found = db->find_login(hash, 1'500);
    REQUIRE(found);
    CHECK(found->user.role == user_role::user);
    CHECK(found->user.id != boss->id);
    CHECK(found->user.id != local->id);
  }
  CHECK(user("boss").id == boss->id);
  CHECK(db->find_login("t1", 1'500)->user.name == "boss-2");
  CHECK(db->find_login("t2", 1'500)->user.name == "local-2");
}

TEST_CASE_FIXTURE(identities_database, "the local user's name is not given away before there is that user, either") {
  REQUIRE(write(seen_of("s-1", "local")) == errc::none);
  CHECK(user("local-2").id == 1);
  CHECK(db->local_user()->id != 1);
}

TEST_CASE_FIXTURE(identities_database, "of many with one name and of the longest each gets a name of their own") {
  const std::string longest(64, 'x');
  for (int i = 0; i < 20; ++i) {
    auto seen = seen_of("s-" + std::to_string(i), longest);
    seen.users_max = 100;
    REQUIRE(write(seen) == errc::none);
  }
  auto users = db->list_users();
  REQUIRE(users);
  CHECK(users->size() == 20);
  for (const auto& each : *users)
    CHECK(each.name.size() <= 64);
}

TEST_CASE_FIXTURE(identities_database, "the issuer decides about the role where it tells one") {
  auto seen = seen_of("s-1", "ada");
  seen.role = user_role::admin;
  REQUIRE(write(seen) == errc::none);
  CHECK(user("ada").role == user_role::admin);
  SUBCASE("also against the last admin") {
    seen.role = user_role::user;
    REQUIRE(write(seen) == errc::none);
    CHECK(user("ada").role == user_role::user);
    CHECK_FALSE(*db->has_admin());
  }
  SUBCASE("and where it tells none, the role stays") {
    seen.role.reset();
    REQUIRE(write(seen) == errc::none);
    CHECK(user("ada").role == user_role::admin);
  }
}

TEST_CASE_FIXTURE(identities_database,
                  "the last admin of a way to log in stays one, whoever else is one by another way") {
  const login_way passwords{login_way::kind::password}, proxy{login_way::kind::issuer, "proxy"};
  const login_way provider{login_way::kind::issuer, "https://login.example.org"};
  REQUIRE(db->add_user("ada", "hash", user_role::admin));
  auto seen = seen_of("s-1", "bob");
  seen.role = user_role::admin;
  REQUIRE(write(seen) == errc::none);
  CHECK(*db->has_admin(passwords));
  CHECK(*db->has_admin(proxy));
  CHECK_FALSE(*db->has_admin(provider));
  CHECK(code_of(db->set_disabled("ada", true, {}, passwords)) == errc::invalid_input);
  CHECK(code_of(db->set_role("ada", user_role::user, {}, passwords)) == errc::invalid_input);
  CHECK(code_of(db->set_disabled("bob", true, {}, proxy)) == errc::invalid_input);
  CHECK(code_of(db->set_role("bob", user_role::user, {}, proxy)) == errc::invalid_input);
  SUBCASE("the one of another way may go") {
    CHECK(db->set_role("bob", user_role::user, {}, passwords) == caf::none);
    CHECK(db->set_disabled("bob", true, {}, passwords) == caf::none);
    CHECK_FALSE(*db->has_admin(proxy));
  }
  SUBCASE("and who has a password as well is one by both") {
    REQUIRE(db->set_password("bob", "hash") == caf::none);
    CHECK(db->set_disabled("ada", true, {}, passwords) == caf::none);
    CHECK(code_of(db->set_disabled("bob", true, {}, passwords)) == errc::invalid_input);
  }
  SUBCASE("where it is not known how people log in, any admin is one") {
    CHECK(db->set_disabled("ada", true) == caf::none);
    CHECK(code_of(db->set_disabled("bob", true)) == errc::invalid_input);
  }
}

TEST_CASE_FIXTURE(identities_database, "the first admin's link works where only a proxy's user is one") {
  auto seen = seen_of("s-1", "bob");
  seen.role = user_role::admin;
  REQUIRE(write(seen) == errc::none);
  REQUIRE(db->put_link({"f1", link_purpose::first_admin, user_role::admin, 0, 1'000, 2'000}) == caf::none);
  CHECK(db->find_link("f1", 1'500));
  CHECK(write(user_joined{"f1", "ada", "hash", login_of("session", "csrf", 1'500), 10}) == errc::none);
  CHECK(user("ada").role == user_role::admin);
}

TEST_CASE_FIXTURE(identities_database, "a disabled account stays outside, and there are only so many accounts") {
  auto seen = with_login(seen_of("s-1", "ada", {"data"}), login_of("t1", "csrf"));
  REQUIRE(write(seen) == errc::none);
  REQUIRE(db->set_disabled("ada", true) == caf::none);
  seen.groups = {"staff"};
  seen.login->token_hash = "t2";
  CHECK(write(seen) == errc::unauthorized);
  CHECK(groups_of("ada") == names{"data"});
  CHECK_FALSE(db->find_login("t2", 1'500));
  auto second = seen_of("s-2", "bob");
  second.users_max = 1;
  CHECK(write(second) == errc::limit_reached);
  second.users_max = 2;
  CHECK(write(second) == errc::none);
  second.users_max = 1; // who is there already comes in
  CHECK(write(second) == errc::none);
}

TEST_CASE_FIXTURE(identities_database, "groups of a login replace each other, and leave those of this server alone") {
  REQUIRE(write(seen_of("s-1", "ada", {"data", "staff"})) == errc::none);
  REQUIRE(db->add_membership("data", "ada", {}) == caf::none);
  REQUIRE(db->add_membership("pilots", "Ada", {}) == caf::none);
  REQUIRE(db->add_membership("pilots", "ada", {}) == caf::none); // again
  CHECK(groups_of("ada") == names{"data", "pilots", "staff"});
  REQUIRE(write(seen_of("s-1", "ada", {"staff"})) == errc::none);
  CHECK(groups_of("ada") == names{"data", "pilots", "staff"});
  CHECK(code_of(db->remove_membership("staff", "ada", {})) == errc::not_found);
  REQUIRE(db->remove_membership("data", "ada", {}) == caf::none);
  CHECK(groups_of("ada") == names{"pilots", "staff"});
  auto all = db->list_memberships();
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK(all->front().group == "pilots");
  CHECK(all->front().user == "ada");
  CHECK(all->front().source == group_source::local);
  CHECK(all->back().source == group_source::login);
  CHECK(code_of(db->add_membership("data", "nobody", {})) == errc::not_found);
  CHECK(code_of(db->remove_membership("data", "nobody", {})) == errc::not_found);
  CHECK(db->groups_of(99)->empty());
}

TEST_CASE_FIXTURE(identities_database, "a user has at most so many groups of each source") {
  names most;
  for (int i = 0; i < user_groups_max; ++i)
    most.push_back("g" + std::to_string(i));
  REQUIRE(write(seen_of("s-1", "ada", most)) == errc::none);
  for (const auto& group : most)
    REQUIRE(db->add_membership(group, "ada", {}) == caf::none);
  CHECK(code_of(db->add_membership("more", "ada", {})) == errc::limit_reached);
  CHECK(db->add_membership(most.front(), "ada", {}) == caf::none); // is there already
  most.push_back("more");
  CHECK(write(seen_of("s-1", "ada", most)) == errc::limit_reached);
  CHECK(groups_of("ada").size() == user_groups_max);
}

TEST_CASE_FIXTURE(identities_database, "a login of an identity replaces the one before and goes on with its forms") {
  const auto key = [](const char* digest) { return std::string{identity_login_prefix} + digest; };
  REQUIRE(write(with_login(seen_of("s-1", "ada"), login_of(key("a"), "first"))) == errc::none);
  REQUIRE(write(with_login(seen_of("s-2", "bob"), login_of(key("b"), "of bob"))) == errc::none);
  REQUIRE(write(with_login(seen_of("s-1", "ada"), login_of("of a cookie", "third"))) == errc::none);
  REQUIRE(write(with_login(seen_of("s-1", "ada", {"data"}), login_of(key("a2"), "second"))) == errc::none);
  CHECK_FALSE(db->find_login(key("a"), 1'500));
  CHECK(db->find_login(key("a2"), 1'500)->login.csrf == "first");
  CHECK(db->find_login(key("b"), 1'500)->login.csrf == "of bob");
  CHECK(db->find_login("of a cookie", 1'500)->login.csrf == "third");
  SUBCASE("the same one twice is one") {
    REQUIRE(write(with_login(seen_of("s-1", "ada", {"data"}), login_of(key("a2"), "other"))) == errc::none);
    CHECK(db->find_login(key("a2"), 1'500)->login.csrf == "first");
  }
  SUBCASE("what has expired is not gone on with") {
    auto later = login_of(key("a3"), "later", 1'000 + hour);
    REQUIRE(write(with_login(seen_of("s-1", "ada"), later)) == errc::none);
    CHECK(db->find_login(key("a3"), 1'000 + hour)->login.csrf == "later");
  }
  SUBCASE("who may not enter any more is out, with all logins, and nobody else") {
    REQUIRE(write(identity_refused{{"proxy", "s-1"}}) == errc::none);
    CHECK_FALSE(db->find_login(key("a2"), 1'500));
    CHECK_FALSE(db->find_login("of a cookie", 1'500));
    CHECK(db->find_login(key("b"), 1'500));
    CHECK(write(identity_refused{{"proxy", "nobody"}}) == errc::none);
    CHECK(write(identity_refused{{"", ""}}) == errc::none);
    CHECK(db->find_login(key("b"), 1'500));
  }
}

TEST_CASE_FIXTURE(identities_database, "streams of a login that each request renews end when none comes any more") {
  const auto key = std::string{identity_login_prefix} + "a";
  REQUIRE(write(with_login(seen_of("s-1", "ada"), login_of(key, "csrf"))) == errc::none);
  REQUIRE(write(with_login(seen_of("s-1", "ada"), login_of("of a cookie", "csrf"))) == errc::none);
  constexpr unix_us most = std::chrono::microseconds{identity_stream_max}.count();
  const names both{key, "of a cookie"};
  CHECK(db->ended_logins(both, 1'000 + most - 1)->empty());
  CHECK(*db->ended_logins(both, 1'000 + most) == names{key});
  CHECK(db->find_login(key, 1'000 + most)); // the forms stay good
  REQUIRE(write(login_used{key, 1'000 + most, 1'000 + most + hour}) == errc::none);
  CHECK(db->ended_logins(both, 1'000 + most)->empty());
}
