// The job that deletes what nobody uses, on a database and files: what goes, what stays, and what a failure leaves.
#include "actors/retiring.hpp"

#include "base/day.hpp"
#include "storage/data_dir.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/actor_world.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/raw_database.hpp"
#include "tests/support/scratch_dir.hpp"
#include "workspace/paths.hpp"
#include "workspace/removal.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

using namespace varro;
using namespace varro::test;

namespace fs = std::filesystem;

namespace {

constexpr unix_us now = 1'000 * day_us;

struct retiring_world {
  scratch_dir scratch;
  config settings;
  std::unique_ptr<sqlite_database> db
    = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
  int64_t ada = db->add_user("ada", "hash")->id;
  int64_t bob = db->add_user("bob", "hash")->id;
  std::vector<int64_t> held, released, refused;
  std::function<caf::error()> before_write = [] { return caf::error{}; };
  retiring_hands hands{
    [this](int64_t, int64_t chat) -> caf::expected<bool> {
      if (std::find(refused.begin(), refused.end(), chat) != refused.end())
        return false;
      held.push_back(chat);
      return true;
    },
    [this](int64_t chat) { released.push_back(chat); },
    [this](const account_write& write) {
      if (auto err = before_write())
        return err;
      return db->apply(write);
    },
  };

  retiring_world() {
    settings.data_dir = scratch.path();
    settings.retention.everybody = {100, 10};
  }
  void put(int64_t chat, int64_t user, int64_t days_ago, bool with_files = true) {
    const auto at = now - days_ago * day_us;
    auto batch = batch_of(make_chat(chat, user, "title", at));
    auto row = make_row(chat, 1, prompt("prompt"));
    row.created_at = at;
    batch.messages.push_back(row);
    REQUIRE(db->apply(batch) == caf::none);
    if (!with_files)
      return;
    for (const auto& directory : {workspace_of(scratch.path(), chat), scratch / "versions" / std::to_string(chat)}) {
      fs::create_directories(directory / "inner");
      std::ofstream{directory / "inner/file"} << std::string(10'000, 'x');
    }
    fs::create_directories(scratch / "snapshots");
    std::ofstream{scratch / "snapshots" / (std::to_string(chat) + ".snap")} << "variables";
  }
  bool has_files(int64_t chat) {
    return fs::exists(workspace_of(scratch.path(), chat)) || fs::exists(scratch / "versions" / std::to_string(chat))
      || fs::exists(scratch / "snapshots" / (std::to_string(chat) + ".snap"));
  }
  bool is_there(int64_t user, int64_t chat) {
    return static_cast<bool>(db->load_chat(user, chat));
  }
  caf::error run() {
    const auto job = db->begin_retention({}, now);
    REQUIRE(job);
    return go_on_retiring(*db, settings, hands, *job, now);
  }
  retention_job newest() {
    return **db->newest_retention();
  }
};

} // namespace

TEST_CASE_FIXTURE(retiring_world, "old chats go with all their files, of younger ones the files, and the rest stays") {
  put(1, ada, 100);
  put(2, ada, 10);
  put(3, ada, 9);
  put(4, ada, 50, false); // which has no files
  put(5, bob, 200);
  REQUIRE(run() == caf::none);
  CHECK_FALSE(is_there(ada, 1));
  CHECK_FALSE(has_files(1));
  CHECK(is_there(ada, 2));
  CHECK_FALSE(has_files(2));
  CHECK(db->load_chat(ada, 2)->chat.files_deleted_at > 0);
  CHECK(has_files(3));
  CHECK(db->load_chat(ada, 4)->chat.files_deleted_at == 0);
  CHECK_FALSE(is_there(bob, 5));
  CHECK(newest().chats == 2);
  CHECK(newest().attachments == 1);
  CHECK(newest().bytes > 0);
  CHECK(newest().ended_at > 0);
  CHECK(db->retired_chats()->empty());
  CHECK(held == released);
  REQUIRE(run() == caf::none); // and a second one finds nothing
  CHECK(newest().chats == 0);
  CHECK(newest().attachments == 0);
}

TEST_CASE_FIXTURE(retiring_world, "each user's chats go by the longest time of their groups") {
  settings.retention.groups = {{"archive", {0, std::nullopt}}, {"guests", {20, 0}}};
  REQUIRE(db->add_membership("guests", "ada", {}) == caf::none);
  REQUIRE(db->add_membership("guests", "bob", {}) == caf::none);
  REQUIRE(db->add_membership("archive", "bob", {}) == caf::none);
  put(1, ada, 30);
  put(2, ada, 15);
  put(3, bob, 500);
  REQUIRE(run() == caf::none);
  CHECK_FALSE(is_there(ada, 1));
  CHECK(has_files(2));
  CHECK(has_files(3));
}

TEST_CASE_FIXTURE(retiring_world, "without a rule a job is over at once") {
  settings.retention = {};
  put(1, ada, 900);
  REQUIRE(run() == caf::none);
  CHECK(is_there(ada, 1));
  CHECK(has_files(1));
  CHECK(newest().ended_at > 0);
}

TEST_CASE_FIXTURE(retiring_world, "a chat that is in use stays, and so does one that is used in that very moment") {
  put(1, ada, 200);
  put(2, ada, 200);
  put(3, ada, 200);
  refused = {1};
  before_write = [this] {
    if (held.back() == 2)
      REQUIRE(db->apply(account_write{chat_seen{ada, 2, now}}) == caf::none);
    return caf::error{};
  };
  REQUIRE(run() == caf::none);
  CHECK(has_files(1));
  CHECK(has_files(2));
  CHECK(is_there(ada, 2));
  CHECK_FALSE(is_there(ada, 3));
  CHECK(newest().chats == 1);
  CHECK(held == released);
}

TEST_CASE_FIXTURE(retiring_world, "chats of somebody who is being erased are left to that") {
  put(1, ada, 200);
  REQUIRE(db->begin_erasure("ada", {}, now));
  REQUIRE(run() == caf::none);
  CHECK(is_there(ada, 1));
}

TEST_CASE_FIXTURE(retiring_world, "a job that fails or is stopped goes on where it stands, and counts each chat once") {
  put(1, ada, 200);
  put(2, ada, 200);
  SUBCASE("a write fails") {
    before_write = [this] { return held.back() == 2 ? fail(errc::storage_failed, "the disk is full") : caf::error{}; };
    CHECK(code_of(run()) == errc::storage_failed);
  }
  SUBCASE("it is stopped") {
    hands.stopped = [this] { return !held.empty(); };
    CHECK(code_of(run()) == errc::shutting_down);
  }
  CHECK_FALSE(is_there(ada, 1));
  CHECK(is_there(ada, 2));
  CHECK(newest().ended_at == 0);
  CHECK(held == released);
  before_write = [] { return caf::error{}; };
  hands.stopped = [] { return false; };
  REQUIRE(run() == caf::none);
  CHECK_FALSE(is_there(ada, 2));
  CHECK(newest().chats == 2);
}

TEST_CASE_FIXTURE(retiring_world,
                  "files that a crash left behind their rows go with the next job, unless they are used") {
  put(1, ada, 200);
  put(2, ada, 50);
  put(3, ada, 50);
  auto retire = [&](int64_t chat, retired_part part) {
    REQUIRE(db->apply(account_write{chat_retired{ada, chat, now, part, 0, 0, now}}) == caf::none);
  };
  retire(1, retired_part::all);
  retire(2, retired_part::files);
  retire(3, retired_part::files);
  REQUIRE(db->apply(account_write{chat_seen{ada, 3, now + 1}}) == caf::none);
  REQUIRE(run() == caf::none);
  CHECK_FALSE(has_files(1));
  CHECK_FALSE(has_files(2));
  CHECK(has_files(3));
  CHECK(db->load_chat(ada, 2)->chat.files_deleted_at > 0);
  CHECK(db->load_chat(ada, 3)->chat.files_deleted_at == 0);
  CHECK(db->retired_chats()->empty());
}

TEST_CASE_FIXTURE(retiring_world, "a workspace that is half gone goes on to its end, though its chat is used again") {
  put(1, ada, 50);
  REQUIRE(db->apply(account_write{chat_retired{ada, 1, now, retired_part::files, 0, 0, now}}) == caf::none);
  const auto taken = removed_workspace_of(settings.data_dir, 1);
  std::filesystem::rename(workspace_of(settings.data_dir, 1), taken);
  REQUIRE(db->apply(account_write{chat_seen{ada, 1, now + 1}}) == caf::none);
  REQUIRE(run() == caf::none);
  CHECK_FALSE(std::filesystem::exists(taken));
  CHECK(db->load_chat(ada, 1)->chat.files_deleted_at > 0); // the page tells so
  CHECK(db->retired_chats()->empty());
}

TEST_CASE_FIXTURE(retiring_world, "what would go is found without changing anything") {
  put(1, ada, 200);
  put(2, bob, 20);
  put(3, bob, 1);
  const auto found = find_retirable(*db, settings, now);
  REQUIRE(found);
  REQUIRE(found->size() == 2);
  CHECK(found->at(0).chat.id == 1);
  CHECK(found->at(0).part == retired_part::all);
  CHECK(found->at(0).chat.used_at == now - 200 * day_us);
  CHECK(found->at(1).chat.id == 2);
  CHECK(found->at(1).part == retired_part::files);
  CHECK(found->at(1).bytes > 0);
  CHECK(has_files(1));
  CHECK(has_files(2));
  CHECK_FALSE(*db->newest_retention());
}

TEST_CASE_FIXTURE(retiring_world,
                  "without a server the job takes the lock of the directory, and does nothing unasked") {
  put(1, ada, 200);
  REQUIRE(retire_without_server(settings) == caf::none);
  CHECK(is_there(ada, 1));
  REQUIRE(db->begin_retention({}, now));
  {
    const auto lock = data_lock::take(scratch.path());
    REQUIRE(lock);
    CHECK(code_of(retire_without_server(settings)) == errc::storage_locked);
  }
  REQUIRE(retire_without_server(settings) == caf::none);
  CHECK_FALSE(is_there(ada, 1));
  CHECK_FALSE(has_files(1));
}

TEST_CASE("a chat is held when nothing is on in it, and then nobody finds it until it is released") {
  actor_world world;
  chat_contents stored;
  stored.chat = make_chat(42, 7);
  stored.chat.model = "test:model";
  world.log().stored[{7, 42}] = stored;
  const auto chats = caf::actor_cast<chat_registry_impl_actor>(world.registry());
  auto find = [&] { return world.ask<chat_session_actor>(chats, find_atom_v, int64_t{7}, int64_t{42}); };
  auto hold = [&](int64_t user) { return world.ask<bool>(chats, passivate_atom_v, user, int64_t{42}); };
  SUBCASE("one that is not in memory") {}
  SUBCASE("one that is, and has nothing to do") {
    REQUIRE(find());
    CHECK(*hold(8) == false); // it is somebody else's
    CHECK(*hold(7) == false); // whoever found it may be about to send something
    world.advance(handed_out_recently + std::chrono::seconds{1});
  }
  REQUIRE(*hold(7) == true);
  CHECK(*hold(7) == false); // once
  CHECK(code_of(find().error()) == errc::run_in_progress);
  CHECK(code_of(world.ask<done_atom>(chats, remove_atom_v, int64_t{7}, int64_t{42}).error()) == errc::run_in_progress);
  world.tell(chats, ready_atom_v, int64_t{42});
  CHECK(find());
}

TEST_CASE("a chat with a run, or with a shell, is not held") {
  actor_world world;
  const auto chats = caf::actor_cast<chat_registry_impl_actor>(world.registry());
  auto chat = world.ask<chat_session_actor>(chats, start_atom_v, int64_t{7}, std::string{});
  REQUIRE(chat);
  const auto id = *world.ask<int64_t>(*chat, ready_atom_v);
  auto hold = [&] { return world.ask<bool>(chats, passivate_atom_v, int64_t{7}, id); };
  world.log().answers.push_back(
    [](const model_query&) -> caf::expected<model_response> { return call_answer({{"python", {{"code", "1"}}}}); });
  world.log().run_cell = [](const std::string&) -> std::optional<cell_result> { return printed("1"); };
  REQUIRE(world.ask<turn_started>(*chat, send_atom_v, user_message{"go", {}, {}}));
  REQUIRE(world.log().open_queries.size() == 1); // the model is asked once more
  CHECK(*hold() == false);
  world.answer_query(text_answer("done"));
  CHECK(world.log().open_queries.empty());
  CHECK(*hold() == false); // its shell lives
  CHECK(world.ask<chat_contents>(*chat, history_atom_v));
}
