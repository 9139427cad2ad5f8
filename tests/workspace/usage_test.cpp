#include "workspace/usage.hpp"

#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace varro;
using namespace varro::test;

namespace {

void write(const std::filesystem::path& file, size_t bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream{file} << std::string(bytes, 'x');
}

} // namespace

TEST_CASE("files in all directories count, links are not followed") {
  scratch_dir scratch;
  shell_config limits;
  write(scratch / "a", 1u << 20);
  write(scratch / "inner/deeper/b", 1u << 20);
  auto usage = measure_workspace(scratch.path(), limits);
  CHECK(usage.files == 4);
  CHECK(usage.bytes >= 2u << 20);
  CHECK(usage.bytes < 3u << 20);
  std::filesystem::create_directory_symlink("/usr", scratch / "usr");
  CHECK(measure_workspace(scratch.path(), limits).files == 5);
  CHECK(measure_workspace(scratch / "missing", limits).files == 0);
}

TEST_CASE("the quota is met to the byte and to the file") {
  shell_config limits;
  limits.workspace_bytes_max = 5u << 20;
  limits.workspace_files_max = 10;
  CHECK_FALSE(is_over_quota({5u << 20, 10}, limits));
  CHECK(is_over_quota({(5u << 20) + 1, 10}, limits));
  CHECK(is_over_quota({5u << 20, 11}, limits));
  CHECK(quota_text({(5u << 20) + 1, 7}, limits) == "6 MiB in 7 files; the quota is 5 MiB and 10 files");
  CHECK(quota_text({0, 11}, limits).starts_with("0 MiB in more than 10 files"));
}

TEST_CASE("counting ends beyond the quota of files") {
  scratch_dir scratch;
  shell_config limits;
  limits.workspace_files_max = 10;
  for (int i = 0; i < 30; ++i)
    write(scratch / std::to_string(i), 1);
  CHECK(measure_workspace(scratch.path(), limits).files == 11);
}

TEST_CASE("a workspace is measured at any depth, with few descriptors") {
  scratch_dir scratch;
  shell_config limits;
  // Deeper than a path may be long.
  descriptor here{open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  constexpr int depth = 3'000;
  for (int i = 0; i < depth; ++i) {
    REQUIRE(mkdirat(here.get(), "d", 0700) == 0);
    here = descriptor{openat(here.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  }
  descriptor file{openat(here.get(), "deep", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)};
  const std::string bytes(1u << 20, 'x');
  REQUIRE(write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  write(scratch / "top", 1);
  auto usage = measure_workspace(scratch.path(), limits);
  CHECK(usage.files == depth + 2);
  CHECK(usage.bytes >= 1u << 20);
  // Its own end would be recursive.
  REQUIRE(std::system(("rm -rf '" + scratch.path().string() + "/d'").c_str()) == 0);
}

TEST_CASE("directories that their owner may not read are measured, and keep their rights") {
  scratch_dir scratch;
  shell_config limits;
  write(scratch / "closed/inner/file", 1u << 20);
  write(scratch / "blind/file", 1u << 20);
  REQUIRE(chmod((scratch / "closed/inner").c_str(), 0) == 0);
  REQUIRE(chmod((scratch / "closed").c_str(), 0300) == 0);
  REQUIRE(chmod((scratch / "blind").c_str(), 0600) == 0);
  REQUIRE(chmod(scratch.path().c_str(), 0) == 0);
  const bool is_root = geteuid() == 0; // who may read everything: somebody else measures
  constexpr uid_t nobody = 65534;
  if (is_root) {
    for (const char* name : {"", "closed", "closed/inner", "blind"})
      REQUIRE(chown((scratch / name).c_str(), nobody, nobody) == 0);
    REQUIRE(seteuid(nobody) == 0);
  }
  auto measured = measure_workspace(scratch.path(), limits);
  if (is_root)
    REQUIRE(seteuid(0) == 0);
  CHECK(measured.files == 5);
  CHECK(measured.bytes >= 2u << 20);
  struct stat status{};
  REQUIRE(stat(scratch.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0);
  REQUIRE(chmod(scratch.path().c_str(), 0700) == 0);
  for (auto [name, rights] : {std::pair{"closed", 0300}, std::pair{"blind", 0600}}) {
    REQUIRE(stat((scratch / name).c_str(), &status) == 0);
    CHECK(static_cast<int>(status.st_mode & 0777) == rights);
    REQUIRE(chmod((scratch / name).c_str(), 0700) == 0);
  }
  REQUIRE(stat((scratch / "closed/inner").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0);
  REQUIRE(chmod((scratch / "closed/inner").c_str(), 0700) == 0);
}

TEST_CASE("a file with several names counts its bytes once, and a sparse one what it takes") {
  scratch_dir scratch;
  shell_config limits;
  write(scratch / "one", 1u << 20);
  for (int i = 0; i < 5; ++i)
    std::filesystem::create_hard_link(scratch / "one", scratch / ("name" + std::to_string(i)));
  write(scratch / "sparse", 1);
  std::filesystem::resize_file(scratch / "sparse", size_t{1} << 30);
  auto usage = measure_workspace(scratch.path(), limits);
  CHECK(usage.files == 7);
  CHECK(usage.bytes >= 1u << 20);
  CHECK(usage.bytes < 2u << 20);
}

TEST_CASE("a walk can be broken off and goes on where it was") {
  scratch_dir scratch;
  for (int i = 0; i < 500; ++i)
    write(scratch / (std::to_string(i % 20) + "/" + std::to_string(i)), 1);
  descriptor top{open(scratch.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  workspace_walk walk{top, 100'000};
  int steps = 1;
  while (!walk.step(std::chrono::steady_clock::time_point{}))
    ++steps;
  CHECK(steps > 5);
  CHECK(walk.usage().files == 520);
  workspace_walk few{top, 100};
  CHECK(few.step(std::chrono::steady_clock::time_point::max()));
  CHECK(few.usage().files == 101);
}

TEST_CASE("what a user's other workspaces hold is taken from the user's quota, and the last byte of it can be used") {
  shell_config limits;
  limits.user_bytes_max = 100u << 20;
  CHECK(left_for_user(0, limits) == 100u << 20);
  CHECK(left_for_user((100u << 20) - 1, limits) == 1);
  CHECK(left_for_user(200u << 20, limits) == 0);
  CHECK_FALSE(is_over_user_quota({5u << 20, 1}, 5u << 20));
  CHECK(is_over_user_quota({(5u << 20) + 1, 1}, 5u << 20));
  CHECK(user_quota_text(5u << 20, limits)
        == "all chats of a user may hold 100 MiB together (shell.user_bytes_max), and the others leave 5 MiB for this "
           "one");
  CHECK(user_quota_text(5u << 20, limits, "all may be 9.0 MiB (disk_bytes)")
        == "all may be 9.0 MiB (disk_bytes), and all else leaves 5 MiB for the files of this one");
  limits.user_bytes_max = 0; // none
  CHECK_FALSE(is_over_user_quota({size_t{1} << 50, 1}, left_for_user(size_t{1} << 50, limits)));
}
