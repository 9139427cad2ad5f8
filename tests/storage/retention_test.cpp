// Which chats nobody uses, and what is left of one in the database that goes, or whose files go.
#include "storage/retention.hpp"

#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/raw_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

constexpr unix_us hour = 3'600'000'000;
constexpr unix_us old = 10 * hour, until = 20 * hour, late = 30 * hour;

struct retention_world {
  scratch_dir scratch;
  std::unique_ptr<sqlite_database> db
    = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
  int64_t ada = db->add_user("ada", "hash")->id;
  int64_t bob = db->add_user("bob", "hash")->id;

  void put(int64_t chat, int64_t user, unix_us at, const char* run_status = run_status::completed) {
    auto batch = batch_of(make_chat(chat, user, "secret title", at));
    batch.run = make_run(chat, chat);
    batch.run->status = run_status;
    auto row = make_row(chat, 1, prompt("secret prompt"));
    row.created_at = at;
    batch.messages.push_back(row);
    batch.snapshots.push_back({1, 7});
    REQUIRE(db->apply(batch) == caf::none);
  }
  std::vector<int64_t> unused(int64_t user, retired_part part = retired_part::all, int64_t after = 0, int limit = 100) {
    auto found = db->unused_chats(user, until, part, after, limit);
    REQUIRE(found);
    std::vector<int64_t> ids;
    for (const auto& each : *found)
      ids.push_back(each.id);
    return ids;
  }
  caf::error retire(int64_t chat, retired_part part, int64_t job = 0) {
    return db->apply(account_write{chat_retired{ada, chat, until, part, job, 1'000, late}});
  }
  void see(int64_t chat, unix_us at) {
    REQUIRE(db->apply(account_write{chat_seen{ada, chat, at}}) == caf::none);
  }
  int64_t count(const std::string& table, int64_t chat) {
    raw_database raw{scratch / "varro.db"};
    return std::stoll(raw.text("SELECT count(*) FROM " + table + " WHERE chat_id = " + std::to_string(chat)));
  }
  std::vector<audit_row> told(const std::string& action) {
    auto rows = db->audit_rows({.action = action, .limit = 100, .oldest_first = true});
    REQUIRE(rows);
    return *rows;
  }
};

using ids = std::vector<int64_t>;

} // namespace

TEST_CASE_FIXTURE(retention_world, "unused are one's chats that nobody wrote in, looked at or has a run in") {
  put(1, ada, old);
  put(2, ada, until);     // at that very moment
  put(3, ada, until + 1); // and later
  put(4, ada, old);
  see(4, late);
  put(5, bob, old);
  put(6, ada, old, run_status::running);
  put(7, ada, old, run_status::failed);
  CHECK(unused(ada) == ids{1, 2, 7});
  CHECK(unused(bob) == ids{5});
  CHECK(unused(ada, retired_part::all, 1) == ids{2, 7});
  CHECK(unused(ada, retired_part::all, 0, 2) == ids{1, 2});
  CHECK(db->unused_chats(ada, until, retired_part::all, 1, 1)->front().used_at == until);
}

TEST_CASE_FIXTURE(retention_world, "a look is noted once in a while, and only at one's own chat") {
  put(1, ada, old);
  see(1, 11 * hour);
  CHECK(db->unused_chats(ada, until, retired_part::all, 0, 1)->front().used_at == 11 * hour);
  see(1, 11 * hour + hour / 2);
  CHECK(db->unused_chats(ada, until, retired_part::all, 0, 1)->front().used_at == 11 * hour);
  see(1, 12 * hour);
  CHECK(db->unused_chats(ada, until, retired_part::all, 0, 1)->front().used_at == 12 * hour);
  REQUIRE(db->apply(account_write{chat_seen{bob, 1, late}}) == caf::none);
  REQUIRE(db->apply(account_write{chat_seen{ada, 99, late}}) == caf::none);
  CHECK(unused(ada) == ids{1});
  const auto listed = db->list_chats(ada, {}, 10);
  REQUIRE(listed);
  CHECK(listed->front().updated_at == old); // its place in the list is as it was
}

TEST_CASE_FIXTURE(retention_world,
                  "a chat that goes leaves a note that its files are to follow, and no row of the audit") {
  put(1, ada, old);
  put(2, ada, old);
  const auto job = db->begin_retention({}, late);
  REQUIRE(job);
  REQUIRE(retire(1, retired_part::all, job->id) == caf::none);
  CHECK(code_of(db->load_chat(ada, 1).error()) == errc::not_found);
  for (auto table : {"messages", "runs", "snapshots"})
    CHECK_MESSAGE(count(table, 1) == 0, table);
  CHECK(db->load_chat(ada, 2));
  const auto left = db->retired_chats();
  REQUIRE(left);
  REQUIRE(left->size() == 1);
  CHECK(left->front().id == 1);
  CHECK(left->front().user_id == ada);
  CHECK(left->front().is_gone);
  CHECK_FALSE(left->front().used_since);
  CHECK(told("chat.deleted").empty());
  const auto so_far = db->find_retention(job->id);
  REQUIRE(so_far);
  CHECK(so_far->chats == 1);
  CHECK(so_far->attachments == 0);
  CHECK(so_far->bytes > 1'000); // with what its messages held
  REQUIRE(db->end_retired(1, true) == caf::none);
  CHECK(db->retired_chats()->empty());
}

TEST_CASE_FIXTURE(retention_world, "a chat whose files go keeps its messages, and forgets where its variables were") {
  put(1, ada, old);
  REQUIRE(db->set_workspace_bytes(ada, 1, 500) == caf::none);
  raw_database{scratch / "varro.db"}.text("UPDATE chats SET snapshot_bytes = 600, versions_bytes = 700 RETURNING id");
  REQUIRE(db->disk_of(ada, 0)->snapshots == 600);
  REQUIRE(retire(1, retired_part::files) == caf::none);
  const auto disk = db->disk_of(ada, 0);
  REQUIRE(disk);
  CHECK(disk->files + disk->snapshots + disk->versions == 0);
  const auto chat = db->load_chat(ada, 1);
  REQUIRE(chat);
  CHECK(chat->messages.size() == 1);
  CHECK(chat->snapshots.empty());
  CHECK(chat->chat.files_deleted_at == late);
  CHECK(chat->chat.updated_at == old);
  CHECK(db->holdings(ada, 0)->other_workspaces == 0);
  CHECK(unused(ada, retired_part::files).empty());
  CHECK(unused(ada, retired_part::all) == ids{1});
  CHECK_FALSE(db->retired_chats()->front().is_gone);
  SUBCASE("used after that, it is one with files again") {
    see(1, late + 2 * hour);
    CHECK(db->retired_chats()->front().used_since);
    const auto again = db->unused_chats(ada, late + 3 * hour, retired_part::files, 0, 10);
    REQUIRE(again);
    CHECK(again->size() == 1);
    REQUIRE(db->end_retired(1, false) == caf::none);
    CHECK(db->load_chat(ada, 1)->chat.files_deleted_at == 0);
  }
  SUBCASE("when its files are gone, it says so for good") {
    REQUIRE(db->end_retired(1, true) == caf::none);
    CHECK(db->load_chat(ada, 1)->chat.files_deleted_at == late);
  }
}

TEST_CASE_FIXTURE(retention_world, "what was used meanwhile, has a run or is another user's stays") {
  put(1, ada, old);
  put(2, ada, old, run_status::running);
  put(3, bob, old);
  see(1, late);
  for (auto part : {retired_part::all, retired_part::files})
    for (int64_t chat : {1, 2, 3, 99})
      CHECK(code_of(retire(chat, part)) == errc::not_found);
  CHECK(db->load_chat(ada, 1)->chat.files_deleted_at == 0);
  CHECK(db->load_chat(ada, 2));
  CHECK(db->load_chat(bob, 3));
  CHECK(db->retired_chats()->empty());
}

TEST_CASE_FIXTURE(retention_world,
                  "a job that is not over is the one that is asked for; its end is told once, with its counts") {
  CHECK_FALSE(*db->newest_retention());
  const audit_origin command{0, "operator", audit_way::command_line, ""};
  const auto first = db->begin_retention({}, 5);
  REQUIRE(first);
  CHECK(db->begin_retention(command, 6)->id == first->id);
  CHECK(told("retention.asked").empty());
  put(1, ada, old);
  put(2, ada, old);
  REQUIRE(retire(1, retired_part::all, first->id) == caf::none);
  REQUIRE(retire(2, retired_part::files, first->id) == caf::none);
  for (int i = 0; i < 2; ++i)
    REQUIRE(db->end_retention(first->id, 7) == caf::none);
  const auto done = told("retention.done");
  REQUIRE(done.size() == 1);
  CHECK(done.front().way == audit_way::server);
  CHECK(done.front().details.find("\"attachments\":1") != std::string::npos);
  CHECK(done.front().details.find("\"chats\":1") != std::string::npos);
  CHECK((*db->newest_retention())->ended_at == 7);
  const auto second = db->begin_retention(command, 8);
  REQUIRE(second);
  CHECK(second->id > first->id);
  CHECK(second->chats == 0);
  CHECK(told("retention.asked").size() == 1);
  CHECK(code_of(db->find_retention(99).error()) == errc::not_found);
}

TEST_CASE_FIXTURE(retention_world, "of jobs that are over the newest hundred are kept") {
  for (int i = 0; i < 120; ++i)
    REQUIRE(db->end_retention(db->begin_retention({}, 5 + i)->id, 6 + i) == caf::none);
  raw_database raw{scratch / "varro.db"};
  CHECK(raw.text("SELECT count(*) FROM retention_jobs") == "100");
}
