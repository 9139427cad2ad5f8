#include "shell/supervisor/cgroup.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <optional>

#include <sys/xattr.h>
#include <unistd.h>

using namespace varro;

namespace {

std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream{path} << text;
}

// As far as it can be told from the kernel's.
void make_group(const std::filesystem::path& path) {
  std::filesystem::create_directories(path);
  write_file(path / "cgroup.controllers", "cpu memory pids\n");
  for (const char* name : {"cgroup.procs", "cgroup.subtree_control"})
    write_file(path / name, "");
}

// A group that is divided already.
struct divided_group {
  test::scratch_dir scratch;
  std::optional<cgroup_tree> tree;

  divided_group() {
    make_group(scratch.path());
    make_group(scratch / "server");
    tree = cgroup_tree::divide(scratch.path());
    REQUIRE(tree);
  }
};

std::string own_shell(int number) {
  return "shell-" + std::to_string(getpid()) + "-" + std::to_string(number);
}

} // namespace

TEST_CASE("a cgroup that lacks a controller, or is the root, is not divided") {
  test::scratch_dir scratch;
  write_file(scratch / "cgroup.controllers", "cpu memory\n");
  write_file(scratch / "cgroup.procs", "");
  write_file(scratch / "cgroup.subtree_control", "");
  CHECK_FALSE(cgroup_tree::divide(scratch.path()));
  write_file(scratch / "cgroup.controllers", "cpuset cpu memory pids\n");
  CHECK(cgroup_tree::divide(scratch.path()));
  write_file(scratch / "membership", "0::/\n");
  CHECK_FALSE(cgroup_tree::take_over(scratch.path(), scratch / "membership"));
  write_file(scratch / "membership", "4:memory:/x\n");
  CHECK_FALSE(cgroup_tree::take_over(scratch.path(), scratch / "membership"));
}

TEST_CASE("a cgroup is divided into the server and the shells, and a shell's death for memory is told") {
  test::scratch_dir scratch;
  write_file(scratch / "cgroup.controllers", "cpu memory pids\n");
  write_file(scratch / "cgroup.procs", "41\n42\n");
  write_file(scratch / "cgroup.subtree_control", "");
  std::filesystem::create_directory(scratch / "server");
  write_file(scratch / "server" / "cgroup.procs", "");
  auto tree = cgroup_tree::divide(scratch.path());
  REQUIRE(tree);
  CHECK(text_of_file(scratch / "cgroup.subtree_control") == "+memory +pids +cpu");
  CHECK(text_of_file(scratch / "server" / "cgroup.procs") == "42"); // a file keeps the last of what the kernel adds up
  auto group = scratch / ("shell-" + std::to_string(getpid()) + "-7");
  std::filesystem::create_directory(group);
  for (const char* name : {"memory.max", "memory.swap.max", "pids.max", "cpu.max", "cpu.weight", "cgroup.procs"})
    write_file(group / name, "");
  shell_config limits;
  limits.cpu_percent_max = 150;
  CHECK(tree->add(7, limits, {100, 101}));
  CHECK(text_of_file(group / "memory.max") == std::to_string(limits.memory_bytes_max + (64u << 20)));
  CHECK(text_of_file(group / "pids.max") == "64");
  CHECK(text_of_file(group / "cpu.max") == "150000 100000");
  CHECK(tree->memory_kills(7) == 0);
  write_file(group / "memory.events", "low 0\noom 1\noom_kill 1\n");
  CHECK(tree->memory_kills(7) == 1);
}

TEST_CASE(
  "only a group with the mark of a service manager is taken over, also from the part of it that is the server's") {
  test::scratch_dir scratch;
  make_group(scratch / "unit");
  make_group(scratch / "unit" / "server");
  write_file(scratch / "whole", "0::/unit\n");
  write_file(scratch / "part", "0::/unit/server\n");
  CHECK_FALSE(cgroup_tree::take_over(scratch.path(), scratch / "whole"));
  CHECK_FALSE(cgroup_tree::take_over(scratch.path(), scratch / "part"));
  if (setxattr((scratch / "unit").c_str(), "user.delegate", "1", 1, 0) != 0)
    return; // a file system without such marks
  CHECK(cgroup_tree::take_over(scratch.path(), scratch / "whole"));
  CHECK(cgroup_tree::take_over(scratch.path(), scratch / "part"));
  CHECK_FALSE(std::filesystem::exists(scratch / "unit" / "server" / "server"));
}

TEST_CASE_FIXTURE(divided_group,
                  "groups that nobody uses are removed, and those of another living varro-shells are not") {
  write_file(scratch / "server" / "cgroup.procs", "41\n4711\n");
  auto used = own_shell(1), unused = own_shell(2);
  for (const auto& name : {std::string{"shell-4711-1"}, std::string{"shell-4712-1"}, used, unused})
    std::filesystem::create_directory(scratch / name);
  write_file(scratch / "shell-4712-1" / "something", "");
  CHECK_FALSE(tree->sweep({1})); // one is not empty yet
  std::filesystem::remove(scratch / "shell-4712-1" / "something");
  CHECK(tree->sweep({1}));
  CHECK(std::filesystem::exists(scratch / "shell-4711-1"));
  CHECK_FALSE(std::filesystem::exists(scratch / "shell-4712-1"));
  CHECK(std::filesystem::exists(scratch / used));
  CHECK_FALSE(std::filesystem::exists(scratch / unused));
}

TEST_CASE_FIXTURE(divided_group, "limits are released only where no other varro-shells has shells, and come back") {
  write_file(scratch / "server" / "cgroup.procs", "4711\n");
  std::filesystem::create_directory(scratch / "shell-4711-1");
  tree->release();
  CHECK(text_of_file(scratch / "cgroup.subtree_control") == "+memory +pids +cpu");
  std::filesystem::remove(scratch / "shell-4711-1");
  tree->release();
  CHECK(text_of_file(scratch / "cgroup.subtree_control") == "-memory -pids -cpu");
  CHECK(tree->divide());
  CHECK(text_of_file(scratch / "cgroup.subtree_control") == "+memory +pids +cpu");
}
