#include "workspace/usage.hpp"

#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <fstream>

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
  limits.user_bytes_max = 0; // none
  CHECK_FALSE(is_over_user_quota({size_t{1} << 50, 1}, left_for_user(size_t{1} << 50, limits)));
}
