// Ids are drawn from the database: each once, whoever asks and whatever happens in between.
#include "storage/open.hpp"
#include "storage/sqlite/sqlite_database.hpp"

#include "tests/support/chat_rows.hpp"
#include "tests/support/faulty_disk.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <vector>

using namespace varro;
using namespace varro::test;

namespace {

std::unique_ptr<chat_database> opened(const scratch_dir& scratch) {
  auto db = open_database(scratch.path());
  if (!db)
    throw std::runtime_error(text_of(db.error()));
  return std::move(*db);
}

int64_t chat_of(chat_database& db) {
  auto drawn = db.draw_ids({1, 0});
  REQUIRE(drawn);
  CHECK(drawn->chats.count == 1);
  CHECK(drawn->runs.count == 0);
  return drawn->chats.first;
}

int64_t runs_of(chat_database& db, int64_t count) {
  auto drawn = db.draw_ids({0, count});
  REQUIRE(drawn);
  CHECK(drawn->chats.count == 0);
  CHECK(drawn->runs.count == count);
  return drawn->runs.first;
}

void put(chat_database& db, int64_t user, int64_t chat, int64_t run) {
  auto batch = batch_of(make_chat(chat, user));
  batch.run = make_run(run, chat);
  REQUIRE(db.commit(std::vector<store_write>{batch}) == std::vector<caf::error>{caf::none});
}

} // namespace

TEST_CASE("two databases that are open on one file draw ids that are nobody else's") {
  scratch_dir scratch;
  auto one = opened(scratch);
  auto other = opened(scratch);
  std::set<int64_t> chats, runs;
  auto note_runs = [&](chat_database& db, int64_t count) {
    auto first = runs_of(db, count);
    for (auto id = first; id < first + count; ++id)
      CHECK(runs.insert(id).second);
  };
  for (int i = 0; i < 5; ++i)
    for (auto* db : {one.get(), other.get()}) {
      CHECK(chats.insert(chat_of(*db)).second);
      note_runs(*db, 1);
      note_runs(*db, 7);
    }
  CHECK(chats.size() == 10);
  CHECK(*chats.begin() == 1);
  CHECK(*chats.rbegin() == 10);
  CHECK(runs.size() == 80);
  CHECK(*runs.begin() == 1);
  CHECK(*runs.rbegin() == 80);
}

TEST_CASE("both kinds are drawn at once, and nothing where nothing is wanted") {
  scratch_dir scratch;
  auto db = opened(scratch);
  auto drawn = db->draw_ids({2, 3});
  REQUIRE(drawn);
  CHECK(drawn->chats.first == 1);
  CHECK(drawn->chats.end() == 3);
  CHECK(drawn->runs.first == 1);
  CHECK(drawn->runs.end() == 4);
  drawn = db->draw_ids({});
  REQUIRE(drawn);
  CHECK(drawn->chats.count == 0);
  CHECK(drawn->runs.count == 0);
  CHECK(chat_of(*db) == 3);
  CHECK(runs_of(*db, 1) == 4);
}

TEST_CASE("a database that is opened again goes on after what was drawn, also when no row ever had it") {
  scratch_dir scratch;
  auto db = opened(scratch);
  CHECK(chat_of(*db) == 1);
  CHECK(runs_of(*db, 64) == 1);
  db.reset();
  db = opened(scratch);
  CHECK(chat_of(*db) == 2);
  CHECK(runs_of(*db, 1) == 65);
}

TEST_CASE("ids of deleted chats and their runs do not come back, also after a reopen") {
  scratch_dir scratch;
  auto db = opened(scratch);
  const auto ada = db->add_user("ada", "hash")->id;
  CHECK(*db->greatest_chat_id() == 0);
  auto chat = chat_of(*db);
  auto run = runs_of(*db, 1);
  put(*db, ada, chat, run);
  CHECK(*db->greatest_chat_id() == chat);
  REQUIRE(db->commit(std::vector<store_write>{chat_deleted{ada, chat}}) == std::vector<caf::error>{caf::none});
  CHECK(*db->greatest_chat_id() == chat);
  CHECK(chat_of(*db) == chat + 1);
  CHECK(runs_of(*db, 1) == run + 1);
  db.reset();
  db = opened(scratch);
  CHECK(*db->greatest_chat_id() == chat);
  CHECK(chat_of(*db) == chat + 2);
  CHECK(runs_of(*db, 1) == run + 2);
}

TEST_CASE("a row whose id was not drawn, as those of earlier releases, is not met by a draw") {
  scratch_dir scratch;
  auto db = opened(scratch);
  const auto ada = db->add_user("ada", "hash")->id;
  put(*db, ada, 7, 9);
  CHECK(chat_of(*db) == 8);
  CHECK(runs_of(*db, 3) == 10);
  put(*db, ada, 8, 11); // a row with a drawn id takes nothing back
  put(*db, ada, 3, 4);
  CHECK(chat_of(*db) == 9);
  CHECK(runs_of(*db, 1) == 13);
  CHECK(*db->greatest_chat_id() == 8);
}

TEST_CASE("skipped ids are not drawn, and nothing is skipped twice or taken back") {
  scratch_dir scratch;
  auto db = opened(scratch);
  REQUIRE(db->skip_chat_ids(0) == caf::none);
  CHECK(chat_of(*db) == 1);
  REQUIRE(db->skip_chat_ids(41) == caf::none);
  CHECK(*db->greatest_chat_id() == 0); // no chat has had one
  CHECK(chat_of(*db) == 42);
  REQUIRE(db->skip_chat_ids(41) == caf::none);
  REQUIRE(db->skip_chat_ids(-1) == caf::none);
  db.reset();
  db = opened(scratch);
  CHECK(chat_of(*db) == 43);
  CHECK(runs_of(*db, 1) == 1);
}

TEST_CASE("what cannot be drawn is an error, and draws nothing") {
  scratch_dir scratch;
  auto db = opened(scratch);
  CHECK(code_of(db->draw_ids({-1, 0}).error()) == errc::storage_failed);
  CHECK(code_of(db->draw_ids({1, -1}).error()) == errc::storage_failed);
  CHECK(chat_of(*db) == 1);
  REQUIRE(db->skip_chat_ids(INT64_MAX - 2) == caf::none);
  CHECK(chat_of(*db) == INT64_MAX - 1);
  auto beyond = db->draw_ids({1, 1});
  CHECK(code_of(beyond.error()) == errc::storage_failed);
  CHECK(text_of(beyond.error()).find("cannot be drawn") != std::string::npos);
  CHECK(runs_of(*db, 1) == 1);
}

TEST_CASE("a group draws with its one commit, whatever becomes of its writes") {
  scratch_dir scratch;
  faulty_disk disk;
  {
    auto db = opened(scratch);
    const auto ada = db->add_user("ada", "hash")->id;
    const std::vector<store_write> writes{batch_of(make_chat(1, ada)), chat_renamed{ada, 99, "not there"}};
    auto before = disk.synced();
    auto outcome = db->commit(writes, {2, 5});
    CHECK(disk.synced() - before == 1);
    REQUIRE(outcome.writes.size() == 2);
    CHECK(outcome.writes[0] == caf::none);
    CHECK(code_of(outcome.writes[1]) == errc::not_found);
    REQUIRE(outcome.ids);
    CHECK(outcome.ids->chats.first == 2); // after the chat of the same group
    CHECK(outcome.ids->runs.first == 1);
    CHECK(chat_of(*db) == 4);
    CHECK(runs_of(*db, 1) == 6);
  }
}

TEST_CASE("a draw that cannot be committed is an error, and the next one is sound") {
  for (auto code : {SQLITE_IOERR, SQLITE_FULL})
    for (int64_t n = 1; n <= 2; ++n) {
      CAPTURE(code);
      CAPTURE(n);
      scratch_dir scratch;
      faulty_disk disk;
      {
        auto db = opened(scratch);
        const auto ada = db->add_user("ada", "hash")->id;
        CHECK(runs_of(*db, 1) == 1);
        disk.fail_at(n, code, faulty_disk::failing::once);
        CHECK(code_of(db->draw_ids({1, 1}).error()) == errc::storage_failed);
        CHECK(disk.met());
        disk.fail_at(n, code, faulty_disk::failing::once);
        auto outcome = db->commit(std::vector<store_write>{batch_of(make_chat(1, ada))}, {1, 1});
        CHECK(code_of(outcome.ids.error()) == errc::storage_failed);
        CHECK(code_of(outcome.writes.at(0)) == errc::storage_failed);
        disk.heal();
        CHECK(runs_of(*db, 1) > 1);
        CHECK(chat_of(*db) >= 1);
      }
    }
}

TEST_CASE("a draw waits for another process that writes, and then follows what that one drew") {
  scratch_dir scratch;
  auto one = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
  auto other = opened(scratch);
  REQUIRE(one->begin() == caf::none);
  auto drawn = one->draw_ids({1, 10});
  REQUIRE(drawn);
  REQUIRE(one->commit() == caf::none);
  CHECK(chat_of(*other) == drawn->chats.end());
  CHECK(runs_of(*other, 1) == drawn->runs.end());
  REQUIRE(one->begin() == caf::none);
  auto undone = one->draw_ids({1, 1});
  REQUIRE(undone);
  one->rollback(); // nobody has heard of them
  CHECK(chat_of(*other) == undone->chats.first);
}
