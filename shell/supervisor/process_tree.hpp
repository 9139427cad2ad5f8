// What a shell uses, looked up in /proc: for machines where no cgroup counts it. Any thread may call; nothing blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace varro {

inline constexpr size_t own_processes = 2; // of a shell: the first process and Python

struct process_usage {
  size_t processes = 0;
  size_t threads = 0;
  size_t resident_bytes = 0; // pages that processes share are counted for each of them
};

// Of a process and all its descendants, as they are at this moment; at most `processes_max` are looked at.
process_usage usage_of(pid_t root, size_t processes_max);

// The same tree's memory without what it shares with processes outside of it. Some 70 times dearer.
size_t own_bytes_of(pid_t root, size_t processes_max);

// A small file of /proc; empty when the process is gone.
std::string read_process_file(const std::string& path);

// A process and its descendants, at most so many.
std::vector<pid_t> processes_of(pid_t root, size_t processes_max);

// Changes whenever the process's first thread has run, and with every hundredth of a second of its other threads and of
// children that have ended.
uint64_t processor_time_of(pid_t process);

// SIGINT has been sent, and the process has not got it yet.
bool waits_for_interrupt(pid_t process);

} // namespace varro
