// What is left of a user in the database, at each step of an erasure and afterwards.
#include "storage/erasures.hpp"

#include "storage/sqlite/sqlite_database.hpp"
#include "storage/sqlite/sqlite_search_index.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/raw_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <limits>

using namespace varro;
using namespace varro::test;

namespace {

struct two_users {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db
    = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
  int64_t boss = db->add_user("boss", "hash", user_role::admin)->id;
  int64_t ada = db->add_user("ada-secret-name", "secret-hash")->id;

  void put(int64_t chat, int64_t user, const std::string& words) {
    auto batch = batch_of(make_chat(chat, user, words + " title"));
    batch.run = make_run(chat, chat);
    batch.messages.push_back(make_row(chat, 1, prompt(words + " prompt")));
    batch.messages.push_back(make_row(chat, 2, answer(words + " answer " + std::string(9'000, 'x'))));
    usage_row row;
    row.at = 1;
    row.user_id = user;
    row.chat_id = chat;
    row.kind = usage_kind::model;
    row.outcome = "answered";
    row.vendor_id = "vendor-" + words;
    row.cost_nano = 7;
    row.currency = "EUR";
    batch.usage.push_back(row);
    REQUIRE(db->apply(batch) == caf::none);
  }
  void erase_rows() {
    REQUIRE(db->begin_erasure("ada-secret-name", {}, 5));
    const auto chats = db->chats_of(ada, 100);
    REQUIRE(chats);
    for (auto chat : *chats)
      REQUIRE(db->delete_chat(ada, chat, {}) == caf::none);
    REQUIRE(db->end_chats(ada) == caf::none);
    REQUIRE(db->erase_account(ada) == caf::none);
    REQUIRE(db->end_search(ada) == caf::none);
  }
  std::string step() {
    return db->find_erasure(ada)->step;
  }
  bool holds(const std::string& file, const std::string& words) {
    std::ifstream in{scratch / file, std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    return bytes.find(words) != std::string::npos;
  }
};

} // namespace

TEST_CASE_FIXTURE(two_users, "an erasure begins with the user disabled, logged out, and not to be enabled again") {
  REQUIRE(db->put_login({"token", ada, "csrf", 1, 100}) == caf::none);
  REQUIRE(db->put_link({"link", link_purpose::reset, user_role::user, ada, 1, 100}) == caf::none);
  auto begun = db->begin_erasure("Ada-Secret-Name", {}, 5);
  REQUIRE(begun);
  CHECK(begun->user_id == ada);
  CHECK(begun->asked_at == 5);
  CHECK(db->find_user(ada)->disabled);
  CHECK_FALSE(db->find_login("token", 50));
  CHECK_FALSE(db->find_link("link", 50));
  CHECK(text_of(db->set_disabled("ada-secret-name", false)).find("being erased") != std::string::npos);
  CHECK(db->find_user(ada)->disabled);
  SUBCASE("asked for again, it is the same one") {
    CHECK(db->begin_erasure("ada-secret-name", {}, 9)->asked_at == 5);
    CHECK(db->open_erasures()->size() == 1);
  }
  SUBCASE("others can be disabled and enabled") {
    REQUIRE(db->add_user("bob", "hash"));
    CHECK(db->set_disabled("bob", true) == caf::none);
    CHECK(db->set_disabled("bob", false) == caf::none);
  }
}

TEST_CASE_FIXTURE(two_users, "an erasure of the page of admins is the same, is told once, and its steps are shown") {
  const audit_origin by{boss, "boss", audit_way::browser, ""};
  for (unix_us at : {5, 9})
    REQUIRE(db->apply(account_write{user_erased{"ada-secret-name", at, by}}) == caf::none);
  CHECK(db->find_erasure(ada)->asked_at == 5);
  CHECK(db->audit_rows({.action = "user.erased", .limit = 10})->size() == 1);
  auto shown = [&](unix_us since) {
    auto answer = db->answer({erasures_question{since}});
    REQUIRE(answer);
    return std::get<std::vector<erasure_shown>>(answer->what);
  };
  REQUIRE(shown(100).size() == 1);
  CHECK(shown(100).front().name == "ada-secret-name");
  CHECK(shown(100).front().what.step == erasure_step::chats);
  erase_rows();
  CHECK(shown(100).front().name.empty());
  REQUIRE(db->end_erasure(ada, 50) == caf::none);
  CHECK(shown(100).empty());
  CHECK(shown(50).front().what.step == erasure_step::done);
  CHECK(code_of(db->apply(account_write{user_erased{"boss", 5, by}})) == errc::invalid_input);
  CHECK_FALSE(db->find_user(boss)->disabled);
}

TEST_CASE_FIXTURE(two_users, "neither the last admin is erased, nor the local user, nor nobody") {
  CHECK(code_of(db->begin_erasure("boss", {}, 5).error()) == errc::invalid_input);
  CHECK_FALSE(db->find_user(boss)->disabled);
  REQUIRE(db->local_user());
  CHECK(code_of(db->begin_erasure("local", {}, 5).error()) == errc::invalid_input);
  CHECK(code_of(db->begin_erasure("nobody", {}, 5).error()) == errc::not_found);
  CHECK(db->open_erasures()->empty());
  REQUIRE(db->set_role("ada-secret-name", user_role::admin) == caf::none);
  CHECK(db->begin_erasure("boss", {}, 5));
}

TEST_CASE_FIXTURE(two_users,
                  "a chat whose rows go is remembered until the erasure is done; one that a user deletes is not") {
  put(1, ada, "first");
  put(2, ada, "second");
  put(3, boss, "other");
  REQUIRE(db->delete_chat(ada, 1, {}) == caf::none);
  REQUIRE(db->begin_erasure("ada-secret-name", {}, 5));
  CHECK(*db->chats_of(ada, 100) == std::vector<int64_t>{2});
  REQUIRE(db->delete_chat(ada, 2, {}) == caf::none);
  REQUIRE(db->delete_chat(boss, 3, {}) == caf::none);
  CHECK(*db->erased_chats(ada) == std::vector<int64_t>{2});
  REQUIRE(db->end_chats(ada) == caf::none);
  REQUIRE(db->erase_account(ada) == caf::none);
  REQUIRE(db->end_search(ada) == caf::none);
  CHECK(*db->erased_chats(ada) == std::vector<int64_t>{2});
  REQUIRE(db->end_erasure(ada, 6) == caf::none);
  CHECK(db->erased_chats(ada)->empty());
  CHECK(db->open_erasures()->empty());
  CHECK(step() == erasure_step::done);
}

TEST_CASE_FIXTURE(two_users, "files of a chat that went by its age are among what an erasure deletes") {
  put(1, ada, "old");
  raw_database{scratch / "varro.db"}.execute("UPDATE runs SET status = 'completed'");
  const unix_us used_until = db->load_chat(ada, 1)->chat.updated_at;
  const chat_retired write{ada, 1, used_until, retired_part::all, 0, 0, used_until + 1};
  REQUIRE(db->apply(account_write{write}) == caf::none);
  REQUIRE(db->begin_erasure("ada-secret-name", {}, 5));
  CHECK(*db->erased_chats(ada) == std::vector<int64_t>{1});
}

TEST_CASE_FIXTURE(two_users, "the last admin is who can log in by the way that is asked for") {
  REQUIRE(db->set_role("ada-secret-name", user_role::admin) == caf::none);
  const login_way outside{login_way::kind::issuer, "https://login.example.org"};
  raw_database{scratch / "varro.db"}.text("UPDATE users SET password_hash = '', issuer = 'https://login.example.org', "
                                          "subject = 's' WHERE name = 'ada-secret-name' RETURNING id");
  CHECK(code_of(db->apply(account_write{user_erased{"ada-secret-name", 5, {}, outside}})) == errc::invalid_input);
  CHECK(db->open_erasures()->empty());
  CHECK(db->apply(account_write{user_erased{"boss", 5, {}, outside}}) == caf::none);
}

TEST_CASE_FIXTURE(two_users, "an account with a chat that came late is not erased before that chat is") {
  REQUIRE(db->begin_erasure("ada-secret-name", {}, 5));
  REQUIRE(db->end_chats(ada) == caf::none);
  put(1, ada, "late");
  REQUIRE(db->erase_account(ada) == caf::none);
  CHECK(step() == erasure_step::chats);
  CHECK(db->find_user(ada));
  REQUIRE(db->delete_chat(ada, 1, {}) == caf::none);
  REQUIRE(db->end_chats(ada) == caf::none);
  REQUIRE(db->erase_account(ada) == caf::none);
  CHECK(step() == erasure_step::search);
  CHECK_FALSE(db->find_user(ada));
  CHECK(code_of(db->apply(batch_of(make_chat(2, ada)))) == errc::not_found); // nothing comes any more
}

TEST_CASE_FIXTURE(two_users, "a step that is taken again changes nothing, and no step leads back from the end") {
  put(1, ada, "words");
  erase_rows();
  REQUIRE(db->erase_account(ada) == caf::none); // as after a crash that came before the step was noted
  REQUIRE(db->end_search(ada) == caf::none);
  REQUIRE(db->end_erasure(ada, 6) == caf::none);
  REQUIRE(db->end_erasure(ada, 7) == caf::none);
  REQUIRE(db->end_chats(ada) == caf::none);
  CHECK(step() == erasure_step::done);
  CHECK(db->find_erasure(ada)->ended_at == 6);
}

TEST_CASE_FIXTURE(two_users,
                  "the ledger keeps its sums under a pseudonym, without the vendor's ids; others keep theirs") {
  put(1, ada, "words");
  put(2, boss, "other");
  erase_rows();
  auto sums = db->usage_sums(usage_by::user, 0, std::numeric_limits<unix_us>::max());
  REQUIRE(sums);
  REQUIRE(sums->size() == 2);
  CHECK(sums->at(0).key == "boss");
  CHECK(sums->at(1).key == pseudonym_of(ada));
  CHECK(sums->at(1).cost_nano == 7);
  raw_database raw{scratch / "varro.db"};
  CHECK(raw.text("SELECT group_concat(user_id || vendor_id) FROM usage")
        == std::to_string(ada) + "," + std::to_string(boss) + "vendor-other");
}

TEST_CASE_FIXTURE(two_users, "the audit stays whole, and calls who was erased by a number") {
  REQUIRE(db->set_disabled("ada-secret-name", true, {ada, "ada-secret-name", audit_way::browser, "192.0.2.77"})
          == caf::none);
  const store_write refused = account_write{
    login_refused{{ada, "ada-secret-name"}, "wrong password", 0, {0, "", audit_way::browser, "192.0.2.78"}}};
  REQUIRE(db->commit({&refused, 1}).front() == caf::none);
  const auto before = db->newest_audit();
  REQUIRE(before);
  erase_rows();
  REQUIRE(db->commit({&refused, 1}).front() == caf::none); // of a login that came in between
  REQUIRE(db->end_erasure(ada, 6) == caf::none);
  const auto verdict = db->verify_audit(*before);
  REQUIRE(verdict);
  CHECK(verdict->fault.empty());
  CHECK(verdict->forgotten > 0);
  REQUIRE(db->compact() == caf::none);
  for (const auto* words : {"secret", "192.0.2.77", "192.0.2.78"})
    CHECK_FALSE(holds("varro.db", words));
  raw_database raw{scratch / "varro.db"};
  CHECK(raw.text("SELECT subject_id FROM audit WHERE action = 'user.erased'") == std::to_string(ada));
}

TEST_CASE_FIXTURE(two_users, "after the vacuum no byte of the erased rows is in the file or its log, and others' are") {
  for (int64_t chat = 1; chat <= 40; ++chat)
    put(chat, chat % 2 == 0 ? ada : boss, chat % 2 == 0 ? "secret" : "public");
  REQUIRE(db->rename_chat(ada, 2, "secret other title") == caf::none);
  erase_rows();
  REQUIRE(db->compact() == caf::none);
  for (const auto* file : {"varro.db", "varro.db-wal"})
    CHECK_FALSE(holds(file, "secret"));
  CHECK(holds("varro.db", "public prompt"));
  CHECK(db->load_chat(boss, 1)->messages.size() == 2);
  CHECK(db->check() == caf::none);
}

TEST_CASE_FIXTURE(two_users, "while somebody reads an earlier state, the log cannot be emptied, and that is an error") {
  put(1, ada, "secret");
  raw_database reader{scratch / "varro.db"};
  reader.execute("BEGIN; SELECT count(*) FROM chats");
  erase_rows();
  CHECK(code_of(db->compact()) == errc::storage_failed);
  reader.execute("COMMIT");
  CHECK(db->compact() == caf::none);
  CHECK_FALSE(holds("varro.db-wal", "secret"));
}

TEST_CASE_FIXTURE(two_users, "a search index that was scrubbed holds nothing of deleted texts, and finds the others") {
  auto index = std::move(*sqlite_search_index::open(scratch.path()));
  for (int64_t chat = 1; chat <= 80; ++chat)
    put(chat, chat % 2 == 0 ? ada : boss, chat % 2 == 0 ? "zqzqsecret" : "public");
  REQUIRE(*index->catch_up(std::chrono::seconds{60}));
  REQUIRE(index->search(ada, "zqzqsecret", 100)->chats.size() == 40);
  erase_rows();
  REQUIRE(index->scrub() == caf::none);
  for (const auto* file : {"search.db", "search.db-wal"})
    for (const auto* words : {"secret", "zqz"}) // also no trigram is left
      CHECK_FALSE(holds(file, words));
  CHECK(index->search(ada, "zqzqsecret", 100)->chats.empty());
  CHECK(index->search(boss, "public", 100)->chats.size() == 40);
}
