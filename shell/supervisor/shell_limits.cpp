// What running shells use, against their limits: memory, and what their workspaces hold.
#include "base/log.hpp"
#include "shell/supervisor/process_tree.hpp"
#include "shell/supervisor/supervisor.hpp"

#include <string>
#include <utility>

namespace varro {

namespace {

constexpr size_t own_threads = 3; // the first process's, Python's, and the one that reads what a cell prints

} // namespace

shell_config supervisor::limits_of(const shell& of) const {
  auto limits = settings_.shell;
  limits.memory_bytes_max = of.memory;
  return limits;
}

// What the kernel has ended before a cell, such as the copy that wrote a snapshot, is not the cell's.
void supervisor::note_begin(shell& of) {
  if (std::exchange(of.cells_begun, of.frames->cells_taken()) != of.frames->cells_taken() && of.has_cgroup)
    of.memory_kills = cgroups_->memory_kills(of.number);
}

// In a cgroup the kernel ends processes at once, and says so only to us. Python's own end is told by note_end().
void supervisor::watch_memory_kills(shell& each) {
  auto kills = cgroups_->memory_kills(each.number);
  if (std::exchange(each.memory_kills, kills) < kills && each.frames->is_running())
    tell({{"op", "over"},
          {"shell", each.number},
          {"why",
           "The shell's memory limit of " + std::to_string(each.memory >> 20)
             + " MiB was reached, one of its processes was killed for it, and the cell was stopped. The variables "
               "are kept."}});
}

// Where no cgroup does it. A shell that grows by gigabytes within a second is stopped by the limit of each process.
void supervisor::watch_memory() {
  const auto& limits = settings_.shell;
  auto processes_max = static_cast<size_t>(limits.processes_max) + own_processes;
  for (auto& [number, each] : shells_) {
    if (each.now != stage::live)
      continue;
    if (each.has_cgroup)
      watch_memory_kills(each);
    if (each.has_cgroup && each.is_counted)
      continue;
    bool running = each.frames->is_running();
    if (!running && !each.is_watched)
      continue;
    auto usage = usage_of(each.init, processes_max);
    // Pages shared with the warm interpreter are counted here, so that most shells need no closer look.
    if (usage.resident_bytes > each.memory && own_bytes_of(each.init, processes_max) > each.memory)
      kill_shell_of(each, "memory");
    each.is_watched = running || usage.processes > own_processes || usage.threads > own_threads;
  }
}

void supervisor::note_running(shell& of) {
  bool running = of.now == stage::live && of.frames->is_running();
  bool began = std::exchange(of.cells_seen, of.frames->cells_taken()) != of.frames->cells_taken();
  if (began)
    workspaces_.note_cell(of.number, true);
  if ((began && !running) || (of.was_running && !running))
    workspaces_.note_cell(of.number, false);
  of.was_running = running;
}

// Whoever watches the shell knows of a cell before it can begin: what it does in its first moments is its own.
void supervisor::move_from_server(shell& which) {
  which.frames->hear_server();
  note_begin(which);
  note_running(which);
  which.frames->send_to_worker();
}

void supervisor::hear_of_workspaces() {
  using kind = workspace_report::kind;
  for (const auto& each : workspaces_.take()) {
    auto found = shells_.find(each.shell);
    if (each.what == kind::usage)
      tell({{"op", "usage"}, {"shell", each.shell}, {"user", each.user}, {"chat", each.chat}, {"bytes", each.bytes}});
    else if (each.what == kind::over)
      tell({{"op", "over"}, {"shell", each.shell}, {"why", each.why}});
    else if (found != shells_.end()) {
      log(log_level::info,
          "the shell of chat " + std::to_string(each.chat) + " is ended for its " + each.why + ": its workspace holds "
            + std::to_string(each.bytes >> 20) + " MiB");
      kill_shell_of(found->second, each.why.c_str());
    }
  }
}

} // namespace varro
