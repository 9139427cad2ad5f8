#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

struct fresh_database {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db
    = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));

  login_record login_of(int64_t user, std::string hash, unix_us expires = 2'000) {
    return {std::move(hash), user, "csrf", 1'000, expires};
  }
};

} // namespace

TEST_CASE_FIXTURE(fresh_database, "a user is found by name, in any case, and by id") {
  auto ada = db->add_user("ada", "hash");
  REQUIRE(ada);
  CHECK(ada->id > 0);
  CHECK(ada->created_at > 0);
  CHECK(db->find_user(std::string_view{"ADA"})->id == ada->id);
  CHECK(db->find_user(ada->id)->password_hash == "hash");
  CHECK(code_of(db->find_user(std::string_view{"bob"}).error()) == errc::not_found);
  CHECK(code_of(db->find_user(ada->id + 1).error()) == errc::not_found);
}

TEST_CASE_FIXTURE(fresh_database, "a name belongs to one user") {
  REQUIRE(db->add_user("ada", "hash"));
  CHECK(code_of(db->add_user("ada", "other").error()) == errc::invalid_input);
  CHECK(code_of(db->add_user("Ada", "other").error()) == errc::invalid_input);
  CHECK(code_of(db->add_user("", "other").error()) == errc::invalid_input);
  CHECK(db->find_user(std::string_view{"ada"})->password_hash == "hash");
  CHECK(db->add_user("bob", "other"));
  REQUIRE(db->list_users());
  CHECK(db->list_users()->size() == 2);
  CHECK(db->list_users()->at(0).name == "ada");
}

TEST_CASE_FIXTURE(fresh_database, "the local user is made once and has no password") {
  auto first = db->local_user();
  REQUIRE(first);
  CHECK(first->password_hash.empty());
  CHECK(first->role == user_role::admin);
  CHECK(db->local_user()->id == first->id);
  CHECK(db->list_users()->size() == 1);
}

TEST_CASE_FIXTURE(fresh_database, "a login is found until it expires or is dropped") {
  auto ada = db->add_user("ada", "hash")->id;
  REQUIRE(db->put_login(login_of(ada, "t1")) == caf::none);
  REQUIRE(db->put_login(login_of(ada, "t2")) == caf::none);
  auto found = db->find_login("t1", 1'999);
  REQUIRE(found);
  CHECK(found->login.user_id == ada);
  CHECK(found->login.csrf == "csrf");
  CHECK(found->login.expires_at == 2'000);
  CHECK(found->user.name == "ada");
  CHECK(found->user.id == ada);
  CHECK(code_of(db->find_login("t1", 2'000).error()) == errc::not_found);
  CHECK(code_of(db->find_login("t3", 1'999).error()) == errc::not_found);
  REQUIRE(db->drop_login("t1") == caf::none);
  CHECK_FALSE(db->find_login("t1", 1'999));
  CHECK(db->find_login("t2", 1'999));
  CHECK(db->drop_login("t1") == caf::none);
}

TEST_CASE_FIXTURE(fresh_database, "of many logins those are told that are over") {
  auto ada = db->add_user("ada", "hash")->id;
  auto bob = db->add_user("bob", "hash")->id;
  for (const auto* hash : {"here", "dropped"})
    REQUIRE(db->put_login(login_of(ada, hash)) == caf::none);
  REQUIRE(db->put_login(login_of(ada, "expired", 1'500)) == caf::none);
  REQUIRE(db->put_login(login_of(bob, "disabled")) == caf::none);
  REQUIRE(db->drop_login("dropped") == caf::none);
  REQUIRE(db->set_disabled("bob", true) == caf::none);
  CHECK(*db->ended_logins({"here", "dropped", "expired", "disabled", "unknown"}, 1'500)
        == std::vector<std::string>{"dropped", "expired", "disabled", "unknown"});
  CHECK(db->ended_logins({}, 1'500)->empty());
}

TEST_CASE_FIXTURE(fresh_database, "a login of nobody and a second one with the same token are refused") {
  auto ada = db->add_user("ada", "hash")->id;
  CHECK(code_of(db->put_login(login_of(99, "t1"))) == errc::not_found);
  REQUIRE(db->put_login(login_of(ada, "t1")) == caf::none);
  CHECK(db->put_login(login_of(ada, "t1")));
}

TEST_CASE_FIXTURE(fresh_database, "expired logins are dropped with the next login, others stay") {
  auto ada = db->add_user("ada", "hash")->id;
  REQUIRE(db->put_login(login_of(ada, "old", 1'500)) == caf::none);
  REQUIRE(db->put_login(login_of(ada, "new", 1'501)) == caf::none);
  auto later = login_of(ada, "later", 3'000);
  later.created_at = 1'500;
  REQUIRE(db->put_login(later) == caf::none);
  CHECK_FALSE(db->find_login("old", 0));
  CHECK(db->find_login("new", 0));
}

TEST_CASE_FIXTURE(fresh_database, "disabling a user ends their logins and nobody else's") {
  auto ada = db->add_user("ada", "hash")->id;
  auto bob = db->add_user("bob", "hash")->id;
  REQUIRE(db->put_login(login_of(ada, "a")) == caf::none);
  REQUIRE(db->put_login(login_of(bob, "b")) == caf::none);
  REQUIRE(db->set_disabled("ada", true) == caf::none);
  CHECK(db->find_user(ada)->disabled);
  CHECK_FALSE(db->find_login("a", 0));
  CHECK(db->find_login("b", 0));
  SUBCASE("a login that is written afterwards does not help") {
    REQUIRE(db->put_login(login_of(ada, "a2")) == caf::none);
    CHECK_FALSE(db->find_login("a2", 0));
  }
  SUBCASE("enabling does not bring the old login back") {
    REQUIRE(db->set_disabled("ada", false) == caf::none);
    CHECK_FALSE(db->find_login("a", 0));
    REQUIRE(db->put_login(login_of(ada, "a2")) == caf::none);
    CHECK(db->find_login("a2", 0));
  }
  CHECK(code_of(db->set_disabled("nobody", true)) == errc::not_found);
}

TEST_CASE_FIXTURE(fresh_database, "a new password ends the user's logins") {
  auto ada = db->add_user("ada", "hash")->id;
  REQUIRE(db->put_login(login_of(ada, "a")) == caf::none);
  REQUIRE(db->set_password("ada", "new hash") == caf::none);
  CHECK(db->find_user(ada)->password_hash == "new hash");
  CHECK_FALSE(db->find_login("a", 0));
  CHECK(code_of(db->set_password("nobody", "x")) == errc::not_found);
}

TEST_CASE_FIXTURE(fresh_database, "writers join an open transaction") {
  auto ada = db->add_user("ada", "hash")->id;
  REQUIRE(db->begin() == caf::none);
  REQUIRE(db->put_login(login_of(ada, "a")) == caf::none);
  REQUIRE(db->set_password("ada", "new hash") == caf::none);
  CHECK(code_of(db->set_password("nobody", "x")) == errc::not_found);
  REQUIRE(db->put_login(login_of(ada, "b")) == caf::none);
  db->rollback();
  CHECK(db->find_user(ada)->password_hash == "hash");
  CHECK_FALSE(db->find_login("b", 0));
}

TEST_CASE_FIXTURE(fresh_database, "a second connection waits for its turn and sees what the first one committed") {
  auto other = sqlite_database::open(scratch.path(), sqlite_database::mode::read_write);
  REQUIRE(other);
  REQUIRE((*other)->add_user("ada", "hash"));
  CHECK(db->find_user(std::string_view{"ada"}));
  CHECK(db->add_user("bob", "hash"));
  CHECK((*other)->find_user(std::string_view{"bob"}));
}

TEST_CASE_FIXTURE(fresh_database,
                  "of users who have something on, those are told who may not use the server any more") {
  const auto ada = db->add_user("ada", "hash")->id, bob = db->add_user("bob", "hash")->id;
  auto locked_out = [&] {
    auto answer = db->answer({locked_out_question{{ada, bob, 99}}});
    REQUIRE(answer);
    return std::get<std::vector<int64_t>>(answer->what);
  };
  CHECK(locked_out() == std::vector<int64_t>{99}); // who is not there
  REQUIRE(db->set_disabled("bob", true) == caf::none);
  CHECK(locked_out() == std::vector<int64_t>{bob, 99});
  REQUIRE(db->set_disabled("bob", false) == caf::none);
  CHECK(locked_out() == std::vector<int64_t>{99});
}
