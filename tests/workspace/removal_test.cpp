// Directories that hostile code has made hard to delete.
#include "workspace/removal.hpp"

#include "tests/support/scratch_dir.hpp"
#include "workspace/paths.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace varro;
using namespace varro::test;

namespace fs = std::filesystem;

namespace {

void write(const fs::path& file) {
  fs::create_directories(file.parent_path());
  std::ofstream{file} << "x";
}

// As a user whom rights bind; a child's, so that the rest of the test may clear away. The exit code: 0 for true.
template <class Work>
bool as_ordinary_user(const fs::path& own, Work work) {
  REQUIRE(::chmod(own.c_str(), 0777) == 0);
  auto child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0))
      ::_exit(1);
    ::_exit(work() ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  return status == 0;
}

} // namespace

TEST_CASE("a tree is deleted with files, links and directories; what links name stays") {
  scratch_dir scratch;
  write(scratch / "outside/kept");
  write(scratch / "tree/a/b/c");
  write(scratch / "tree/.0/.1");
  write(scratch / "tree/.0/.0/.0");
  fs::create_directory_symlink(scratch / "outside", scratch / "tree/link");
  fs::create_directory_symlink(scratch / "outside", scratch / "tree/a/link");
  CHECK(remove_tree(scratch / "tree"));
  CHECK_FALSE(fs::exists(scratch / "tree"));
  CHECK(fs::exists(scratch / "outside/kept"));
  CHECK(remove_tree(scratch / "tree")); // again
}

TEST_CASE("a tree that is a link or a file is deleted as such") {
  scratch_dir scratch;
  write(scratch / "outside/kept");
  fs::create_directory_symlink(scratch / "outside", scratch / "tree");
  CHECK(remove_tree(scratch / "tree"));
  CHECK_FALSE(fs::is_symlink(scratch / "tree"));
  CHECK(fs::exists(scratch / "outside/kept"));
  CHECK(remove_tree(scratch / "outside/kept"));
  CHECK_FALSE(fs::exists(scratch / "outside/kept"));
}

TEST_CASE("directories whose rights were taken away are deleted") {
  scratch_dir scratch;
  CHECK(as_ordinary_user(scratch.path(), [&] {
    auto tree = scratch / "tree";
    write(tree / "closed/inner/file");
    write(tree / "readable/file");
    return ::chmod((tree / "closed/inner").c_str(), 0) == 0 && ::chmod((tree / "closed").c_str(), 0) == 0
      && ::chmod((tree / "readable").c_str(), 0555) == 0 && ::chmod(tree.c_str(), 0) == 0 && remove_tree(tree)
      && !fs::exists(tree);
  }));
}

TEST_CASE("a directory at a depth that has no path is deleted with few descriptors") {
  scratch_dir scratch;
  auto tree = scratch / "tree";
  fs::create_directory(tree);
  auto at = ::open(tree.c_str(), O_RDONLY | O_DIRECTORY);
  for (int depth = 0; depth < 3'000; ++depth) {
    REQUIRE(::mkdirat(at, "directory", 0700) == 0);
    auto next = ::openat(at, "directory", O_RDONLY | O_DIRECTORY);
    ::close(at);
    at = next;
  }
  ::close(at);
  CHECK(remove_tree(tree));
  CHECK_FALSE(fs::exists(tree));
}

TEST_CASE("a chat's files are deleted, also those that a crash left half deleted; others' stay") {
  scratch_dir scratch;
  for (const auto* file : {"workspaces/7/a/b", "workspaces/7.deleted/c", "versions/7/before-1.cbor", "snapshots/7.snap",
                           "workspaces/70/a", "versions/70/v", "snapshots/70.snap"})
    write(scratch / file);
  CHECK(remove_chat_files(scratch.path(), 7));
  for (const auto* gone : {"workspaces/7", "workspaces/7.deleted", "versions/7", "snapshots/7.snap"})
    CHECK_FALSE(fs::exists(scratch / gone));
  for (const auto* kept : {"workspaces/70/a", "versions/70/v", "snapshots/70.snap"})
    CHECK(fs::exists(scratch / kept));
  CHECK(remove_chat_files(scratch.path(), 7));
}

TEST_CASE("files that cannot be deleted are told") {
  scratch_dir scratch;
  write(scratch / "data/workspaces/7/a");
  REQUIRE(::chmod((scratch / "data/workspaces").c_str(), 0555) == 0);
  CHECK(as_ordinary_user(scratch.path(), [&] { return !remove_chat_files(scratch / "data", 7); }));
  CHECK(fs::exists(scratch / "data/workspaces/7/a"));
  REQUIRE(::chmod((scratch / "data/workspaces").c_str(), 0755) == 0);
}
