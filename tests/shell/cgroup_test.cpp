#include "shell/supervisor/cgroup.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <fstream>

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
  CHECK(text_of_file(group / "memory.max") == std::to_string(limits.memory_bytes_max));
  CHECK(text_of_file(group / "pids.max") == "64");
  CHECK(text_of_file(group / "cpu.max") == "150000 100000");
  CHECK_FALSE(tree->ran_out_of_memory(7));
  write_file(group / "memory.events", "low 0\noom 1\noom_kill 1\n");
  CHECK(tree->ran_out_of_memory(7));
}
