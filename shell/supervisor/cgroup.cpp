#include "shell/supervisor/cgroup.hpp"

#include "base/descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

constexpr auto cpu_period_us = 100'000;
constexpr auto cpu_weight = 50; // of a shell; the server beside them has 100
constexpr auto server_name = "server";
constexpr int divisions_max = 16;
// Of a shell besides what its own limit is for: pages that it no longer shares with the warm interpreter, and the
// kernel's for it. Else a process would be ended by its group before it is told by its own limit (MemoryError).
constexpr size_t unshared_bytes_max = 64u << 20;

// One value, one write: that is how the kernel reads it.
bool set(const fs::path& file, const std::string& value) {
  descriptor fd{open(file.c_str(), O_WRONLY | O_CLOEXEC)};
  return fd && write(fd.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

// Without the mark a group that can be written is somebody's all the same: root's, or a terminal's of this user.
bool is_delegated(const fs::path& directory) {
  char value = 0;
  for (const char* name : {"user.delegate", "trusted.delegate"})
    if (getxattr(directory.c_str(), name, &value, 1) == 1 && value == '1')
      return access((directory / "cgroup.procs").c_str(), W_OK) == 0;
  return false;
}

std::vector<std::string> processes_in(const fs::path& group) {
  std::ifstream list{group / "cgroup.procs"};
  std::vector<std::string> found;
  for (std::string pid; std::getline(list, pid);)
    found.push_back(pid);
  return found;
}

struct shell_group {
  fs::path path;
  pid_t owner;
  uint64_t shell;
};

std::vector<shell_group> shell_groups(const fs::path& directory) {
  std::vector<shell_group> found;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator{directory, problem}) {
    int owner = 0;
    unsigned long long shell = 0;
    if (std::sscanf(entry.path().filename().c_str(), "shell-%d-%llu", &owner, &shell) == 2)
      found.push_back({entry.path(), owner, shell});
  }
  return found;
}

// A living varro-shells is in the server's group.
bool is_another_ones(const fs::path& directory, const shell_group& group) {
  auto server = processes_in(directory / server_name);
  return group.owner != getpid()
    && std::find(server.begin(), server.end(), std::to_string(group.owner)) != server.end();
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
  if (directory.filename() == server_name && is_delegated(directory.parent_path()))
    return divide(directory.parent_path());
  return is_delegated(directory) ? divide(directory) : std::nullopt;
}

std::optional<cgroup_tree> cgroup_tree::divide(const fs::path& directory) {
  std::ifstream file{directory / "cgroup.controllers"};
  std::string controllers{std::istreambuf_iterator<char>{file}, {}};
  for (const char* needed : {"memory", "pids", "cpu"})
    if ((" " + controllers).find(std::string{" "} + needed) == std::string::npos)
      return std::nullopt;
  cgroup_tree tree{directory};
  return tree.divide() ? std::optional{tree} : std::nullopt;
}

bool cgroup_tree::divide() const {
  auto server = directory_ / server_name;
  std::error_code ignored;
  fs::create_directory(server, ignored);
  // A group that has groups with limits has no processes of its own. They may fork meanwhile.
  for (int attempt = 0; attempt < divisions_max; ++attempt) {
    for (const auto& pid : processes_in(directory_))
      set(server / "cgroup.procs", pid);
    if (set(directory_ / "cgroup.subtree_control", "+memory +pids +cpu"))
      return true;
  }
  return false;
}

void cgroup_tree::release() const {
  for (const auto& group : shell_groups(directory_))
    if (is_another_ones(directory_, group))
      return;
  set(directory_ / "cgroup.subtree_control", "-memory -pids -cpu");
}

fs::path cgroup_tree::of(uint64_t shell) const {
  return directory_ / ("shell-" + std::to_string(getpid()) + "-" + std::to_string(shell));
}

bool cgroup_tree::add(uint64_t shell, const shell_config& limits, std::initializer_list<pid_t> processes) const {
  auto group = of(shell);
  std::error_code problem;
  fs::create_directory(group, problem);
  // Another varro-shells may have released the directory.
  bool good = !problem && (limit(shell, limits) || (divide() && limit(shell, limits)));
  for (auto process : processes)
    good = good && set(group / "cgroup.procs", std::to_string(process));
  return good;
}

bool cgroup_tree::limit(uint64_t shell, const shell_config& limits) const {
  auto group = of(shell);
  bool good = set(group / "memory.max", std::to_string(limits.memory_bytes_max + unshared_bytes_max))
    && set(group / "pids.max", std::to_string(limits.processes_max))
    && set(group / "cpu.max",
           std::to_string(int64_t{limits.cpu_percent_max} * cpu_period_us / 100) + " " + std::to_string(cpu_period_us));
  // Not on every kernel.
  set(group / "memory.swap.max", "0");
  // The kernel ends the largest process only: that may be a program, or the copy that writes a snapshot.
  set(group / "memory.oom.group", "0");
  set(group / "cpu.weight", std::to_string(cpu_weight));
  return good;
}

int64_t cgroup_tree::memory_kills(uint64_t shell) const {
  std::ifstream file{of(shell) / "memory.events"};
  std::string name;
  int64_t count = 0;
  while (file >> name >> count)
    if (name == "oom_kill")
      return count;
  return 0;
}

bool cgroup_tree::remove(uint64_t shell) const {
  return rmdir(of(shell).c_str()) == 0 || errno == ENOENT;
}

bool cgroup_tree::sweep(const std::set<uint64_t>& in_use) const {
  bool clean = true;
  for (const auto& group : shell_groups(directory_)) {
    if (is_another_ones(directory_, group) || (group.owner == getpid() && in_use.contains(group.shell)))
      continue;
    set(group.path / "cgroup.kill", "1");
    clean = (rmdir(group.path.c_str()) == 0 || errno == ENOENT) && clean;
  }
  return clean;
}

} // namespace varro
