#include "shell/supervisor/shell_users.hpp"
#include "tests/support/scratch_dir.hpp"
#include "workspace/owner.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace varro;
using varro::test::scratch_dir;
namespace fs = std::filesystem;

namespace {

constexpr auto bubblewrap = "/usr/bin/bwrap";

// What keeps this machine from the real thing; empty where nothing does.
std::string missing(const fs::path& directory) {
  auto problem = shell_user() == 0 ? caf::error{} : try_shell_users(directory, bubblewrap);
  return shell_user() == 0 ? "the test does not run as root" : problem ? text_of(problem) : "";
}

} // namespace

TEST_CASE("shells have users of a range that is nobody else's, one after the other") {
  CHECK(user_of_shell(0) == shell_users_first);
  CHECK(user_of_shell(shell_users_count - 1) == shell_users_first + shell_users_count - 1);
  CHECK(user_of_shell(shell_users_count) == shell_users_first);
  CHECK(user_of_shell(1'764'449'000'000'001) == user_of_shell(1'764'449'000'000'000) + 1);
  constexpr uint64_t foreign_ids_first = 2'147'352'576; // of systemd
  CHECK(uint64_t{shell_users_first} + shell_users_count <= foreign_ids_first);
  for (auto user : {shell_users_first, shell_users_first + shell_users_count - 1}) {
    CHECK(user != shell_user());
    CHECK_FALSE(is_former_shell_user(user));
  }
}

TEST_CASE("who is not root has no users to give") {
  if (geteuid() == 0)
    return;
  scratch_dir scratch;
  CHECK(code_of(try_shell_users(scratch.path(), bubblewrap)) == errc::shell_unavailable);
}

TEST_CASE("a bubblewrap that is set-uid enters no namespace of ours") {
  scratch_dir scratch;
  auto program = scratch.path() / "bwrap";
  std::ofstream{program} << "";
  REQUIRE(chmod(program.c_str(), 04755) == 0);
  auto problem = try_shell_users(scratch.path(), program);
  CHECK(code_of(problem) == errc::shell_unavailable);
  CHECK(text_of(problem).find("set-uid") != std::string::npos);
}

TEST_CASE("the namespace of a warm interpreter belongs to the host user that it runs as") {
  scratch_dir scratch;
  if (auto why = missing(scratch.path()); !why.empty()) {
    MESSAGE("skipped: " << why);
    return;
  }
  auto names = interpreter_namespace();
  REQUIRE(names);
  uid_t owner = 0;
  REQUIRE(ioctl(names->get(), NS_GET_OWNER_UID, &owner) == 0);
  CHECK(owner == shell_user());
}

TEST_CASE("in a shell's mount the workspace is the shell's, on disk it stays whose it was") {
  scratch_dir scratch;
  if (auto why = missing(scratch.path()); !why.empty()) {
    MESSAGE("skipped: " << why);
    return;
  }
  auto workspace = scratch.path() / "7";
  fs::create_directory(workspace);
  std::ofstream{workspace / "mine"} << "text";
  std::ofstream{workspace / "strange"} << "text";
  for (const auto& path : {workspace, workspace / "mine"})
    REQUIRE(chown(path.c_str(), shell_user(), shell_user()) == 0);
  auto user = user_of_shell(7);
  auto mount = mount_for(workspace, user);
  REQUIRE(mount);
  struct stat status{};
  REQUIRE(fstat(mount->get(), &status) == 0);
  CHECK(status.st_uid == user);
  CHECK(status.st_gid == shell_user());
  REQUIRE(fstatat(mount->get(), "mine", &status, 0) == 0);
  CHECK(status.st_uid == user);
  REQUIRE(fstatat(mount->get(), "strange", &status, 0) == 0);
  CHECK(status.st_uid != user);
  // Nobody makes files in it but the shell.
  CHECK(openat(mount->get(), "planted", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) < 0);
  REQUIRE(stat((workspace / "mine").c_str(), &status) == 0);
  CHECK(status.st_uid == shell_user());
}

TEST_CASE("a workspace that is not there, or is a link to something else, is not mounted") {
  scratch_dir scratch;
  if (auto why = missing(scratch.path()); !why.empty()) {
    MESSAGE("skipped: " << why);
    return;
  }
  CHECK_FALSE(mount_for(scratch.path() / "none", shell_users_first));
  fs::create_directory_symlink("/etc", scratch.path() / "link");
  CHECK_FALSE(mount_for(scratch.path() / "link", shell_users_first));
}
