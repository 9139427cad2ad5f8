#include "backup/tree_taker.hpp"

#include "backup/backup_set.hpp"
#include "tests/support/scratch_dir.hpp"
#include "workspace/directory.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <sys/stat.h>
#include <thread>

using namespace varro;
using namespace varro::test;

namespace fs = std::filesystem;

namespace {

struct taking {
  scratch_dir workspace, backup, before;
  taking_sums sums;
  uint64_t last = 0;

  void write(const std::string& name, const std::string& text) const {
    std::ofstream{workspace / name} << text;
  }
  taken_tree take(const former_tree& former = {}, size_t entries_max = backup_entries_max) {
    fs::create_directory(backup / "files");
    blob_store blobs{open_directory(AT_FDCWD, backup.path().string()),
                     open_directory(AT_FDCWD, before.path().string())};
    tree_taker taker{blobs, sums, entries_max};
    auto tree = taker.take({tree_kind::workspace, 1}, open_directory(AT_FDCWD, workspace.path().string()), former);
    REQUIRE(tree);
    last = blobs.last();
    return std::move(*tree);
  }
  std::string bytes_of(const manifest_entry& entry) const {
    std::ifstream in{backup / blob_path(entry.file.blob)};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
};

const manifest_entry& named(const taken_tree& tree, const std::string& name) {
  auto found = std::find_if(tree.entries.begin(), tree.entries.end(), [&](const auto& e) { return e.name == name; });
  REQUIRE(found != tree.entries.end());
  return *found;
}

// As the manifest of a backup before would tell it, all of it long ago.
former_tree former_of(const taken_tree& tree) {
  former_tree former;
  for (auto entry : tree.entries) {
    entry.file.settled = true;
    former.add(entry);
  }
  return former;
}

} // namespace

TEST_CASE("files are taken with their directories before them, and links as such") {
  taking world;
  world.write("a", "one");
  fs::create_directory(world.workspace / "dir");
  world.write("dir/b", "two");
  fs::create_symlink("/etc/passwd", world.workspace / "link");
  auto tree = world.take();
  REQUIRE(tree.entries.size() == 4);
  CHECK(world.bytes_of(named(tree, "a")) == "one");
  CHECK(world.bytes_of(named(tree, "b")) == "two");
  CHECK(named(tree, "b").in == named(tree, "dir").number);
  CHECK(named(tree, "dir").number < named(tree, "b").number);
  CHECK(named(tree, "link").file.what == file_kind::link);
  CHECK(named(tree, "link").file.target == "/etc/passwd");
  CHECK(tree.gaps.empty());
  CHECK(world.last == 2);
}

TEST_CASE("a directory may be as deep as the limit, and what is deeper is named") {
  taking world;
  auto path = world.workspace.path();
  for (size_t depth = 1; depth < backup_depth_max; ++depth)
    path /= "d";
  fs::create_directories(path);
  std::ofstream{path / "file"} << "deep";
  auto tree = world.take();
  CHECK(tree.entries.size() == backup_depth_max);
  CHECK(world.bytes_of(named(tree, "file")) == "deep");
  CHECK(tree.gaps.empty());
  fs::create_directory(path / "deeper");
  taking again;
  fs::rename(world.workspace / "d", again.workspace / "d");
  tree = again.take();
  CHECK(tree.entries.size() == backup_depth_max);
  REQUIRE(tree.gaps.size() == 1);
  CHECK(tree.gaps[0].name == "deeper");
  CHECK(tree.gaps[0].in == tree.entries[backup_depth_max - 2].number);
}

TEST_CASE("a tree has as many entries as the limit, and what is beyond it is named") {
  taking world;
  for (const auto* name : {"a", "b", "c"})
    world.write(name, name);
  CHECK(world.take({}, 3).gaps.empty());
  taking again;
  for (const auto* name : {"a", "b", "c"})
    again.write(name, name);
  auto tree = again.take({}, 2);
  CHECK(tree.entries.size() == 2);
  REQUIRE(tree.gaps.size() == 1);
  CHECK(tree.gaps[0].name == "c");
}

TEST_CASE("a file that did not change is shared with the backup before, and one that did is not") {
  taking world;
  for (const auto* name : {"same", "grown", "touched", "unsettled"})
    world.write(name, "old");
  auto first = world.take();
  taking next;
  fs::rename(world.backup / "files", next.before / "files");
  for (const auto& entry : first.entries)
    fs::rename(world.workspace / entry.name, next.workspace / entry.name);
  next.write("grown", "older");
  REQUIRE(::chmod((next.workspace / "touched").c_str(), 0600) == 0);
  // What the move did to the times of files is none of a change.
  former_tree former;
  auto directory = open_directory(AT_FDCWD, next.workspace.path().string());
  for (auto entry : first.entries) {
    auto blob = entry.file.blob;
    entry.file = *look_at(directory.get(), entry.name);
    entry.file.blob = blob;
    entry.file.settled = entry.name != "unsettled";
    if (entry.name == "grown" || entry.name == "touched")
      --entry.file.changed_ns;
    former.add(entry);
  }
  auto second = next.take(former);
  auto is_shared = [&](const std::string& name) {
    return fs::equivalent(next.before / blob_path(named(first, name).file.blob),
                          next.backup / blob_path(named(second, name).file.blob));
  };
  CHECK(is_shared("same"));
  CHECK_FALSE(is_shared("grown"));
  CHECK_FALSE(is_shared("touched"));
  CHECK_FALSE(is_shared("unsettled"));
  CHECK(next.sums.shared == 1);
  CHECK(named(second, "same").sha256 == named(first, "same").sha256);
  CHECK(next.bytes_of(named(second, "grown")) == "older");
}

TEST_CASE("what the backup before has lost is copied") {
  taking world;
  world.write("same", "old");
  auto former = former_of(world.take());
  fs::remove_all(world.backup / "files");
  auto tree = world.take(former); // `before` is empty
  CHECK(world.sums.shared == 0);
  CHECK(world.bytes_of(named(tree, "same")) == "old");
}

TEST_CASE("a file with several names is one file, and pipes are named") {
  taking world;
  world.write("a", "one");
  fs::create_hard_link(world.workspace / "a", world.workspace / "b");
  REQUIRE(::mkfifo((world.workspace / "pipe").c_str(), 0600) == 0);
  auto tree = world.take();
  CHECK(named(tree, "a").file.blob == named(tree, "b").file.blob);
  CHECK(named(tree, "a").several_names);
  CHECK(named(tree, "b").several_names);
  CHECK(world.last == 1);
  REQUIRE(tree.gaps.size() == 1);
  CHECK(tree.gaps[0].why == "a pipe");
}

TEST_CASE("numbers of files that are forgotten are given again") {
  scratch_dir backup;
  fs::create_directory(backup / "files");
  blob_store blobs{open_directory(AT_FDCWD, backup.path().string()), {}};
  CHECK(blobs.create());
  CHECK(blobs.create());
  blobs.forget_after(1);
  CHECK(blobs.last() == 1);
  CHECK_FALSE(fs::exists(backup / blob_path(2)));
  CHECK(blobs.create());
  CHECK(blobs.last() == 2);
}

TEST_CASE("a directory that changes at each look is told, with what was read of it, and one that does not is not") {
  taking world;
  fs::create_directory(world.workspace / "quiet");
  world.write("quiet/file", "1");
  world.take();
  CHECK(world.sums.restless == 0);
  taking busy;
  busy.write("file", "1");
  std::atomic<bool> stopped{false};
  std::thread moving{[&] {
    for (auto number = 0; !stopped; ++number)
      std::ofstream{busy.workspace / ("new-" + std::to_string(number % 100))} << number;
  }};
  auto tree = busy.take();
  stopped = true;
  moving.join();
  CHECK(busy.bytes_of(named(tree, "file")) == "1");
  // Whatever was read at looks that came to nothing is gone again.
  std::set<uint64_t> used;
  for (const auto& entry : tree.entries)
    used.insert(entry.file.blob);
  for (uint64_t blob = 1; blob <= busy.last; ++blob)
    CHECK(fs::exists(busy.backup / blob_path(blob)) == used.contains(blob));
}
