#include "workspace/versions.hpp"

#include "tests/support/scratch_dir.hpp"
#include "workspace/paths.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

#include <sys/stat.h>
#include <unistd.h>

using namespace varro;
namespace fs = std::filesystem;

namespace {

struct world {
  test::scratch_dir scratch;
  fs::path data = scratch.path();
  shell_config limits;
  fs::path workspace = workspace_of(data, 7);

  world() {
    fs::create_directories(workspace);
  }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((workspace / path).parent_path());
    std::ofstream{workspace / path, std::ios::binary | std::ios::trunc} << text;
  }

  std::string read(const std::string& path, int64_t chat = 7) const {
    std::ifstream in{workspace_of(data, chat) / path, std::ios::binary};
    return in ? std::string{std::istreambuf_iterator<char>{in}, {}} : "(missing)";
  }

  void keep(const std::string& name) {
    REQUIRE(keep_version(data, 7, name, limits) == caf::none);
  }

  workspace_change restore(const std::string& name, int64_t to = 7) {
    auto change = restore_version(data, 7, name, to);
    REQUIRE(change);
    return *change;
  }

  size_t blobs() const {
    size_t count = 0;
    for (const auto& file : fs::directory_iterator{data / "versions" / "7"})
      count += file.path().filename().string().starts_with("blob-") ? 1 : 0;
    return count;
  }
};

} // namespace

TEST_CASE_FIXTURE(world, "a workspace comes back as it was: files, directories, links, rights and times") {
  write("a.csv", "1,2,3");
  write("deep/er/b.txt", "b");
  write("empty", "");
  fs::create_directory(workspace / "nothing-in-it");
  fs::create_symlink("/etc/passwd", workspace / "link");
  fs::permissions(workspace / "a.csv", fs::perms::owner_all);
  auto time = fs::last_write_time(workspace / "a.csv");
  keep("before-1");
  write("a.csv", "changed");
  write("new/file", "x");
  fs::remove_all(workspace / "deep");
  fs::remove(workspace / "link");
  fs::create_directory(workspace / "link");
  fs::remove(workspace / "nothing-in-it");
  write("nothing-in-it", "is a file now");
  auto change = restore("before-1");
  CHECK(change.found);
  CHECK(change.differing.count == 0);
  CHECK(read("a.csv") == "1,2,3");
  CHECK(fs::last_write_time(workspace / "a.csv") == time);
  CHECK(fs::status(workspace / "a.csv").permissions() == fs::perms::owner_all);
  CHECK(read("deep/er/b.txt") == "b");
  CHECK(read("empty") == "");
  CHECK(fs::is_directory(workspace / "nothing-in-it"));
  CHECK(fs::read_symlink(workspace / "link") == "/etc/passwd");
  CHECK_FALSE(fs::exists(workspace / "new"));
}

TEST_CASE_FIXTURE(world, "a version that nobody kept changes nothing") {
  write("a", "1");
  CHECK_FALSE(restore("before-1").found);
  CHECK(read("a") == "1");
  CHECK_FALSE(has_version(data, 7, "before-1"));
}

TEST_CASE_FIXTURE(world, "an empty workspace is a version, and so is one that does not exist yet") {
  keep("before-1");
  write("a", "1");
  CHECK(restore("before-1").found);
  CHECK(fs::is_empty(workspace));
  fs::remove(workspace);
  keep("before-2");
  write("a", "1");
  CHECK(restore("before-2").found);
  CHECK(fs::is_empty(workspace));
}

TEST_CASE_FIXTURE(world, "a file that did not change is kept once") {
  write("a", "1");
  // A change within the clock's grain of a copy would not be seen, so a file that young is copied again.
  auto written = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - written < std::chrono::milliseconds{100})
    keep("before-1");
  auto before = blobs();
  keep("before-2");
  keep("before-3");
  CHECK(blobs() == before);
  write("a", "2");
  keep("before-4");
  CHECK(blobs() == before + 1);
  CHECK(restore("before-3").differing.count == 0);
  CHECK(read("a") == "1");
  CHECK(restore("before-4").differing.count == 0);
  CHECK(read("a") == "2");
}

TEST_CASE_FIXTURE(world, "beyond the limit the oldest versions go, and a file that alone is too large is named") {
  limits.versions_bytes_max = 100;
  write("a", std::string(60, 'a'));
  keep("before-1");
  write("a", std::string(60, 'b'));
  keep("before-2");
  CHECK_FALSE(has_version(data, 7, "before-1"));
  CHECK(has_version(data, 7, "before-2"));
  CHECK(blobs() == 1);
  write("a", std::string(100, 'c')); // at the edge
  keep("before-3");
  write("a", std::string(101, 'd'));
  write("small", "s");
  keep("before-4");
  write("a", "now");
  write("small", "t");
  auto change = restore("before-4");
  CHECK(change.differing.count == 1);
  CHECK(change.differing.paths == std::vector<std::string>{"a"});
  CHECK(read("a") == "now"); // better than nothing
  CHECK(read("small") == "s");
}

TEST_CASE_FIXTURE(world, "beyond their number the oldest versions go, and those that stay are whole") {
  auto lists = data / "versions" / "7";
  write("old", "of the first version");
  keep("needed");
  keep("first");
  write("old", "of all others");
  keep("v-0000");
  auto name = [](size_t n) { return "v-" + std::to_string(10'000 + n); };
  for (size_t n = 0; n < versions_max - 3; ++n) // as keep() would make them
    fs::copy_file(lists / "v-0000.cbor", lists / (name(n) + ".cbor"));
  auto count = [&] {
    return std::count_if(fs::directory_iterator{lists}, {},
                         [](auto& file) { return file.path().extension() == ".cbor"; });
  };
  CHECK(count() == versions_max);
  auto oldest = fs::file_time_type::clock::now() - std::chrono::hours{1};
  fs::last_write_time(lists / "needed.cbor", oldest);
  fs::last_write_time(lists / "first.cbor", oldest + std::chrono::seconds{1});
  REQUIRE(keep_version(data, 7, "newest", limits, {"needed"}) == caf::none);
  CHECK(count() == versions_max - versions_max / 10 + 1);
  CHECK(has_version(data, 7, "needed"));
  CHECK_FALSE(has_version(data, 7, "first"));
  CHECK(has_version(data, 7, name(versions_max - 4)));
  CHECK(restore("needed").differing.count == 0);
  CHECK(read("old") == "of the first version");
  CHECK(restore("newest").differing.count == 0);
  CHECK(read("old") == "of all others");
}

TEST_CASE_FIXTURE(world, "a version that is needed next stays, and what does not fit beside it is not kept") {
  limits.versions_bytes_max = 100;
  write("a", std::string(60, 'a'));
  keep("before-1");
  write("a", std::string(60, 'b'));
  REQUIRE(keep_version(data, 7, "after-1", limits, {"before-1"}) == caf::none);
  CHECK(restore("before-1").differing.count == 0);
  CHECK(read("a") == std::string(60, 'a'));
  CHECK(restore("after-1").differing.paths == std::vector<std::string>{"a"});
}

TEST_CASE_FIXTURE(world, "more files than the quota allows are named as left out") {
  limits.workspace_files_max = 3;
  for (int i = 0; i < 4; ++i)
    write("f" + std::to_string(i), "x");
  keep("before-1");
  CHECK(restore("before-1").differing.count == 1);
  for (int i = 0; i < 4; ++i)
    CHECK(read("f" + std::to_string(i)) == "x");
}

TEST_CASE_FIXTURE(world, "links are never followed, wherever they stand") {
  fs::create_directory(data / "outside");
  std::ofstream{data / "outside" / "secret"} << "secret";
  write("dir/a", "1");
  keep("before-1");
  fs::remove_all(workspace / "dir");
  fs::create_symlink(data / "outside", workspace / "dir");
  fs::create_symlink(data / "outside" / "secret", workspace / "file");
  keep("before-2"); // keeps links, not what they lead to
  CHECK(restore("before-1").differing.count == 0);
  CHECK(read("dir/a") == "1");
  CHECK_FALSE(fs::is_symlink(workspace / "dir"));
  CHECK(fs::exists(data / "outside" / "secret"));
  CHECK_FALSE(fs::exists(data / "outside" / "a"));
  CHECK(restore("before-2").differing.count == 0);
  CHECK(fs::is_symlink(workspace / "dir"));
  CHECK(fs::exists(data / "outside" / "secret"));
}

TEST_CASE_FIXTURE(world, "pipes and sockets are no files, and do not hold anybody up") {
  REQUIRE(mkfifo((workspace / "pipe").c_str(), 0600) == 0);
  write("a", "1");
  keep("before-1");
  CHECK(restore("before-1").differing.count == 0);
  CHECK(read("a") == "1");
}

TEST_CASE_FIXTURE(world, "names of any bytes and directories without rights come back") {
  write("\xff\xfe name\n", "odd");
  write("closed/a", "1");
  keep("before-1");
  fs::remove(workspace / "\xff\xfe name\n");
  write("closed/b", "2");
  fs::permissions(workspace / "closed", fs::perms::none);
  CHECK(restore("before-1").differing.count == 0);
  CHECK(read("\xff\xfe name\n") == "odd");
  CHECK(read("closed/a") == "1");
  CHECK(read("closed/b") == "(missing)");
}

TEST_CASE_FIXTURE(world, "a version is restored into another chat's workspace") {
  write("dir/a", "1");
  keep("before-1");
  CHECK(restore("before-1", 8).found);
  CHECK(read("dir/a", 8) == "1");
  CHECK(read("dir/a") == "1");
}

TEST_CASE_FIXTURE(world, "a damaged list is an error, and the workspace stays") {
  write("a", "1");
  keep("before-1");
  for (const auto* damage : {"", "garbage",
                             "\xa1\x67"
                             "entries\x81\x01"}) {
    std::ofstream{data / "versions" / "7" / "before-1.cbor", std::ios::binary | std::ios::trunc} << damage;
    CHECK_FALSE(restore_version(data, 7, "before-1", 7));
    CHECK(read("a") == "1");
  }
}

TEST_CASE_FIXTURE(world, "a change of branch is remembered until it is forgotten, and a torn note is none") {
  CHECK_FALSE(branch_change_under_way(data, 7));
  keep("after-3");
  REQUIRE(note_branch_change(data, 7, {3, {"before-2", "before-3"}}) == caf::none);
  auto change = branch_change_under_way(data, 7);
  REQUIRE(change);
  CHECK(change->left_run == 3);
  CHECK(change->next == std::vector<std::string>{"before-2", "before-3"});
  std::ofstream{data / "versions" / "7" / "branch-change"} << "{\"left_run\":";
  CHECK_FALSE(branch_change_under_way(data, 7));
  forget_branch_change(data, 7);
  CHECK_FALSE(branch_change_under_way(data, 7));
  remove_versions(data, 7);
  CHECK_FALSE(has_version(data, 7, "after-3"));
}
