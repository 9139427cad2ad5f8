#include "storage/limits.hpp"
#include "storage/open.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/raw_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <array>
#include <limits>

using namespace varro;
using namespace varro::test;

namespace {

constexpr unix_us first_of_may = 1'777'593'600'000'000; // 2026-05-01T00:00:00Z

struct book_of_two {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db;
  int64_t ada = 0;
  int64_t bob = 0;

  book_of_two() {
    db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
    ada = db->add_user("ada", "hash")->id;
    bob = db->add_user("bob", "hash")->id;
  }
  void join(int64_t user, const std::string& group) {
    raw_database{scratch / "varro.db"}.execute("INSERT INTO user_groups(user_id, name, source) VALUES ("
                                               + std::to_string(user) + ", '" + group + "', 'local')");
  }
  std::string limits_of(int64_t user) {
    std::string text;
    auto rows = db->limits_of(user);
    REQUIRE(rows);
    for (const auto& row : *rows)
      text += row.subject + " " + row.who + " " + row.name + "=" + row.value + ";";
    return text;
  }
  user_use use_of(int64_t user, unix_us now, std::string_view currency = "USD") {
    auto use = db->use_of(user, now, currency);
    REQUIRE(use);
    return *use;
  }
};

usage_row request_at(int64_t user, unix_us at, const char* outcome = usage_outcome::answered) {
  usage_row row;
  row.at = at;
  row.user_id = user;
  row.outcome = outcome;
  row.model = "anthropic:sonnet";
  row.tokens = {100, 20, 3, 4, 5};
  row.cost_nano = 7;
  row.currency = "USD";
  return row;
}

usage_row cell_at(int64_t user, unix_us at) {
  usage_row row;
  row.at = at;
  row.user_id = user;
  row.kind = usage_kind::cell;
  row.outcome = "ok";
  row.processor_us = 11;
  return row;
}

} // namespace

TEST_CASE("a limit is set, replaced and cleared, and found by whom it concerns") {
  book_of_two book;
  book.join(book.ada, "analysts");
  CHECK_FALSE(book.db->set_limit({"user", "ada", "chats", "1"}));
  CHECK_FALSE(book.db->set_limit({"user", "ADA", "chats", "2"})); // names are one whatever their case
  CHECK_FALSE(book.db->set_limit({"group", "analysts", "chats", "3"}));
  CHECK_FALSE(book.db->set_limit({"group", "others", "chats", "4"}));
  CHECK_FALSE(book.db->set_limit({"everybody", "", "chats", "5"}));
  CHECK(book.limits_of(book.ada) == "everybody  chats=5;group analysts chats=3;user  chats=2;");
  CHECK(book.limits_of(book.bob) == "everybody  chats=5;");
  CHECK(*book.db->groups_of(book.ada) == std::vector<std::string>{"analysts"});
  CHECK(book.db->all_limits()->size() == 4);
  CHECK((*book.db->all_limits())[3].who == "ada");
  CHECK_FALSE(book.db->clear_limit({"group", "analysts", "chats", ""}));
  CHECK(book.limits_of(book.ada) == "everybody  chats=5;user  chats=2;");
  CHECK(code_of(book.db->clear_limit({"group", "analysts", "chats", ""})) == errc::not_found);
  CHECK(code_of(book.db->set_limit({"user", "eve", "chats", "1"})) == errc::not_found);
  CHECK(code_of(book.db->clear_limit({"user", "eve", "chats", ""})) == errc::not_found);
}

TEST_CASE("the audit tells who set and cleared a limit, of whom, and what it was") {
  book_of_two book;
  const audit_origin root{0, "root", audit_way::command_line, ""};
  const auto told = [&] {
    std::string text;
    const auto rows = book.db->audit_rows({.action = "limit", .limit = 10});
    REQUIRE(rows);
    for (const auto& row : *rows)
      text += row.action + " " + row.subject_name.text.value_or("") + "|" + row.subject + "|" + row.details + "|"
        + row.actor.text.value_or("") + ";";
    return text;
  };
  SUBCASE("of a user") {
    REQUIRE_FALSE(book.db->set_limit({"user", "ADA", "chats", "1"}, root));
    REQUIRE_FALSE(book.db->set_limit({"user", "ada", "chats", "2"}, root));
    REQUIRE_FALSE(book.db->clear_limit({"user", "ada", "chats", ""}, root));
    CHECK(told()
          == "limit.cleared ada||{\"limit\":\"chats\",\"before\":\"2\"}|root;"
             "limit.set ada||{\"limit\":\"chats\",\"value\":\"2\",\"before\":\"1\"}|root;"
             "limit.set ada||{\"limit\":\"chats\",\"value\":\"1\"}|root;");
  }
  SUBCASE("of a group and everybody") {
    REQUIRE_FALSE(book.db->set_limit({"group", "analysts", "chats", "3"}, root));
    REQUIRE_FALSE(book.db->set_limit({"everybody", "", "chats", "5"}, root));
    CHECK(told()
          == "limit.set |everybody|{\"limit\":\"chats\",\"value\":\"5\"}|root;"
             "limit.set |group analysts|{\"limit\":\"chats\",\"value\":\"3\"}|root;");
  }
  SUBCASE("a value that is too long is told in part") {
    const std::string models(5000, 'm');
    REQUIRE_FALSE(book.db->set_limit({"everybody", "", "models", models}, root));
    REQUIRE_FALSE(book.db->set_limit({"everybody", "", "models", models + "n"}, root));
    CHECK(book.limits_of(book.ada) == "everybody  models=" + models + "n;");
    CHECK(told().size() > 3 * 1024);
  }
  SUBCASE("nothing of what was not done") {
    CHECK(code_of(book.db->set_limit({"user", "eve", "chats", "1"}, root)) == errc::not_found);
    CHECK(code_of(book.db->clear_limit({"user", "ada", "chats", ""}, root)) == errc::not_found);
    CHECK(told().empty());
  }
}

TEST_CASE("a user's limits go with the user, and what was used stays") {
  book_of_two book;
  CHECK_FALSE(book.db->set_limit({"user", "ada", "chats", "1"}));
  CHECK_FALSE(book.db->set_limit({"user", "bob", "chats", "1"}));
  CHECK_FALSE(book.db->note_usage({request_at(book.ada, first_of_may)}));
  raw_database{book.scratch / "varro.db"}.execute("PRAGMA foreign_keys = ON; DELETE FROM users WHERE name = 'ada'");
  CHECK(book.db->all_limits()->size() == 1);
  CHECK(book.use_of(book.ada, first_of_may).requests == 1);
}

TEST_CASE("what a user used is of this day and this month, to the microsecond, and nobody else's") {
  book_of_two book;
  for (auto at : {first_of_may - 1, first_of_may, first_of_may + day_us - 1, first_of_may + day_us})
    CHECK_FALSE(book.db->note_usage({request_at(book.ada, at), cell_at(book.ada, at)}));
  CHECK_FALSE(book.db->note_usage({request_at(book.bob, first_of_may)}));
  auto first = book.use_of(book.ada, first_of_may + 5);
  CHECK(first.requests == 2);
  CHECK(first.tokens == 2 * 132);
  CHECK(first.processor_us == 2 * 11);
  CHECK(first.cost_nano == 2 * 7);
  auto second = book.use_of(book.ada, first_of_may + day_us);
  CHECK(second.requests == 1);
  CHECK(second.cost_nano == 3 * 7); // of the month until then
  auto april = book.use_of(book.ada, first_of_may - 1);
  CHECK(april.requests == 1);
  CHECK(april.cost_nano == 7);
  CHECK(book.use_of(book.ada, first_of_may + 31 * day_us).cost_nano == 0); // June
  CHECK(book.use_of(book.ada, first_of_may, "EUR").cost_nano == 0);
  CHECK(book.use_of(book.bob, first_of_may).requests == 1);
}

TEST_CASE("requests that were refused or never sent do not count, lost and stopped ones do") {
  book_of_two book;
  for (const auto* outcome : {usage_outcome::answered, usage_outcome::refused, usage_outcome::unsent,
                              usage_outcome::broken, usage_outcome::stopped, usage_outcome::lost})
    CHECK_FALSE(book.db->note_usage({request_at(book.ada, first_of_may, outcome)}));
  CHECK(book.use_of(book.ada, first_of_may).requests == 4);
}

TEST_CASE("a cell of which nobody says what it used counts with all the time that it was on") {
  book_of_two book;
  auto cell = cell_at(book.ada, first_of_may);
  cell.wall_us = 5'000;
  CHECK_FALSE(book.db->note_usage({cell}));
  CHECK(book.use_of(book.ada, first_of_may).processor_us == 11);
  cell.outcome = "killed";
  cell.processor_us.reset();
  CHECK_FALSE(book.db->note_usage({cell}));
  CHECK(book.use_of(book.ada, first_of_may).processor_us == 5'011);
}

TEST_CASE("sums stop at their greatest value, so that no commit fails for what a vendor says") {
  book_of_two book;
  auto row = request_at(book.ada, first_of_may);
  row.cost_nano = std::numeric_limits<int64_t>::max();
  row.tokens.input = std::numeric_limits<int64_t>::max();
  for (int i = 0; i < 3; ++i)
    CHECK_FALSE(book.db->note_usage({row}));
  auto euro = row;
  euro.currency = "EUR";
  CHECK_FALSE(book.db->note_usage({euro}));
  CHECK(book.use_of(book.ada, first_of_may).cost_nano == usage_sum_max);
  CHECK(book.use_of(book.ada, first_of_may).tokens >= 4 * usage_tokens_max);
}

TEST_CASE("uploads are added up by day and user, up to the last byte of the limit, and refused ones add nothing") {
  book_of_two book;
  const auto count = [&](unix_us at, int64_t bytes, int64_t most) {
    return code_of(book.db->count_upload({book.ada, at, bytes, most}));
  };
  CHECK(count(first_of_may, 11, 10) == errc::too_large); // the first one of a day, too
  CHECK(book.use_of(book.ada, first_of_may).upload_bytes == 0);
  CHECK(count(first_of_may, 4, 10) == errc::none);
  CHECK(count(first_of_may + day_us - 1, 7, 10) == errc::too_large);
  CHECK(book.use_of(book.ada, first_of_may).upload_bytes == 4);
  CHECK(count(first_of_may + day_us - 1, 6, 10) == errc::none);
  CHECK(count(first_of_may, 1, 10) == errc::too_large);
  CHECK(count(first_of_may, 0, 10) == errc::none);
  CHECK(count(first_of_may, 100, 0) == errc::none); // no limit any more, and counted all the same
  CHECK(count(first_of_may, 0, 10) == errc::too_large);
  CHECK(book.use_of(book.ada, first_of_may + day_us - 1).upload_bytes == 110);
  CHECK(book.use_of(book.ada, first_of_may + day_us).upload_bytes == 0);
  CHECK(count(first_of_may + day_us, 10, 10) == errc::none);
  CHECK(book.use_of(book.bob, first_of_may).upload_bytes == 0);
  CHECK(count(first_of_may, usage_sum_max, 0) == errc::too_large); // no sum overflows
  CHECK(count(first_of_may, -1, 0) == errc::too_large);
}

TEST_CASE("uploads are counted beside the sums of the ledger, and change none of them") {
  book_of_two book;
  CHECK_FALSE(book.db->count_upload({book.ada, first_of_may, 5, 0}));
  CHECK_FALSE(book.db->note_usage({request_at(book.ada, first_of_may), cell_at(book.ada, first_of_may)}));
  CHECK_FALSE(book.db->count_upload({book.ada, first_of_may, 6, 0}));
  const auto use = book.use_of(book.ada, first_of_may);
  CHECK(use.upload_bytes == 11);
  CHECK(use.requests == 1);
  CHECK(use.tokens == 132);
  CHECK(use.processor_us == 11);
  CHECK(use.cost_nano == 7);
}

TEST_CASE("a refused upload takes no other write of its group with it") {
  book_of_two book;
  const std::vector<store_write> group{upload_counted{book.ada, first_of_may, 8, 10},
                                       upload_counted{book.ada, first_of_may, 8, 10},
                                       upload_counted{book.bob, first_of_may, 8, 10}};
  const auto answers = book.db->commit(group);
  REQUIRE(answers.size() == 3);
  CHECK_FALSE(answers[0]);
  CHECK(code_of(answers[1]) == errc::too_large);
  CHECK_FALSE(answers[2]);
  CHECK(book.use_of(book.ada, first_of_may).upload_bytes == 8);
  CHECK(book.use_of(book.bob, first_of_may).upload_bytes == 8);
}

TEST_CASE("what lies on the disk is added up by kind over a user's chats, and goes with them") {
  book_of_two book;
  auto& db = *book.db;
  for (int64_t chat : {1, 2, 3})
    REQUIRE_FALSE(db.apply(batch_of(make_chat(chat, book.ada))));
  REQUIRE_FALSE(db.apply(batch_of(make_chat(4, book.bob))));
  const auto numbers = [&](int64_t user, int64_t chat) {
    const auto disk = db.disk_of(user, chat);
    REQUIRE(disk);
    return std::array{disk->files, disk->snapshots, disk->versions, disk->messages, disk->files_of_chat};
  };
  using sizes = std::array<int64_t, 5>;
  CHECK(numbers(book.ada, 1) == sizes{});
  REQUIRE_FALSE(db.set_workspace_bytes(book.ada, 1, 100));
  REQUIRE_FALSE(db.set_workspace_bytes(book.ada, 2, 20));
  REQUIRE_FALSE(db.set_versions_bytes(book.ada, 2, 5));
  REQUIRE_FALSE(db.set_versions_bytes(book.ada, 3, 7));
  REQUIRE_FALSE(db.set_versions_bytes(book.ada, 4, 1'000)); // it is bob's
  auto snapshot = batch_of(make_chat(2, book.ada));
  snapshot.snapshot_bytes = 30;
  REQUIRE_FALSE(db.apply(snapshot));
  REQUIRE_FALSE(db.apply(batch_of(make_chat(2, book.ada)))); // one that does not say it changes nothing
  CHECK(numbers(book.ada, 1) == sizes{120, 30, 12, 0, 100});
  CHECK(numbers(book.ada, 0) == sizes{120, 30, 12, 0, 0});
  CHECK(numbers(book.bob, 1) == sizes{}); // ada's chat
  auto said = batch_of(make_chat(3, book.ada));
  said.messages.push_back(make_row(3, 1, prompt("Hi.")));
  REQUIRE_FALSE(db.apply(said));
  CHECK(numbers(book.ada, 0)[3] == db.holdings(book.ada, 0)->histories);
  CHECK(numbers(book.ada, 0)[3] > 0);
  REQUIRE_FALSE(db.delete_chat(book.ada, 2));
  REQUIRE_FALSE(db.delete_chat(book.ada, 3));
  CHECK(numbers(book.ada, 1) == sizes{100, 0, 0, 0, 100});
}

TEST_CASE("a book that only reads sees what is committed, and writes nothing") {
  book_of_two book;
  auto reader = open_limit_book(book.scratch.path(), true);
  REQUIRE(reader);
  CHECK_FALSE(book.db->set_limit({"everybody", "", "chats", "5"}));
  CHECK((*reader)->all_limits()->size() == 1);
  CHECK(code_of((*reader)->set_limit({"everybody", "", "chats", "6"})) == errc::storage_failed);
  CHECK(*(*reader)->count_chats(book.ada) == 0);
}
