#include "shell/supervisor/process_tree.hpp"

#include "base/descriptor.hpp"

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

// A small file of /proc; empty when the process is gone.
std::string read_file(const std::string& path) {
  descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  std::string text;
  char bytes[4096];
  for (ssize_t size = 0; file && (size = read(file.get(), bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<size_t>(size));
  return text;
}

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
      auto children = read_file(directory + "/" + task->d_name + "/children");
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

process_usage usage_of(pid_t root, size_t processes_max) {
  auto tree = tree_of(root, processes_max);
  process_usage usage{tree.processes.size(), tree.threads, 0};
  static const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (auto process : tree.processes) {
    unsigned long size = 0, resident = 0;
    auto text = read_file("/proc/" + std::to_string(process) + "/statm");
    if (std::sscanf(text.c_str(), "%lu %lu", &size, &resident) == 2)
      usage.resident_bytes += resident * page;
  }
  return usage;
}

size_t own_bytes_of(pid_t root, size_t processes_max) {
  size_t bytes = 0;
  for (auto process : tree_of(root, processes_max).processes) {
    auto text = read_file("/proc/" + std::to_string(process) + "/smaps_rollup");
    for (const char* name : {"\nPss_Anon:", "\nPss_Shmem:"})
      if (auto at = text.find(name); at != std::string::npos)
        bytes += std::strtoul(text.c_str() + at + std::strlen(name), nullptr, 10) << 10;
  }
  return bytes;
}

} // namespace varro
