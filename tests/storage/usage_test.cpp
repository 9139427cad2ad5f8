#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/raw_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace varro;
using namespace varro::test;

namespace {

constexpr unix_us second = 1'000'000;
constexpr unix_us day = 86'400 * second;
constexpr unix_us first_of_may = 1'777'593'600 * second; // 2026-05-01T00:00:00Z
constexpr unix_us for_ever = std::numeric_limits<unix_us>::max();

struct ledger_of_two {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db;
  int64_t ada = 0;
  int64_t bob = 0;

  ledger_of_two() {
    db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
    ada = db->add_user("ada", "hash")->id;
    bob = db->add_user("bob", "hash")->id;
  }

  std::string raw(const std::string& query) {
    return raw_database{scratch / "varro.db"}.text(query);
  }
  std::vector<usage_sum> sums(usage_by by, unix_us since = 0, unix_us until = for_ever) {
    auto found = db->usage_sums(by, since, until);
    REQUIRE(found);
    return *found;
  }
};

usage_row request_of(int64_t user, unix_us at, std::optional<int64_t> cost, std::string currency = "USD") {
  usage_row row;
  row.at = at;
  row.user_id = user;
  row.chat_id = 1;
  row.run_id = 1;
  row.outcome = usage_outcome::answered;
  row.model = "anthropic:sonnet";
  row.provider = "anthropic";
  row.vendor_id = "msg_1";
  row.tokens = {100, 20, 3'000, 40, 5};
  row.cost_nano = cost;
  row.currency = std::move(currency);
  return row;
}

usage_row cell_of(int64_t user, unix_us at, std::optional<int64_t> processor_us) {
  usage_row row;
  row.at = at;
  row.user_id = user;
  row.chat_id = 1;
  row.run_id = 1;
  row.kind = usage_kind::cell;
  row.outcome = "ok";
  row.processor_us = processor_us;
  row.wall_us = 2'000;
  return row;
}

write_batch turn_with_usage(int64_t chat, int64_t user) {
  auto batch = batch_of(make_chat(chat, user));
  batch.run = make_run(1, chat);
  batch.messages.push_back(make_row(chat, 1, prompt("Hello")));
  auto row = request_of(user, first_of_may, 7);
  row.chat_id = chat;
  row.seq = 1;
  batch.usage.push_back(row);
  return batch;
}

} // namespace

TEST_CASE_FIXTURE(ledger_of_two, "a row of the ledger is committed with its message, or neither is") {
  auto batch = turn_with_usage(1, ada);
  REQUIRE(db->apply(batch) == caf::none);
  CHECK(raw("SELECT seq || ' ' || model || ' ' || vendor_id || ' ' || cost_nano || currency FROM usage")
        == "1 anthropic:sonnet msg_1 7USD");
  CHECK(code_of(db->apply(batch)) == errc::storage_failed); // the seq is taken
  CHECK(raw("SELECT count(*) FROM usage") == "1");
}

TEST_CASE_FIXTURE(ledger_of_two, "a batch with usage of another chat or user is refused") {
  auto batch = turn_with_usage(1, ada);
  batch.usage[0].user_id = bob;
  CHECK(code_of(db->apply(batch)) == errc::invalid_input);
  batch = turn_with_usage(1, ada);
  batch.usage[0].chat_id = 2;
  CHECK(code_of(db->apply(batch)) == errc::invalid_input);
  CHECK(raw("SELECT count(*) FROM usage") == "0");
}

TEST_CASE_FIXTURE(ledger_of_two, "the end of a chat or a user takes no row of the ledger away") {
  REQUIRE(db->apply(turn_with_usage(1, ada)) == caf::none);
  REQUIRE(db->delete_chat(ada, 1) == caf::none);
  CHECK(raw("SELECT count(*) FROM messages") == "0");
  REQUIRE(sums(usage_by::user).size() == 1);
  CHECK(sums(usage_by::user)[0].key == "ada");
  raw_database{scratch / "varro.db"}.execute("DELETE FROM users WHERE name = 'ada'");
  REQUIRE(sums(usage_by::user).size() == 1);
  CHECK(sums(usage_by::user)[0].key == "user " + std::to_string(ada));
}

TEST_CASE_FIXTURE(ledger_of_two, "usage is noted for a chat that is gone") {
  store_write write = usage_noted{{request_of(ada, first_of_may, 7), cell_of(ada, first_of_may, 5)}};
  CHECK(db->commit(std::span{&write, 1}).at(0) == caf::none);
  CHECK(raw("SELECT count(*) FROM usage") == "2");
}

TEST_CASE_FIXTURE(ledger_of_two, "sums are by user, by UTC day and by model, of a span of time") {
  REQUIRE(db->note_usage({request_of(ada, first_of_may - 1, 1'000), request_of(ada, first_of_may, 2'000),
                          request_of(bob, first_of_may + day - 1, 4'000), cell_of(bob, first_of_may, 1'500)})
          == caf::none);
  auto users = sums(usage_by::user);
  REQUIRE(users.size() == 2);
  CHECK(users[0].key == "ada");
  CHECK(users[0].requests == 2);
  CHECK(users[0].tokens == billed_tokens{200, 40, 6'000, 80, 10});
  CHECK(users[0].cost_nano == 3'000);
  CHECK(users[0].cells == 0);
  CHECK(users[1].key == "bob");
  CHECK(users[1].currency == "USD");
  CHECK(users[1].requests == 1);
  CHECK(users[1].cells == 1);
  CHECK(users[1].processor_us == 1'500);
  CHECK(users[1].wall_us == 2'000);
  auto days = sums(usage_by::day);
  REQUIRE(days.size() == 2);
  CHECK(days[0].key == "2026-04-30");
  CHECK(days[1].key == "2026-05-01");
  CHECK(days[1].cost_nano == 6'000);
  auto models = sums(usage_by::model);
  REQUIRE(models.size() == 2);
  CHECK(models[0].key.empty());
  CHECK(models[0].cells == 1);
  CHECK(models[1].key == "anthropic:sonnet");
  CHECK(models[1].requests == 3);
  auto may = sums(usage_by::user, first_of_may, first_of_may + day);
  REQUIRE(may.size() == 2);
  CHECK(may[0].cost_nano == 2'000);
  CHECK(sums(usage_by::user, first_of_may + day).empty());
}

TEST_CASE_FIXTURE(ledger_of_two, "what has no price is counted as such and never as free") {
  auto estimate = request_of(ada, first_of_may, 500);
  estimate.estimated = true;
  REQUIRE(db->note_usage({request_of(ada, first_of_may, std::nullopt), request_of(ada, first_of_may, 0), estimate,
                          cell_of(ada, first_of_may, std::nullopt)})
          == caf::none);
  CHECK(raw("SELECT count(*) FROM usage WHERE cost_nano IS NULL AND kind = 'model'") == "1");
  auto all = sums(usage_by::user);
  REQUIRE(all.size() == 1);
  CHECK(all[0].requests == 3);
  CHECK(all[0].unpriced == 1);
  CHECK(all[0].estimated == 1);
  CHECK(all[0].cost_nano == 500);
  CHECK(all[0].cells_unmeasured == 1);
}

TEST_CASE_FIXTURE(ledger_of_two, "two currencies are never added up") {
  REQUIRE(db->note_usage({request_of(ada, first_of_may, 1, "EUR"), request_of(ada, first_of_may, 2, "USD"),
                          request_of(ada, first_of_may, std::nullopt)})
          == caf::none);
  auto all = sums(usage_by::user);
  REQUIRE(all.size() == 2);
  CHECK(all[0].currency == "EUR");
  CHECK(all[0].cost_nano == 1);
  CHECK(all[1].currency == "USD");
  CHECK(all[1].cost_nano == 2);
  CHECK(all[0].unpriced + all[1].unpriced == 1);
}

TEST_CASE_FIXTURE(ledger_of_two, "the largest counts are bounded and do not overflow a sum") {
  constexpr auto most = std::numeric_limits<int64_t>::max();
  auto row = request_of(ada, first_of_may, most);
  row.tokens = {most, most, most, most, -1};
  REQUIRE(db->note_usage({row, row, row, cell_of(ada, first_of_may, most)}) == caf::none);
  auto all = sums(usage_by::user);
  REQUIRE(all.size() == 1);
  CHECK(all[0].cost_nano == most);
  CHECK(all[0].tokens.input == 3 * usage_tokens_max);
  CHECK(all[0].tokens.cache_write_1h == 0);
  CHECK(all[0].processor_us == usage_time_us_max);
}
