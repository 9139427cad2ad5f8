// Tokens of programs.
#include "storage/limits.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

constexpr unix_us second = 1'000'000;
constexpr token_scopes reads{true, false, false};
constexpr token_scopes all{true, true, true};

struct tokens_database {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db
    = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
  int64_t ada = db->add_user("ada", "hash", user_role::admin)->id;
  int64_t bob = db->add_user("bob", "hash")->id;

  static token_record token_of(int64_t user, const std::string& id, token_scopes scopes = reads) {
    return {"hash of " + id, id, user, "label of " + id, scopes, 1'000 * second, 2'000 * second};
  }
  errc write(const token_write& one) {
    return code_of(db->apply(one));
  }
  errc make(int64_t user, const std::string& id, token_scopes scopes = reads, int64_t at_most = 10) {
    return write(token_made{token_of(user, id, scopes), at_most});
  }
  bool works(const std::string& id, unix_us now = 1'500 * second) {
    return bool{db->find_token("hash of " + id, now)};
  }
  unix_us last_use(const std::string& id) {
    return db->find_token("hash of " + id, 1'500 * second)->token.last_used_at;
  }
};

} // namespace

TEST_CASE_FIXTURE(tokens_database, "a token is found by its hash until it ends, with its user") {
  REQUIRE(make(ada, "a", all) == errc::none);
  auto found = db->find_token("hash of a", 2'000 * second - 1);
  REQUIRE(found);
  CHECK(found->token.id == "a");
  CHECK(found->token.label == "label of a");
  CHECK(found->token.scopes == all);
  CHECK(found->token.created_at == 1'000 * second);
  CHECK(found->token.expires_at == 2'000 * second);
  CHECK(found->token.last_used_at == 0);
  CHECK(found->user.name == "ada");
  CHECK(found->user.role == user_role::admin);
  CHECK_FALSE(works("a", 2'000 * second));
  CHECK(code_of(db->find_token("a", 1'500 * second).error()) == errc::not_found); // its id is no hash
  CHECK(code_of(db->find_token("", 1'500 * second).error()) == errc::not_found);
}

TEST_CASE_FIXTURE(tokens_database, "a user has so many tokens and no more; expired ones make room") {
  CHECK(make(ada, "a", reads, 2) == errc::none);
  CHECK(make(ada, "b", reads, 2) == errc::none);
  CHECK(make(ada, "c", reads, 2) == errc::limit_reached);
  CHECK(make(bob, "d", reads, 2) == errc::none);
  auto later = token_of(ada, "e");
  later.created_at = 2'000 * second;
  later.expires_at = 3'000 * second;
  CHECK(write(token_made{later, 2}) == errc::none);
  CHECK(db->tokens_of(ada, 0)->size() == 1); // the others are no rows any more
  CHECK(make(bob, "f", reads, 0) == errc::limit_reached);
}

TEST_CASE_FIXTURE(tokens_database, "the scope of an admin needs an admin, and nobody else's name makes a token") {
  CHECK(make(bob, "a", all) == errc::invalid_input);
  CHECK(make(bob, "b", {false, false, true}) == errc::invalid_input);
  CHECK(make(ada, "c", all) == errc::none);
  CHECK(make(77, "d") == errc::not_found);
  REQUIRE(db->set_disabled("bob", true) == caf::none);
  CHECK(make(bob, "e") == errc::not_found);
  CHECK(make(ada, "c") != errc::none); // an id is one token's
}

TEST_CASE_FIXTURE(tokens_database, "a token is revoked by its user, or by whoever looks after the server") {
  REQUIRE(make(ada, "a") == errc::none);
  REQUIRE(make(ada, "b") == errc::none);
  CHECK(write(token_revoked{"a", bob}) == errc::not_found);
  CHECK(works("a"));
  CHECK(write(token_revoked{"a", ada}) == errc::none);
  CHECK_FALSE(works("a"));
  CHECK(works("b"));
  CHECK(write(token_revoked{"a", ada}) == errc::not_found);
  CHECK(write(token_revoked{"b"}) == errc::none);
  CHECK_FALSE(works("b"));
}

TEST_CASE_FIXTURE(tokens_database, "tokens go with what takes an account back, and stay with what its user does") {
  REQUIRE(make(ada, "a") == errc::none);
  REQUIRE(make(bob, "b") == errc::none);
  bool stays = false;
  SUBCASE("disabled, and enabled again") {
    REQUIRE(db->set_disabled("bob", true) == caf::none);
    CHECK_FALSE(works("b"));
    REQUIRE(db->set_disabled("bob", false) == caf::none);
  }
  SUBCASE("another password from the command line") {
    REQUIRE(db->set_password("bob", "another") == caf::none);
  }
  SUBCASE("another password by a link") {
    REQUIRE(db->put_link({"link", link_purpose::reset, user_role::user, bob, 1'000, 2'000}) == caf::none);
    REQUIRE(db->apply(account_write{password_reset{"link", "another", 1'500}}) == caf::none);
  }
  SUBCASE("their own change of the password") {
    REQUIRE(db->apply(account_write{password_changed{bob, "hash", "another", ""}}) == caf::none);
    stays = true;
  }
  SUBCASE("another role") {
    REQUIRE(db->set_role("bob", user_role::admin) == caf::none);
    stays = true;
  }
  CHECK(works("b") == stays);
  CHECK(works("a"));
}

TEST_CASE_FIXTURE(tokens_database, "a use is written at most once a minute") {
  constexpr auto step = std::chrono::microseconds{login_use_step}.count();
  REQUIRE(make(ada, "a") == errc::none);
  const auto first = 1'100 * second;
  CHECK(write(token_used{"hash of a", first}) == errc::none);
  CHECK(last_use("a") == first);
  CHECK(write(token_used{"hash of a", first + step - 1}) == errc::none);
  CHECK(last_use("a") == first);
  CHECK(write(token_used{"hash of a", first + step}) == errc::none);
  CHECK(last_use("a") == first + step);
  CHECK(write(token_used{"hash of nothing", first}) == errc::none);
}

TEST_CASE_FIXTURE(tokens_database, "what has expired goes with the next use or token of anybody") {
  REQUIRE(make(bob, "a") == errc::none);
  CHECK(write(token_used{"hash of nothing", 2'000 * second}) == errc::none);
  CHECK(db->tokens_of(bob, 0)->empty());
}

TEST_CASE_FIXTURE(tokens_database, "streams are over with their browser session or their token") {
  REQUIRE(make(ada, "a") == errc::none);
  const std::vector<store_write> login{login_record{"t", bob, "csrf", 1'000 * second, 2'000 * second}};
  REQUIRE(db->commit(login) == std::vector<caf::error>{caf::none});
  const std::vector<std::string> hashes{"t", "hash of a", "hash of nothing"};
  CHECK(*db->ended_logins(hashes, 1'500 * second) == std::vector<std::string>{"hash of nothing"});
  CHECK(*db->ended_logins(hashes, 2'000 * second) == hashes);
  REQUIRE(write(token_revoked{"a"}) == errc::none);
  CHECK(*db->ended_logins(hashes, 1'500 * second) == std::vector<std::string>{"hash of a", "hash of nothing"});
}

TEST_CASE("scopes read as they are written") {
  CHECK(text_of(token_scopes{}) == "");
  CHECK(text_of(token_scopes{true, true, true}) == "read,chat,admin");
  CHECK(*parse_token_scopes("read") == token_scopes{true, false, false});
  CHECK(*parse_token_scopes("chat") == token_scopes{true, true, false});
  CHECK(*parse_token_scopes("admin") == token_scopes{false, false, true});
  CHECK(*parse_token_scopes("admin, read") == token_scopes{true, false, true});
  for (auto text : {"", ",", "write", "read,all", "READ", "read;chat", "*"})
    CHECK_MESSAGE(!parse_token_scopes(text), text);
  for (int bits = 1; bits < 8; ++bits) {
    const token_scopes scopes{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    if (scopes.read || !scopes.chat)
      CHECK(*parse_token_scopes(text_of(scopes)) == scopes);
  }
}
