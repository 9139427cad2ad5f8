// Whose files a start clears away, and whose it leaves.
#include "actors/workspace_keeper.hpp"
#include "base/clock.hpp"
#include "storage/open.hpp"

#include "tests/support/actor_world.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <tuple>

using namespace varro;
using namespace varro::test;
namespace fs = std::filesystem;

namespace {

struct data_dir {
  scratch_dir scratch;

  void add(const char* path) {
    fs::create_directories(scratch / path);
  }
  // "PART/NAME", in order.
  std::set<std::string> all() {
    std::set<std::string> found;
    for (const auto* part : {"workspaces", "snapshots", "versions"})
      if (fs::exists(scratch / part))
        for (const auto& each : fs::directory_iterator{scratch / part})
          found.insert(part + ("/" + each.path().filename().string()));
    return found;
  }
  void start(known_chats known) {
    actor_world world;
    auto settings = std::make_shared<config>(*world.services().settings);
    settings->data_dir = scratch.path();
    auto keeper = world.system().spawn(workspace_keeper, std::move(settings), std::move(known), store_actor{});
    world.run();
    caf::anon_send_exit(keeper, caf::exit_reason::kill);
    world.run();
  }
};

using paths = std::set<std::string>;

} // namespace

TEST_CASE_FIXTURE(data_dir, "the files of deleted chats go; those of chats that are there, or never were, stay") {
  for (const auto* path : {"workspaces/1", "workspaces/2", "workspaces/5", "workspaces/6", "workspaces/7.deleted",
                           "snapshots/2.snap", "snapshots/3.snap", "snapshots/6.snap", "versions/1", "versions/4",
                           "versions/lost+found", "workspaces/0", "workspaces/-1", "workspaces/2x"})
    add(path);
  start({{1, 3}, 5});
  CHECK(all()
        == paths{"workspaces/1", "workspaces/6", "snapshots/3.snap", "snapshots/6.snap", "versions/1",
                 "versions/lost+found", "workspaces/0", "workspaces/-1", "workspaces/2x"});
}

TEST_CASE_FIXTURE(data_dir, "a database that has had no chat has deleted none") {
  add("workspaces/1");
  add("versions/9");
  start({});
  CHECK(all() == paths{"workspaces/1", "versions/9"});
}

TEST_CASE_FIXTURE(data_dir, "no new chat finds files: ids under which some lie are skipped, and those files stay") {
  CHECK(greatest_chat_with_files(scratch.path()) == 0);
  for (const auto* path : {"workspaces/12", "snapshots/40.snap", "versions/7", "workspaces/41.deleted"})
    add(path);
  CHECK(greatest_chat_with_files(scratch.path()) == 41);
  auto db = open_database(scratch.path());
  REQUIRE(db);
  REQUIRE((*db)->skip_chat_ids(greatest_chat_with_files(scratch.path())) == caf::none);
  start({*(*db)->chat_ids(), *(*db)->greatest_chat_id()});
  CHECK(all() == paths{"workspaces/12", "snapshots/40.snap", "versions/7"});
  auto drawn = (*db)->draw_ids({1, 0});
  REQUIRE(drawn);
  CHECK(drawn->chats.first == 42);
}

TEST_CASE_FIXTURE(data_dir,
                  "earlier files are measured when they may have changed, a workspace when that is asked for") {
  actor_world world;
  auto settings = std::make_shared<config>(*world.services().settings);
  settings->data_dir = scratch.path();
  auto keeper = world.system().spawn(workspace_keeper, settings, known_chats{{7}, 7}, world.services().store);
  const auto measure = [&](bool workspace) {
    caf::anon_send(keeper, usage_atom_v, int64_t{3}, int64_t{7}, workspace);
    world.run();
  };
  const auto& sizes = world.log().versions_sizes;
  add("workspaces/7");
  std::ofstream{scratch / "workspaces/7/table.csv"} << std::string(100'000, 'x');
  measure(false);
  REQUIRE(sizes.size() == 1); // unknown until now
  CHECK(sizes.back() == std::tuple{int64_t{3}, int64_t{7}, int64_t{0}});
  measure(false);
  CHECK(sizes.size() == 1);
  CHECK(world.log().workspaces.empty());
  CHECK(world.ask<done_atom>(keeper, keep_atom_v, int64_t{7}, std::string{"before-1"}, now_us() + 60'000'000));
  measure(true);
  REQUIRE(sizes.size() == 2);
  CHECK(std::get<2>(sizes.back()) >= 100'000);
  REQUIRE(world.log().workspaces.size() == 1);
  CHECK(std::get<1>(world.log().workspaces.back()) == 7);
  CHECK(std::get<2>(world.log().workspaces.back()) >= 100'000);
  // A version that is there is not kept again.
  CHECK(world.ask<done_atom>(keeper, keep_atom_v, int64_t{7}, std::string{"before-1"}, now_us() + 60'000'000));
  measure(false);
  CHECK(sizes.size() == 2);
  caf::anon_send_exit(keeper, caf::exit_reason::kill);
  keeper = nullptr;
  world.run();
}
