#include "shell/supervisor/cgroup.hpp"

#include "shell/descriptor.hpp"

#include <fstream>

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

constexpr auto cpu_period_us = 100'000;
constexpr auto cpu_weight = 50; // of a shell; the server beside them has 100

// One value, one write: that is how the kernel reads it.
bool set(const fs::path& file, const std::string& value) {
  descriptor fd{open(file.c_str(), O_WRONLY | O_CLOEXEC)};
  return fd && write(fd.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

bool is_delegated(const fs::path& directory) {
  char value = 0;
  for (const char* name : {"user.delegate", "trusted.delegate"})
    if (getxattr(directory.c_str(), name, &value, 1) == 1 && value == '1')
      return true;
  // Whoever is not root can write it only if it was given away.
  return geteuid() != 0;
}

} // namespace

std::optional<cgroup_tree> cgroup_tree::take_over(const fs::path& mount, const fs::path& membership) {
  std::ifstream lines{membership};
  std::string line;
  constexpr std::string_view unified = "0::/";
  while (std::getline(lines, line) && !line.starts_with(unified))
    ;
  if (!line.starts_with(unified) || line == unified)
    return std::nullopt; // the root has no limits, and is nobody's to divide
  auto directory = mount / line.substr(unified.size());
  if (access((directory / "cgroup.procs").c_str(), W_OK) != 0 || !is_delegated(directory))
    return std::nullopt;
  return divide(directory);
}

std::optional<cgroup_tree> cgroup_tree::divide(const fs::path& directory) {
  std::ifstream file{directory / "cgroup.controllers"};
  std::string controllers{std::istreambuf_iterator<char>{file}, {}};
  for (const char* needed : {"memory", "pids", "cpu"})
    if ((" " + controllers).find(std::string{" "} + needed) == std::string::npos)
      return std::nullopt;
  // A group that has groups with limits has no processes of its own.
  auto server = directory / "server";
  std::error_code ignored;
  fs::create_directory(server, ignored);
  std::ifstream list{directory / "cgroup.procs"};
  for (std::string pid; std::getline(list, pid);)
    set(server / "cgroup.procs", pid);
  if (!set(directory / "cgroup.subtree_control", "+memory +pids +cpu"))
    return std::nullopt;
  return cgroup_tree{directory};
}

fs::path cgroup_tree::of(uint64_t shell) const {
  return directory_ / ("shell-" + std::to_string(getpid()) + "-" + std::to_string(shell));
}

bool cgroup_tree::add(uint64_t shell, const shell_config& limits, std::initializer_list<pid_t> processes) const {
  auto group = of(shell);
  std::error_code problem;
  fs::create_directory(group, problem);
  bool good = !problem && set(group / "memory.max", std::to_string(limits.memory_bytes_max))
    && set(group / "pids.max", std::to_string(limits.processes_max))
    && set(group / "cpu.max",
           std::to_string(int64_t{limits.cpu_percent_max} * cpu_period_us / 100) + " " + std::to_string(cpu_period_us));
  // Not on every kernel.
  set(group / "memory.swap.max", "0");
  set(group / "memory.oom.group", "0");
  set(group / "cpu.weight", std::to_string(cpu_weight));
  for (auto process : processes)
    good = good && set(group / "cgroup.procs", std::to_string(process));
  return good;
}

bool cgroup_tree::ran_out_of_memory(uint64_t shell) const {
  std::ifstream file{of(shell) / "memory.events"};
  std::string name;
  int64_t count = 0;
  while (file >> name >> count)
    if (name == "oom_kill")
      return count > 0;
  return false;
}

void cgroup_tree::remove(uint64_t shell) const {
  rmdir(of(shell).c_str());
}

} // namespace varro
