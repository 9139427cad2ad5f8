#include "shell/supervisor/stopped_processes.hpp"

#include "shell/shell_process.hpp"
#include "shell/supervisor/process_tree.hpp"

#include <csignal>
#include <string>
#include <string_view>
#include <thread>

#include <dirent.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace varro {

namespace {

constexpr int rounds_max = 16; // of processes that are forked while others are stopped
constexpr std::chrono::microseconds pause{100};

ino_t namespace_of(pid_t process) {
  struct stat status{};
  auto path = "/proc/" + std::to_string(process) + "/ns/pid";
  return stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

bool stands_still(pid_t process) {
  auto directory = "/proc/" + std::to_string(process) + "/task";
  DIR* tasks = opendir(directory.c_str());
  if (tasks == nullptr)
    return true; // it is gone
  bool still = true;
  while (const dirent* task = readdir(tasks)) {
    if (task->d_name[0] == '.')
      continue;
    auto text = read_process_file(directory + "/" + task->d_name + "/stat");
    auto end = text.rfind(')'); // of the name, which may hold anything
    bool is_gone = end == std::string::npos || end + 2 >= text.size();
    still = still && (is_gone || std::string_view{"TtZX"}.find(text[end + 2]) != std::string_view::npos);
  }
  closedir(tasks);
  return still;
}

} // namespace

// Whether there were any.
bool stopped_processes::add_new(pid_t root, size_t processes_max) {
  bool found = false;
  auto home = namespace_of(root);
  for (auto process : processes_of(root, processes_max)) {
    if (held_.contains(process))
      continue;
    descriptor handle{static_cast<int>(syscall(SYS_pidfd_open, process, 0))};
    // Its number may be another one's by now, but no stranger is in this namespace.
    if (!handle || home == 0 || namespace_of(process) != home)
      continue;
    send_signal(handle.get(), SIGSTOP);
    held_.emplace(process, std::move(handle));
    found = true;
  }
  return found;
}

bool stopped_processes::stop(pid_t root, size_t processes_max, std::chrono::milliseconds wait_max) {
  auto until = std::chrono::steady_clock::now() + wait_max;
  bool still = false;
  for (int round = 0; round < rounds_max && add_new(root, processes_max); ++round) {
    while (!(still = stand_still()) && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(pause);
    if (!still)
      break;
  }
  return still && !add_new(root, processes_max);
}

bool stopped_processes::stand_still() const {
  for (const auto& [process, handle] : held_)
    if (!stands_still(process))
      return false;
  return true;
}

void stopped_processes::go_on() {
  for (const auto& [process, handle] : held_)
    send_signal(handle.get(), SIGCONT);
  held_.clear();
}

} // namespace varro
