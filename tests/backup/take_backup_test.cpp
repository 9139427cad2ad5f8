#include "backup/take_backup.hpp"

#include "backup/backup_set.hpp"
#include "backup/restore_backup.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/scratch_dir.hpp"
#include "workspace/paths.hpp"
#include "workspace/versions.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace varro;
using namespace varro::test;

namespace fs = std::filesystem;

namespace {

// A data directory with chats 1 and 2 of one user, and backups of it.
struct backed_up {
  scratch_dir data, backups, restored;
  int64_t user = 0;

  backed_up() {
    auto db = open();
    auto added = db->add_user("ada", "hash");
    REQUIRE(added);
    user = added->id;
    for (int64_t chat : {1, 2})
      REQUIRE(db->apply(batch_of(make_chat(chat, user))) == caf::none);
  }
  std::unique_ptr<sqlite_database> open() const {
    auto db = sqlite_database::open(data.path(), sqlite_database::mode::read_write);
    REQUIRE(db);
    return std::move(*db);
  }
  void write(const fs::path& path, const std::string& text) const {
    fs::create_directories((data.path() / path).parent_path());
    std::ofstream{data.path() / path} << text;
  }
  backup_summary take(size_t keep = 0, bool full = false) const {
    auto made = take_backup({data.path(), backups.path(), full, keep, {}});
    if (!made)
      FAIL(text_of(made.error()));
    return *made;
  }
  void restore() const {
    auto done = restore_backup(backups.path(), restored.path());
    if (!done)
      FAIL(text_of(done.error()));
  }
  std::string restored_text(const fs::path& path) const {
    std::ifstream in{restored.path() / path};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
};

} // namespace

TEST_CASE("what chats of the database have is taken, and what lies beside them is not") {
  backed_up world;
  world.write("workspaces/1/a.txt", "of 1");
  world.write("snapshots/2.snap", "variables");
  world.write("versions/1/before-1.cbor", "list");
  world.write("varro.toml", "# mine");
  world.write("workspaces/3/a.txt", "of nobody");
  world.write("workspaces/1.deleted/a.txt", "deleted");
  world.write("search.db", "made anew");
  CHECK(world.take().chats == 2);
  world.restore();
  CHECK(world.restored_text("workspaces/1/a.txt") == "of 1");
  CHECK(world.restored_text("snapshots/2.snap") == "variables");
  CHECK(world.restored_text("versions/1/before-1.cbor") == "list");
  CHECK(world.restored_text("varro.toml") == "# mine");
  for (const auto* name : {"workspaces/3", "workspaces/1.deleted", "search.db", "restore.partial"})
    CHECK_FALSE_MESSAGE(fs::exists(world.restored / name), name);
  auto db = sqlite_database::open(world.restored.path(), sqlite_database::mode::read_write);
  REQUIRE(db);
  CHECK((*db)->load_chat(world.user, 2));
}

TEST_CASE("a branch that was left since the beginning is brought back when the chat is loaded") {
  for (auto is_late : {true, false}) {
    backed_up world;
    world.write("workspaces/1/a.txt", "of the other branch");
    world.write("versions/1/after-7.cbor", "list");
    world.write("versions/1/branch-change", R"({"left_run":7,"next":["after-8"]})");
    auto hour = std::chrono::hours{is_late ? 1 : -1};
    fs::last_write_time(world.data / "versions/1/after-7.cbor", fs::file_time_type::clock::now() + hour);
    world.take();
    world.restore();
    auto change = branch_change_under_way(world.restored.path(), 1);
    REQUIRE(change);
    CHECK(change->left_run == (is_late ? 0 : 7));
    CHECK(change->next.size() == (is_late ? 0 : 1));
    CHECK(world.restored_text("versions/1/after-7.cbor") == "list");
  }
}

TEST_CASE("older backups stay where the new one has no chats any more") {
  backed_up world;
  world.write("workspaces/1/a.txt", "of 1");
  world.take();
  {
    auto db = world.open();
    for (int64_t chat : {1, 2})
      REQUIRE(db->delete_chat(world.user, chat, {}) == caf::none);
  }
  auto made = world.take(1);
  CHECK(made.all_chats_gone);
  CHECK(made.removed == 0);
  CHECK(backup_set::open_to_read(world.backups.path())->whole()->size() == 2);
  made = world.take(1); // whose backup before has none, either
  CHECK_FALSE(made.all_chats_gone);
  CHECK(made.removed == 2);
}

TEST_CASE("what cannot be read is counted, and no older backup goes for it") {
  backed_up world;
  world.take();
  world.write("workspaces/1", "a file where the workspace should be");
  auto made = world.take(1);
  CHECK(made.sums.unreadable == 1);
  CHECK(made.left_out == 1);
  CHECK(made.removed == 0);
  world.restore();
  CHECK(fs::is_empty(world.restored / "workspaces/1"));
}
