// Keys of requests that are carried out once: committed with the turn or not at all, kept for a day, counted.
#include "storage/idempotency.hpp"

#include "storage/sqlite/schema.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/raw_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

constexpr unix_us hour = 3'600'000'000;
constexpr unix_us begin = 1'000 * 24 * hour;

struct keys_world {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db
    = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
  int64_t ada = db->add_user("ada", "hash")->id;
  int64_t bob = db->add_user("bob", "hash")->id;

  static write_batch turn(int64_t chat, int64_t user, const std::string& key, unix_us at = begin) {
    auto batch = batch_of(make_chat(chat, user, "A chat"));
    batch.run = make_run(70 + chat, chat);
    batch.messages.push_back(make_row(chat, 1, prompt("hello")));
    batch.messages.back().run_id = batch.run->id;
    batch.once = idempotency_note{key, "fingerprint of " + key, at};
    return batch;
  }
  std::optional<idempotent_outcome> find(int64_t user, std::string_view key, unix_us now = begin) {
    auto found = db->find_idempotent(user, key, now);
    REQUIRE(found);
    return found->outcome;
  }
};

} // namespace

TEST_CASE("a key is found with what its turn came to, by its own user alone") {
  keys_world world;
  auto batch = world.turn(1, world.ada, "k");
  REQUIRE(world.db->apply(batch) == caf::none);
  auto found = world.find(world.ada, "k");
  REQUIRE(found);
  CHECK(found->fingerprint == "fingerprint of k");
  CHECK(found->chat_id == 1);
  CHECK(found->run_id == batch.run->id);
  CHECK(found->turn == batch.run->turn);
  CHECK(found->seq == batch.run->first_seq);
  CHECK_FALSE(world.find(world.bob, "k"));
  CHECK_FALSE(world.find(world.ada, "other"));
  CHECK(world.db->apply(world.turn(2, world.bob, "k")) == caf::none); // everybody has keys of their own
}

TEST_CASE("a second turn with the same key is not stored, nor is anything of it") {
  keys_world world;
  REQUIRE(world.db->apply(world.turn(1, world.ada, "k")) == caf::none);
  CHECK(code_of(world.db->apply(world.turn(2, world.ada, "k"))) == errc::run_in_progress);
  CHECK(world.db->load_chat(world.ada, 1));
  CHECK(code_of(world.db->load_chat(world.ada, 2).error()) == errc::not_found);
  CHECK(world.find(world.ada, "k")->chat_id == 1);
}

TEST_CASE("a turn that fails leaves no key") {
  keys_world world;
  REQUIRE(world.db->apply(world.turn(1, world.ada, "k")) == caf::none);
  auto again = world.turn(1, world.ada, "new"); // its message has a seq that is there already
  CHECK(world.db->apply(again));
  CHECK_FALSE(world.find(world.ada, "new"));
}

TEST_CASE("of two turns with one key in a group, one is stored") {
  keys_world world;
  const std::vector<store_write> writes{world.turn(1, world.ada, "k"), world.turn(2, world.ada, "k")};
  auto answers = world.db->commit(writes);
  CHECK(answers[0] == caf::none);
  CHECK(code_of(answers[1]) == errc::run_in_progress);
  CHECK(code_of(world.db->load_chat(world.ada, 2).error()) == errc::not_found);
}

TEST_CASE("a key is remembered for a day, and can be used again afterwards") {
  keys_world world;
  REQUIRE(world.db->apply(world.turn(1, world.ada, "k")) == caf::none);
  CHECK(world.find(world.ada, "k", begin + 24 * hour - 1));
  CHECK_FALSE(world.find(world.ada, "k", begin + 24 * hour));
  CHECK(code_of(world.db->apply(world.turn(2, world.ada, "k", begin + 24 * hour - 1))) == errc::run_in_progress);
  CHECK(world.db->apply(world.turn(2, world.ada, "k", begin + 24 * hour)) == caf::none);
  CHECK(world.find(world.ada, "k", begin + 24 * hour)->chat_id == 2);
}

TEST_CASE("a user has so many keys and no more; another one's do not count") {
  keys_world world;
  raw_database raw{world.scratch / "varro.db"};
  raw.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
              + std::to_string(idempotency_keys_max - 1) + ") INSERT INTO idempotency_keys SELECT "
              + std::to_string(world.ada) + ", 'k' || i, 'f', " + std::to_string(begin) + ", 1, 1, 1, 1 FROM n");
  CHECK(world.db->find_idempotent(world.ada, "new", begin)->keys == idempotency_keys_max - 1);
  CHECK(world.db->apply(world.turn(1, world.ada, "the last one")) == caf::none);
  CHECK(code_of(world.db->apply(world.turn(2, world.ada, "one more"))) == errc::limit_reached);
  CHECK(world.db->apply(world.turn(3, world.bob, "one more")) == caf::none);
}

TEST_CASE("the daily job forgets keys that are a day old") {
  keys_world world;
  REQUIRE(world.db->apply(world.turn(1, world.ada, "old")) == caf::none);
  REQUIRE(world.db->apply(world.turn(2, world.ada, "new", begin + hour)) == caf::none);
  auto job = world.db->begin_retention({}, begin + 24 * hour);
  REQUIRE(job);
  REQUIRE(world.db->end_retention(job->id, begin + 24 * hour) == caf::none);
  CHECK_FALSE(world.find(world.ada, "old", begin));
  CHECK(world.find(world.ada, "new", begin));
}

TEST_CASE("keys outlive their chat, and go with their user") {
  keys_world world;
  REQUIRE(world.db->apply(world.turn(1, world.ada, "k")) == caf::none);
  REQUIRE(world.db->delete_chat(world.ada, 1, {}) == caf::none);
  CHECK(world.find(world.ada, "k"));
  raw_database raw{world.scratch / "varro.db"};
  raw.execute("PRAGMA foreign_keys = ON; DELETE FROM users WHERE name = 'ada'");
  CHECK_FALSE(world.find(world.ada, "k"));
}

TEST_CASE("version 16 becomes version 17: what is there stays, and there are no keys yet") {
  scratch_dir scratch;
  {
    raw_database raw{scratch / "varro.db"};
    for (const auto* step : std::span{schema_migrations()}.first(16))
      raw.execute(step);
    raw.execute("PRAGMA user_version = 16;"
                "INSERT INTO users(name, password_hash, created_at) VALUES ('ada', 'hash', 1)");
  }
  auto db = sqlite_database::open(scratch.path(), sqlite_database::mode::read_write);
  REQUIRE(db);
  CHECK((*db)->schema_version() == static_cast<int>(schema_migrations().size()));
  auto ada = (*db)->find_user(std::string_view{"ada"});
  REQUIRE(ada);
  CHECK_FALSE((*db)->find_idempotent(ada->id, "k", begin)->outcome);
}
