// What a shell uses, looked up in /proc: for machines where no cgroup counts it. Any thread may call; nothing blocks.
#pragma once

#include <cstddef>

#include <sys/types.h>

namespace varro {

struct process_usage {
  size_t processes = 0;
  size_t threads = 0;
  size_t resident_bytes = 0; // pages that processes share are counted for each of them
};

// Of a process and all its descendants, as they are at this moment; at most `processes_max` are looked at.
process_usage usage_of(pid_t root, size_t processes_max);

// The same tree's memory without what it shares with processes outside of it. Some 70 times dearer.
size_t own_bytes_of(pid_t root, size_t processes_max);

} // namespace varro
