#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

// One chat whose turns are added, replaced and switched between as chat_session does it.
struct branching_chat {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db
    = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
  int64_t user = db->add_user("ada", "hash")->id;
  int64_t runs = 0;
  int64_t seq = 0;

  // Adds a run of one message after `parent`; what stood at its turn or later is superseded. `id` 0: the next one.
  int64_t add(int64_t parent, int64_t turn, int64_t id = 0) {
    auto batch = batch_of(make_chat(1, user));
    batch.supersede_from_turn = turn;
    runs = id != 0 ? id : runs + 1;
    batch.run = make_run(runs, 1);
    batch.run->first_seq = seq + 1;
    batch.run->turn = turn;
    batch.run->parent = parent;
    auto row = make_row(1, ++seq, prompt("run " + std::to_string(runs)), turn);
    row.run_id = runs;
    batch.messages.push_back(row);
    REQUIRE(db->apply(batch) == caf::none);
    return runs;
  }

  caf::error switch_to(int64_t run, int64_t by) {
    write_batch batch;
    batch.chat_id = 1;
    batch.user_id = by;
    batch.activate_run = run;
    return db->apply(batch);
  }

  // The active path, as runs and as the runs of its messages; both have to be the same.
  std::vector<int64_t> path() {
    auto contents = db->load_chat(user, 1);
    REQUIRE(contents);
    std::vector<int64_t> ids, of_messages;
    for (const auto& run : contents->runs)
      ids.push_back(run.id);
    for (const auto& row : contents->messages)
      of_messages.push_back(row.run_id);
    CHECK(ids == of_messages);
    return ids;
  }

  std::map<int64_t, std::vector<int64_t>> alternatives() {
    return db->load_chat(user, 1)->alternatives;
  }
};

} // namespace

TEST_CASE_FIXTURE(branching_chat, "a replaced turn stays and can be switched to, with everything that followed it") {
  auto first = add(0, 1), second = add(first, 2), third = add(second, 3);
  auto other = add(first, 2);
  CHECK(path() == std::vector{first, other});
  CHECK(alternatives() == std::map<int64_t, std::vector<int64_t>>{{other, {second, other}}});
  CHECK(switch_to(second, user) == caf::none);
  CHECK(path() == std::vector{first, second, third});
  CHECK(alternatives() == std::map<int64_t, std::vector<int64_t>>{{second, {second, other}}});
  CHECK(switch_to(other, user) == caf::none);
  CHECK(path() == std::vector{first, other});
}

TEST_CASE_FIXTURE(branching_chat, "of several continuations a switch takes the newest") {
  auto first = add(0, 1), left = add(first, 2), left_old = add(left, 3), left_new = add(left, 3);
  auto right = add(first, 2);
  CHECK(switch_to(left, user) == caf::none);
  CHECK(path() == std::vector{first, left, left_new});
  CHECK(switch_to(left_old, user) == caf::none);
  CHECK(path() == std::vector{first, left, left_old});
  CHECK(alternatives()
        == std::map<int64_t, std::vector<int64_t>>{{left, {left, right}}, {left_old, {left_old, left_new}}});
}

TEST_CASE_FIXTURE(branching_chat, "runs stand in the order in which they began, whichever process drew their ids") {
  auto first = add(0, 1, 513), second = add(first, 2, 7), third = add(second, 3, 514);
  CHECK(path() == std::vector{first, second, third});
  auto newer = add(second, 3, 8);
  CHECK(path() == std::vector{first, second, newer});
  CHECK(alternatives() == std::map<int64_t, std::vector<int64_t>>{{newer, {third, newer}}});
  auto other = add(first, 2, 9);
  CHECK(path() == std::vector{first, other});
  CHECK(switch_to(second, user) == caf::none);
  CHECK(path() == std::vector{first, second, newer});
}

TEST_CASE_FIXTURE(branching_chat, "a first turn that was replaced is an alternative too") {
  auto one = add(0, 1), two = add(0, 1);
  CHECK(path() == std::vector{two});
  CHECK(switch_to(one, user) == caf::none);
  CHECK(path() == std::vector{one});
}

TEST_CASE_FIXTURE(branching_chat, "snapshots are found with the branch that they belong to") {
  auto snapshot_of_newest = [this](int64_t footer, bool anew = false) {
    write_batch batch;
    batch.chat_id = 1;
    batch.user_id = user;
    batch.snapshots = {snapshot_record{seq, footer}};
    batch.forget_snapshots = anew;
    REQUIRE(db->apply(batch) == caf::none);
  };
  auto footers = [this] {
    std::vector<int64_t> found;
    auto contents = db->load_chat(user, 1);
    REQUIRE(contents);
    for (const auto& snapshot : contents->snapshots)
      found.push_back(snapshot.footer);
    return found;
  };
  auto first = add(0, 1);
  snapshot_of_newest(100);
  auto second = add(first, 2);
  snapshot_of_newest(200);
  add(first, 2);
  CHECK(footers() == std::vector<int64_t>{100});
  snapshot_of_newest(300);
  snapshot_of_newest(310);
  CHECK(footers() == std::vector<int64_t>{100, 310});
  REQUIRE(switch_to(second, user) == caf::none);
  CHECK(footers() == std::vector<int64_t>{100, 200});
  snapshot_of_newest(5, true);
  CHECK(footers() == std::vector<int64_t>{});
  REQUIRE(switch_to(3, user) == caf::none);
  CHECK(footers() == std::vector<int64_t>{5});
}

TEST_CASE_FIXTURE(branching_chat, "nobody else switches, and not to a run of another chat") {
  auto one = add(0, 1);
  add(0, 1);
  auto bob = db->add_user("bob", "hash")->id;
  auto elsewhere = batch_of(make_chat(2, bob));
  elsewhere.run = make_run(99, 2);
  REQUIRE(db->apply(elsewhere) == caf::none);
  auto before = path();
  CHECK(code_of(switch_to(one, bob)) == errc::not_found);
  CHECK(code_of(switch_to(99, user)) == errc::not_found);
  CHECK(code_of(switch_to(0, user)) == errc::not_found);
  CHECK(path() == before);
  CHECK(db->load_chat(bob, 2)->runs.size() == 1);
  CHECK(switch_to(one, user) == caf::none);
}
