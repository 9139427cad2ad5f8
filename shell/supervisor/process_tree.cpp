#include "shell/supervisor/process_tree.hpp"

#include "base/descriptor.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace varro {

namespace {

struct process_list {
  std::vector<pid_t> processes;
  size_t threads = 0;
};

process_list tree_of(pid_t root, size_t processes_max) {
  process_list found;
  found.processes.push_back(root);
  for (size_t i = 0; i < found.processes.size(); ++i) {
    auto directory = "/proc/" + std::to_string(found.processes[i]) + "/task";
    DIR* tasks = opendir(directory.c_str());
    if (tasks == nullptr)
      continue;
    while (const dirent* task = readdir(tasks)) {
      if (task->d_name[0] == '.')
        continue;
      ++found.threads;
      auto children = read_process_file(directory + "/" + task->d_name + "/children");
      for (char *at = children.data(), *next = nullptr; found.processes.size() < processes_max; at = next) {
        auto child = static_cast<pid_t>(std::strtol(at, &next, 10));
        if (next == at)
          break;
        found.processes.push_back(child);
      }
    }
    closedir(tasks);
  }
  return found;
}

} // namespace

std::string read_process_file(const std::string& path) {
  descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  std::string text;
  char bytes[4096];
  for (ssize_t size = 0; file && (size = read(file.get(), bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<size_t>(size));
  return text;
}

std::vector<pid_t> processes_of(pid_t root, size_t processes_max) {
  return tree_of(root, processes_max).processes;
}

process_usage usage_of(pid_t root, size_t processes_max) {
  auto tree = tree_of(root, processes_max);
  process_usage usage{tree.processes.size(), tree.threads, 0};
  static const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (auto process : tree.processes) {
    unsigned long size = 0, resident = 0;
    auto text = read_process_file("/proc/" + std::to_string(process) + "/statm");
    if (std::sscanf(text.c_str(), "%lu %lu", &size, &resident) == 2)
      usage.resident_bytes += resident * page;
  }
  return usage;
}

size_t own_bytes_of(pid_t root, size_t processes_max) {
  size_t bytes = 0;
  for (auto process : tree_of(root, processes_max).processes) {
    auto text = read_process_file("/proc/" + std::to_string(process) + "/smaps_rollup");
    for (const char* name : {"\nPss_Anon:", "\nPss_Shmem:"})
      if (auto at = text.find(name); at != std::string::npos)
        bytes += std::strtoul(text.c_str() + at + std::strlen(name), nullptr, 10) << 10;
  }
  return bytes;
}

// Of the first thread in nanoseconds; the others' comes in hundredths of a second.
uint64_t processor_time_of(pid_t process) {
  auto text = read_process_file("/proc/" + std::to_string(process) + "/stat");
  auto end = text.rfind(')');
  unsigned long user = 0, system = 0, children_user = 0, children_system = 0;
  if (end != std::string::npos)
    (void)std::sscanf(text.c_str() + end, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu", &user,
                      &system, &children_user, &children_system);
  auto fine = read_process_file("/proc/" + std::to_string(process) + "/schedstat");
  return std::strtoull(fine.c_str(), nullptr, 10) + user + system + children_user + children_system;
}

bool waits_for_interrupt(pid_t process) {
  auto text = read_process_file("/proc/" + std::to_string(process) + "/status");
  for (const char* name : {"\nSigPnd:", "\nShdPnd:"})
    if (auto at = text.find(name); at != std::string::npos)
      if (std::strtoull(text.c_str() + at + std::strlen(name), nullptr, 16) & (1u << (SIGINT - 1)))
        return true;
  return false;
}

} // namespace varro
