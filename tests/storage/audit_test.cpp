#include "storage/limits.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/raw_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace varro;
using namespace varro::test;

namespace {

constexpr unix_us hour = 3'600'000'000;

struct audit_world {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db = opened();
  int64_t ada = add("ada", user_role::admin), bob = add("bob", user_role::user);

  std::unique_ptr<sqlite_database> opened() {
    auto result = sqlite_database::open(scratch.path(), sqlite_database::mode::read_write);
    REQUIRE(result);
    return std::move(*result);
  }
  int64_t add(std::string_view name, std::string_view role) {
    auto user = db->add_user(name, "hash of " + std::string{name}, role);
    REQUIRE(user);
    return user->id;
  }
  audit_origin by_ada() const {
    return {ada, "ada", audit_way::browser, "192.0.2.7"};
  }
  caf::error commit(store_write write) {
    return db->commit(std::vector<store_write>{std::move(write)}).front();
  }
  std::vector<audit_row> rows(audit_question question = {}) {
    question.limit = question.limit == 0 ? 1'000 : question.limit;
    auto found = db->audit_rows(question);
    REQUIRE(found);
    return *found;
  }
  // "who action about what" of the newest row.
  std::string newest() {
    const auto row = rows({.limit = 1}).front();
    return actor_of(row) + " | " + row.action + " | " + subject_of(row) + " | " + row.details;
  }
  std::string fault(const std::optional<audit_head>& known = std::nullopt) {
    auto verdict = db->verify_audit(known);
    REQUIRE(verdict);
    return verdict->fault;
  }
  // As somebody would who has the file and no respect.
  void tamper(const std::string& sql) {
    raw_database{scratch / "varro.db"}.execute(
      "DROP TRIGGER audit_appended; DROP TRIGGER audit_unchanged; DROP TRIGGER audit_kept; DROP TRIGGER audit_text_new;"
      "DROP TRIGGER audit_text_unchanged;"
      + sql);
  }
};

login_record login_of(int64_t user, std::string hash) {
  return {std::move(hash), user, "csrf", now_us(), now_us() + hour, 0, 0, "192.0.2.9", ""};
}

link_record link_of(std::string hash, std::string purpose, int64_t user = 0) {
  return {std::move(hash), std::move(purpose), user_role::user, user, now_us(), now_us() + hour};
}

} // namespace

TEST_CASE("what is done with accounts and chats is told: by whom, and about whom") {
  audit_world world;
  const auto by = world.by_ada();
  CHECK(world.newest() == R"( | user.added | bob | {"role":"user"})");
  REQUIRE(world.commit(login_of(world.bob, "0123456789abcdef")) == caf::none);
  CHECK(world.newest() == "bob | login | session 01234567 | {}");
  CHECK(world.rows({.limit = 1}).front().address.text == "192.0.2.9");
  REQUIRE(world.commit(login_dropped{"0123456789abcdef", {0, "", audit_way::browser, "192.0.2.9"}}) == caf::none);
  CHECK(world.newest() == "bob | logout | session 01234567 | {}");

  struct told {
    account_write write;
    std::string text;
  };
  const audit_origin by_bob{world.bob, "bob", audit_way::browser, ""};
  const audit_origin nobody{0, "", audit_way::browser, "192.0.2.8"};
  for (auto hash : {"login-1 of bob", "login-2 of bob", "login-3 of bob", "login-4 of bob"})
    REQUIRE(world.commit(login_of(world.bob, hash)) == caf::none);
  for (auto id : {"token-1", "token-2"}) {
    const token_record token{id, id, world.bob, "a script", {true, false, false}, now_us(), now_us() + hour, 0};
    REQUIRE(world.db->apply(token_write{token_made{token, 10, by_bob}}) == caf::none);
  }
  identity_seen seen{
    {"proxy", "d-1"}, "dora", "", {}, std::nullopt, now_us(), 100, login_of(0, "of dora, here"), nobody};
  auto called_admin = seen;
  called_admin.login.reset();
  called_admin.role = user_role::admin;
  const auto at_provider = [&](const char* hash) {
    auto here = seen;
    here.login = login_of(0, hash);
    return here;
  };
  const std::vector<told> writes{
    {login_ended{world.bob, "login-1 of bob", by_bob}, "bob | session.ended | session login-1  | {}"},
    {other_logins_ended{world.bob, "login-2 of bob", by_bob}, R"(bob | sessions.ended |  | {"ended":2})"},
    {user_logins_ended{"bob", by}, R"(ada | sessions.ended | bob | {"ended":1})"},
    {user_tokens_revoked{"bob", by}, R"(ada | tokens.revoked | bob | {"revoked":2})"},
    {password_changed{world.bob, "hash of bob", "another", "", by_bob}, "bob | password.changed | bob | {}"},
    {user_state_set{"bob", true, by}, "ada | user.disabled | bob | {}"},
    {user_state_set{"bob", false, by}, "ada | user.enabled | bob | {}"},
    {user_role_set{"bob", user_role::admin, by}, R"(ada | user.role | bob | {"role":"admin","before":"user"})"},
    {link_made{link_of("aaaaaaaabbbb", link_purpose::invitation), by},
     R"(ada | link.made | invitation aaaaaaaa | {"role":"user"})"},
    {user_joined{"aaaaaaaabbbb", "cid", "hash", login_of(0, "of cid"), 100, nobody},
     R"(cid | user.joined | cid | {"role":"user","link":"invitation aaaaaaaa"})"},
    {link_made{link_of("ccccccccdddd", link_purpose::reset, world.bob), by},
     "ada | link.made | bob, reset cccccccc | {}"},
    {password_reset{"ccccccccdddd", "a third one", now_us(), nobody},
     "bob | password.reset | bob, reset cccccccc | {}"},
    {link_made{link_of("eeeeeeeeffff", link_purpose::invitation), by},
     R"(ada | link.made | invitation eeeeeeee | {"role":"user"})"},
    {link_revoked{"eeeeeeeeffff", by}, "ada | link.revoked | invitation eeeeeeee | {}"},
    {login_refused{{world.bob, "bob"}, refusal_reason::wrong_password, 3, nobody},
     R"( | login.refused | bob | {"because":"the password is wrong","refused_before":3})"},
    {login_refused{{}, refusal_reason::unknown_name, 0, nobody},
     R"( | login.refused |  | {"because":"nobody has this name"})"},
    {seen, R"(dora | user.joined | dora | {"role":"user","issuer":"proxy","login":"session of dora,"})"},
    {login_refused{{}, refusal_reason::not_allowed, 2, nobody, seen.key},
     R"( | login.refused | dora | {"because":"the groups that may come in are others, or could not be read",)"
     R"("issuer":"proxy","refused_before":2})"},
    {login_refused{{}, refusal_reason::provider_distrusted, 0, nobody, {"proxy", "nobody that is here"}},
     R"( | login.refused |  | {"because":"the login provider refused the code, or its answer is not to be believed","issuer":"proxy"})"},
    {identity_refused{{"proxy", "d-1"}, nobody},
     R"( | sessions.ended | dora | {"ended":1,"because":"refused by proxy"})"},
    {oidc_login_begun{at_provider("dora-one"), {"dora-one", seen.key, "", "sealed", now_us()}},
     R"(dora | login | session dora-one | {"issuer":"proxy"})"},
    {oidc_login_checked{"dora-one", "sealed", now_us(), now_us() + hour, hour, called_admin},
     R"(dora | user.role | dora | {"role":"admin","before":"user","issuer":"proxy"})"},
    {oidc_login_ended{"dora-one", "not confirmed", true, now_us(), nobody},
     R"( | session.ended | dora, session dora-one | {"because":"not confirmed"})"},
    {oidc_login_begun{at_provider("dora-two"), {"dora-two", seen.key, "", "sealed", now_us()}},
     R"(dora | login | session dora-two | {"issuer":"proxy"})"},
    {foreign_logins_ended{}, R"( | sessions.ended |  | {"ended":1,"because":"auth.mode or oidc.issuer changed"})"},
    {audit_noted{{audit_action::admin_read, {}, "/admin/usage"}, by}, "ada | admin.read | /admin/usage | {}"},
    {limit_written{{limit_subject::user, "bob", "chats", "5"}, by},
     R"(ada | limit.set | bob | {"limit":"chats","value":"5"})"},
    {limit_removed{{limit_subject::user, "bob", "chats", ""}, by},
     R"(ada | limit.cleared | bob | {"limit":"chats","before":"5"})"},
    {user_erased{"dora", now_us(), by}, "ada | user.erased | dora | {}"},
  };
  // Which tell nothing; of chats that go the end of the job does.
  std::set<size_t> looked_at{account_write{login_used{}}.index(), account_write{chat_seen{}}.index(),
                             account_write{chat_retired{}}.index()};
  for (const auto& [write, text] : writes) {
    const auto before = world.rows().size();
    REQUIRE(world.commit(write) == caf::none);
    CHECK(world.newest() == text);
    CHECK(world.rows().size() == before + 1);
    looked_at.insert(write.index());
  }
  CHECK(world.fault().empty());
  // Whoever adds a write says here what the audit tells of it.
  CHECK(looked_at.size() == std::variant_size_v<account_write>);

  REQUIRE(world.commit(batch_of(make_chat(7, world.bob))) == caf::none);
  REQUIRE(world.commit(chat_deleted{world.bob, 7, by_bob}) == caf::none);
  CHECK(world.newest() == "bob | chat.deleted | chat 7 | {}");
  REQUIRE(world.commit(batch_of(make_chat(8, world.bob))) == caf::none);
  REQUIRE(world.commit(chat_deleted{world.bob, 8, by}) == caf::none);
  CHECK(world.newest() == "ada | chat.deleted | bob, chat 8 | {}");
}

TEST_CASE("what did not happen is not told") {
  audit_world world;
  const auto before = world.rows().size();
  CHECK(world.commit(chat_deleted{world.bob, 7, world.by_ada()}) != caf::none);
  CHECK(world.commit(user_state_set{"nobody", true, world.by_ada()}) != caf::none);
  CHECK(world.commit(user_role_set{"ada", user_role::user, world.by_ada()}) != caf::none); // the last admin
  CHECK(world.commit(login_of(999, "of nobody")) != caf::none);
  CHECK(world.commit(link_revoked{"no link", world.by_ada()}) != caf::none);
  CHECK(world.commit(login_dropped{"over already", {}}) == caf::none);
  CHECK(world.commit(user_tokens_revoked{"bob", world.by_ada()}) == caf::none); // there is none
  CHECK(world.commit(login_ended{world.bob, "over already", {}}) == caf::none);
  CHECK(world.commit(login_used{"over already", now_us(), now_us() + hour}) == caf::none);
  CHECK(world.rows().size() == before);
}

TEST_CASE("what cannot be told is not done") {
  audit_world world;
  const audit_event largest{
    "x", {}, std::string(audit_subject_bytes_max, 's'), std::string(audit_details_bytes_max, 'd')};
  CHECK(world.commit(audit_noted{largest, {}}) == caf::none);
  auto longer = largest;
  longer.subject += 's';
  CHECK(code_of(world.commit(audit_noted{longer, {}})) == errc::too_large);
  longer = largest;
  longer.details += 'd';
  CHECK(code_of(world.commit(audit_noted{longer, {}})) == errc::too_large);
  // The database takes no row any more: nobody is disabled.
  raw_database{world.scratch / "varro.db"}.execute(
    "CREATE TRIGGER no_more BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END");
  CHECK(world.commit(user_state_set{"bob", true, world.by_ada()}) != caf::none);
  CHECK_FALSE(world.db->find_user("bob")->disabled);
}

TEST_CASE("the database refuses to change, replace or delete a row of the audit") {
  audit_world world;
  raw_database raw{world.scratch / "varro.db"};
  const std::string row = "SELECT id, at, actor_id, actor_mark, way, address_mark, action, subject_id, subject_mark,"
                          " subject, 'other', previous, hash FROM audit WHERE id = 2";
  for (const auto& sql :
       {std::string{"UPDATE audit SET details = 'x' WHERE id = 1"}, std::string{"DELETE FROM audit WHERE id = 1"},
        std::string{"DELETE FROM audit"}, "INSERT OR REPLACE INTO audit " + row,
        std::string{"INSERT INTO audit SELECT 9, at, actor_id, actor_mark, way, address_mark, action, subject_id,"
                    " subject_mark, subject, details, previous, hash FROM audit WHERE id = 2"},
        std::string{"UPDATE audit_texts SET text = 'eve'"},
        std::string{"INSERT OR REPLACE INTO audit_texts SELECT mark, user_id, salt, 'eve' FROM audit_texts"}})
    CHECK_THROWS_MESSAGE(raw.execute(sql), sql);
  CHECK(world.fault().empty());
}

TEST_CASE("the first broken row is named, whatever was done to it") {
  struct plant {
    std::string what, sql, fault;
  };
  // Rows 1 and 2 are the users'; 3 to 8 follow.
  const std::string swapped = "UPDATE audit SET id = 100 WHERE id = 4; UPDATE audit SET id = 4 WHERE id = 5;"
                              "UPDATE audit SET id = 5 WHERE id = 100";
  const std::vector<plant> plants{
    {"nothing", "SELECT 1", ""},
    {"details", "UPDATE audit SET details = '{\"a\":1}' WHERE id = 5", "row 5 was changed"},
    {"time", "UPDATE audit SET at = at + 1 WHERE id = 5", "row 5 was changed"},
    {"who", "UPDATE audit SET actor_id = 2 WHERE id = 3", "row 3 was changed"},
    {"way", "UPDATE audit SET way = 'token' WHERE id = 3", "row 3 was changed"},
    {"action", "UPDATE audit SET action = 'login' WHERE id = 8", "row 8 was changed"},
    {"about whom", "UPDATE audit SET subject_id = 1 WHERE id = 4", "row 4 was changed"},
    {"a name's mark", "UPDATE audit SET subject_mark = actor_mark WHERE id = 4", "row 4 was changed"},
    {"the hash", "UPDATE audit SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE id = 6", "row 6 was changed"},
    {"the hash before", "UPDATE audit SET previous = hash WHERE id = 6", "row 6 was changed"},
    {"two fields that together say the same",
     "UPDATE audit SET action = 'admin', subject = '.read' || subject"
     " WHERE id = 7",
     "row 7 was changed"},
    {"a row", "DELETE FROM audit WHERE id = 5", "row 5 is missing: row 6 comes after row 4"},
    {"the first row", "DELETE FROM audit WHERE id = 1", "row 1 is missing: row 2 comes first"},
    {"a row, and the others moved up", "DELETE FROM audit WHERE id = 5; UPDATE audit SET id = id - 1 WHERE id > 5",
     "row 5 was changed"},
    {"two rows changed places", swapped, "row 4 was changed"},
    {"a name", "UPDATE audit_texts SET text = 'eve' WHERE text = 'bob'", "row 2 names somebody else"},
    {"an address", "UPDATE audit_texts SET text = '10.0.0.1' WHERE text = '192.0.2.7'", "row 3 names somebody else"},
    {"the name of one who is there", "DELETE FROM audit_texts WHERE text = 'bob'", "a name or address of row 2"},
  };
  for (const auto& each : plants) {
    const auto& fault = each.fault;
    CAPTURE(each.what);
    audit_world world;
    for (int i = 0; i < 3; ++i) {
      REQUIRE(world.commit(user_state_set{"bob", true, world.by_ada()}) == caf::none);
      REQUIRE(world.commit(user_state_set{"bob", false, world.by_ada()}) == caf::none);
    }
    REQUIRE(world.rows().size() == 8);
    world.tamper(each.sql);
    const auto found = world.fault();
    CHECK_MESSAGE(found.starts_with(fault), found);
    CHECK(found.empty() == fault.empty());
  }
}

TEST_CASE("a row that was written anew with its hash breaks the next one, and the last one only a kept head") {
  audit_world world;
  for (int i = 0; i < 2; ++i)
    REQUIRE(world.commit(user_state_set{"bob", i == 0, world.by_ada()}) == caf::none);
  const auto head = *world.db->newest_audit();
  auto rewrite = [&](int64_t id) {
    auto row = world.rows({.before = id + 1, .limit = 1}).front();
    row.details = R"({"forged":true})";
    return "UPDATE audit SET details = '" + row.details + "', hash = '" + audit_hash(row)
      + "' WHERE id = " + std::to_string(id);
  };
  world.tamper(rewrite(4));
  CHECK(world.fault().empty());
  CHECK(world.fault(head).starts_with("row 4 is another one than it was"));
  raw_database{world.scratch / "varro.db"}.execute(rewrite(3));
  CHECK(world.fault().starts_with("row 4 does not follow"));
}

TEST_CASE("a cut-off end is found by a head that was kept") {
  audit_world world;
  REQUIRE(world.commit(user_state_set{"bob", true, world.by_ada()}) == caf::none);
  const auto earlier = *world.db->newest_audit();
  CHECK(earlier.id == 3);
  REQUIRE(world.commit(user_state_set{"bob", false, world.by_ada()}) == caf::none);
  const auto head = *world.db->newest_audit();
  for (const auto& known : {earlier, head, audit_head{}})
    CHECK(world.fault(known).empty());
  CHECK(audit_head_from(to_text(head))->hash == head.hash);
  world.tamper("DELETE FROM audit WHERE id = 4");
  CHECK(world.fault().empty());
  CHECK(world.fault(earlier).empty());
  CHECK(world.fault(head).starts_with("the end is cut off: row 4"));
}

TEST_CASE("an end of the chain is read only in the form in which it was printed") {
  const std::string hash(64, 'a');
  CHECK(audit_head_from("7:" + hash)->id == 7);
  for (const auto& text : {std::string{}, hash, "7:" + hash.substr(1), "7:" + hash + "a", ":" + hash, "-1:" + hash,
                           "7 :" + hash, "x:" + hash, "7:" + std::string(64, 'A'), "7:" + std::string(64, 'g')})
    CHECK_FALSE_MESSAGE(audit_head_from(text), text);
}

TEST_CASE("names of somebody who is erased can be forgotten: the chain holds, and says who by a number") {
  audit_world world;
  REQUIRE(world.commit(user_state_set{"bob", true, world.by_ada()}) == caf::none);
  raw_database{world.scratch / "varro.db"}.execute(
    "DELETE FROM audit_texts WHERE user_id = " + std::to_string(world.bob) + "; DELETE FROM users WHERE name = 'bob'");
  CHECK(world.fault().empty());
  CHECK(world.db->verify_audit(std::nullopt)->forgotten == 2);
  CHECK(subject_of(world.rows({.limit = 1}).front()) == "user " + std::to_string(world.bob));
  CHECK(actor_of(world.rows({.limit = 1}).front()) == "ada");
}

TEST_CASE("rows are found by user, kind and place") {
  audit_world world;
  REQUIRE(world.commit(login_of(world.bob, "a session of bob")) == caf::none);
  REQUIRE(world.commit(user_state_set{"bob", true, world.by_ada()}) == caf::none);
  REQUIRE(world.commit(login_refused{{world.bob, "bob"}, refusal_reason::disabled, 0, {}}) == caf::none);
  auto ids = [&](audit_question question) {
    std::vector<int64_t> found;
    for (const auto& row : world.rows(std::move(question)))
      found.push_back(row.id);
    return found;
  };
  using list = std::vector<int64_t>;
  CHECK(ids({}) == list{5, 4, 3, 2, 1});
  CHECK(ids({.oldest_first = true}) == list{1, 2, 3, 4, 5});
  CHECK(ids({.before = 4, .limit = 2}) == list{3, 2});
  CHECK(ids({.after = 3, .oldest_first = true}) == list{4, 5});
  CHECK(ids({.user = world.bob}) == list{5, 4, 3, 2});
  CHECK(ids({.user = world.ada}) == list{4, 1});
  CHECK(ids({.user = 99}).empty());
  CHECK(ids({.action = "login"}) == list{5, 3});
  CHECK(ids({.action = "login.refused"}) == list{5});
  CHECK(ids({.action = "log"}).empty());
  CHECK(ids({.user = world.ada, .action = "user"}) == list{4, 1});
  CHECK(ids({.since = now_us() + hour}).empty());
}

TEST_CASE("two processes that write by turns make one chain") {
  audit_world world;
  auto other = world.opened();
  for (int i = 0; i < 5; ++i) {
    REQUIRE(world.commit(user_state_set{"bob", true, world.by_ada()}) == caf::none);
    REQUIRE(other->set_disabled("bob", false, {0, "root", audit_way::command_line, ""}) == caf::none);
  }
  CHECK(world.fault().empty());
  CHECK(world.rows().size() == 12);
}
