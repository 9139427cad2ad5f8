// Logins at a provider of OpenID Connect, beside their browser sessions.
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

struct place {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db = open();

  std::unique_ptr<sqlite_database> open() {
    auto opened = sqlite_database::open(scratch.path(), sqlite_database::mode::read_write);
    REQUIRE(opened);
    return std::move(*opened);
  }
  identity_seen seen(const std::string& subject, std::vector<std::string> groups = {}) {
    return {{"https://login.example", subject}, subject, "", std::move(groups), {}, 5, 100, {}};
  }
  caf::error begin(const std::string& subject, const std::string& hash, const std::string& session, unix_us at = 5) {
    auto who = seen(subject);
    who.login = login_record{hash, 0, "c", at, 100, at, 1'000};
    return db->apply(account_write{oidc_login_begun{who, {hash, who.key, session, "sealed", at}}});
  }
  // Ends at 20, when nothing that began at 5 is over yet.
  caf::error end(const std::string& hash, bool with_tokens) {
    return db->apply(account_write{oidc_login_ended{hash, "not confirmed", with_tokens, 20, {}}});
  }
  void make_token(const std::string& user, const std::string& hash) {
    const auto id = db->find_user(std::string_view{user})->id;
    REQUIRE(db->apply(token_write{token_made{{hash, hash, id, "a script", {true, false, false}, 5, 900}, 10}})
            == caf::none);
  }
  audit_row told() {
    audit_question newest;
    newest.limit = 1;
    return db->audit_rows(newest)->at(0);
  }
  caf::error check(const oidc_login_checked& checked) {
    return db->apply(account_write{checked});
  }
  bool is_in(const std::string& hash, unix_us at = 10) {
    return db->find_login(hash, at).engaged();
  }
  std::vector<std::string> sessions(const std::string& subject, const std::string& session) {
    return *db->oidc_sessions_of({"https://login.example", subject}, session);
  }
};

using texts = std::vector<std::string>;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("who comes in from a provider has an account, a session and what is kept of the login, or nothing") {
  place at;
  REQUIRE(at.begin("ada", "h1", "s1") == caf::none);
  CHECK(at.is_in("h1"));
  auto kept = at.db->find_oidc_login("h1");
  REQUIRE(kept);
  CHECK(kept->key.subject == "ada");
  CHECK(kept->session == "s1");
  CHECK(kept->sealed == "sealed");
  // Without the session that it belongs to there is no login.
  auto who = at.seen("bob");
  CHECK(at.db->apply(account_write{oidc_login_begun{who, {"h2", who.key, "", "x", 5}}}));
  who.login = login_record{"h3", 0, "c", 5, 100};
  CHECK(at.db->apply(account_write{oidc_login_begun{who, {"h2", who.key, "", "x", 5}}}));
  CHECK_FALSE(at.db->find_user(std::string_view{"bob"}));
}

TEST_CASE("what is kept of a login goes with its session") {
  place at;
  REQUIRE(at.begin("ada", "h1", "s1") == caf::none);
  REQUIRE(at.db->drop_login("h1") == caf::none);
  CHECK_FALSE(at.db->find_oidc_login("h1"));
}

TEST_CASE("a session lasts as long as the provider confirms it, however it is used") {
  place at;
  REQUIRE(at.begin("ada", "h1", "s1") == caf::none);
  constexpr unix_us minute = 60'000'000;
  // Use alone does not make it longer.
  REQUIRE(at.db->apply(account_write{login_used{"h1", 5 + minute, 900}}) == caf::none);
  CHECK_FALSE(at.is_in("h1", 100));
  REQUIRE(at.begin("ada", "h2", "s2") == caf::none);
  REQUIRE(at.check({"h2", "renewed", 50, 600, 10'000, {}}) == caf::none);
  CHECK(at.is_in("h2", 599));
  CHECK_FALSE(at.is_in("h2", 600));
  CHECK(at.db->find_oidc_login("h2")->sealed == "renewed");
  CHECK(at.db->find_oidc_login("h2")->checked_at == 50);
  // Nor does a confirmation, beyond the end of what is not used, and beyond its own end.
  REQUIRE(at.check({"h2", "renewed", 60, 600, 200, {}}) == caf::none);
  CHECK_FALSE(at.is_in("h2", 205));
  REQUIRE(at.check({"h2", "renewed", 70, 5'000, 10'000, {}}) == caf::none);
  CHECK(at.is_in("h2", 999));
  CHECK_FALSE(at.is_in("h2", 1'000));
}

TEST_CASE("a session that is over is not revived by a late answer, and nobody's groups change by it") {
  place at;
  REQUIRE(at.begin("ada", "h1", "s1") == caf::none);
  const auto ada = at.db->find_user(std::string_view{"ada"})->id;
  CHECK(at.check({"h1", "x", 100, 600, 10'000, at.seen("ada", {"admins"})}) == caf::none);
  CHECK_FALSE(at.is_in("h1", 100));
  CHECK(at.db->groups_of(ada)->empty());
  CHECK(at.check({"gone", "x", 50, 600, 10'000, at.seen("ada", {"admins"})}) == caf::none);
  CHECK(at.db->groups_of(ada)->empty());
}

TEST_CASE("with a confirmation come the groups of now; without one only the tokens are new") {
  place at;
  REQUIRE(at.begin("ada", "h1", "s1") == caf::none);
  const auto ada = at.db->find_user(std::string_view{"ada"})->id;
  REQUIRE(at.check({"h1", "x", 50, 600, 10'000, at.seen("ada", {"staff"})}) == caf::none);
  CHECK(*at.db->groups_of(ada) == texts{"staff"});
  REQUIRE(at.check({"h1", "newer", 0, 0, 0, {}}) == caf::none);
  CHECK(at.db->find_oidc_login("h1")->sealed == "newer");
  CHECK(at.db->find_oidc_login("h1")->checked_at == 50);
  CHECK(at.is_in("h1", 599));
}

TEST_CASE("those are due first that were confirmed longest ago") {
  place at;
  REQUIRE(at.begin("ada", "h1", "s1", 7) == caf::none);
  REQUIRE(at.begin("bob", "h2", "s2", 6) == caf::none);
  REQUIRE(at.begin("eve", "h3", "s3", 8) == caf::none);
  auto due = *at.db->oidc_logins_due(7, 10, 10);
  REQUIRE(due.size() == 2);
  CHECK(due[0].token_hash == "h2");
  CHECK(due[1].token_hash == "h1");
  CHECK(at.db->oidc_logins_due(50, 10, 1)->size() == 1);
  CHECK(at.db->oidc_logins_due(50, 100, 10)->empty());
}

TEST_CASE("sessions are found by whose they are or by the provider's name of them, and by nothing they are not") {
  place at;
  REQUIRE(at.begin("ada", "h1", "s1") == caf::none);
  REQUIRE(at.begin("ada", "h2", "s2") == caf::none);
  REQUIRE(at.begin("bob", "h3", "") == caf::none);
  CHECK(at.sessions("ada", "").size() == 2);
  CHECK(at.sessions("", "s2") == texts{"h2"});
  CHECK(at.sessions("ada", "s1") == texts{"h1"});
  CHECK(at.sessions("bob", "s1").empty());
  CHECK(at.sessions("", "").empty());
  CHECK(at.db->oidc_sessions_of({"https://other.example", "ada"}, "")->empty());
}

TEST_CASE("what the provider ends, ends here once, and the audit says by whose word") {
  place at;
  REQUIRE(at.begin("ada", "h1", "s1") == caf::none);
  at.make_token("ada", "t1");
  REQUIRE(at.end("h1", false) == caf::none);
  CHECK_FALSE(at.is_in("h1"));
  CHECK_FALSE(at.db->find_oidc_login("h1"));
  CHECK(at.db->find_token("t1", 20)); // a logout is none of programs
  const auto row = at.told();
  CHECK(row.action == audit_action::session_ended);
  CHECK(row.subject_name.text == "ada");
  CHECK(has(row.subject, "h1"));
  CHECK(has(row.details, "not confirmed"));
  CHECK_FALSE(has(row.details, "tokens_revoked"));
  REQUIRE(at.end("h1", true) == caf::none); // over already
  CHECK(at.told().id == row.id);
  CHECK(at.db->find_token("t1", 20));
}

TEST_CASE("with the last session that the provider confirms no more go the tokens of that person, and nobody else's") {
  place at;
  REQUIRE(at.begin("ada", "h1", "s1") == caf::none);
  REQUIRE(at.begin("ada", "h2", "s2") == caf::none);
  REQUIRE(at.begin("bob", "h3", "s3") == caf::none);
  at.make_token("ada", "t1");
  at.make_token("bob", "t2");
  REQUIRE(at.end("h1", true) == caf::none);
  CHECK(at.db->find_token("t1", 20)); // the provider is asked about the other one
  REQUIRE(at.end("h2", true) == caf::none);
  CHECK_FALSE(at.db->find_token("t1", 20));
  CHECK(has(at.told().details, "\"tokens_revoked\":1"));
  CHECK(at.db->find_token("t2", 20));
  CHECK(at.is_in("h3"));
}

TEST_CASE("a session that is over, about which nobody is asked any more, keeps no token") {
  place at;
  REQUIRE(at.begin("ada", "h1", "s1") == caf::none);
  REQUIRE(at.begin("ada", "h2", "s2") == caf::none);
  REQUIRE(at.check({"h1", "x", 6, 10, 10'000, {}}) == caf::none); // lasts until 10
  at.make_token("ada", "t1");
  REQUIRE(at.end("h2", true) == caf::none);
  CHECK_FALSE(at.db->find_token("t1", 20));
}

TEST_CASE("the audit tells of who comes in, through which provider, and of another role") {
  place at;
  const auto begin = [&](const std::string& hash) {
    auto who = at.seen("ada");
    who.login = login_record{hash, 0, "c", 5, 100, 5, 1'000};
    who.by = {0, "", audit_way::browser, "192.0.2.7"};
    return at.db->apply(account_write{oidc_login_begun{who, {hash, who.key, "", "sealed", 5}}});
  };
  REQUIRE(begin("h1") == caf::none);
  CHECK(at.told().action == audit_action::user_joined);
  REQUIRE(begin("h2") == caf::none);
  auto row = at.told();
  CHECK(row.action == audit_action::login);
  CHECK(row.actor.text == "ada");
  CHECK(row.address.text == "192.0.2.7");
  CHECK(has(row.details, "https://login.example"));
  // A confirmation is no event, but where it changes something.
  auto same = at.seen("ada");
  REQUIRE(at.check({"h2", "x", 50, 600, 10'000, same}) == caf::none);
  CHECK(at.told().id == row.id);
  same.role = user_role::admin;
  REQUIRE(at.check({"h2", "x", 60, 600, 10'000, same}) == caf::none);
  CHECK(at.told().action == audit_action::user_role);
}

TEST_CASE("a start in another mode ends the sessions that it would not have made") {
  place at;
  REQUIRE(at.begin("ada", "h1", "s1") == caf::none);
  const auto bob = at.db->add_user("bob", "x");
  REQUIRE(at.db->put_login({"h2", bob->id, "c", 5, 100}) == caf::none);
  const std::string issuer{"https://login.example"};
  REQUIRE(at.db->apply(account_write{foreign_logins_ended{issuer}}) == caf::none);
  CHECK(at.is_in("h1"));
  CHECK_FALSE(at.is_in("h2"));
  const auto row = at.told();
  CHECK(row.action == audit_action::sessions_ended);
  CHECK(has(row.details, "auth.mode"));
  REQUIRE(at.db->apply(account_write{foreign_logins_ended{issuer}}) == caf::none); // as every start in this mode does
  CHECK(at.told().id == row.id);
  REQUIRE(at.db->put_login({"h2", bob->id, "c", 5, 100}) == caf::none);
  REQUIRE(at.db->apply(account_write{foreign_logins_ended{}}) == caf::none);
  CHECK_FALSE(at.is_in("h1"));
  CHECK(at.is_in("h2"));
}

TEST_CASE("a start with another provider ends the sessions that the former one vouched for") {
  place at;
  REQUIRE(at.begin("ada", "h1", "s1") == caf::none);
  REQUIRE(at.db->apply(account_write{foreign_logins_ended{"https://another.example"}}) == caf::none);
  CHECK_FALSE(at.is_in("h1"));
}
