// One cgroup for each shell, where this process was given a cgroup v2 of its own to divide (systemd: Delegate=yes).
//
// A hard limit of memory, processes and processor time for the whole shell, which limits of single processes are not.
#pragma once

#include "config/config.hpp"

#include <filesystem>
#include <optional>

#include <sys/types.h>

namespace varro {

class cgroup_tree {
public:
  // Takes over the cgroup of this process, moving what is in it into a group beside those of the shells; nothing where
  // none is delegated. `mount` is where the cgroup file system is, `membership` is /proc/self/cgroup.
  static std::optional<cgroup_tree> take_over(const std::filesystem::path& mount = "/sys/fs/cgroup",
                                              const std::filesystem::path& membership = "/proc/self/cgroup");
  // The same for a directory that is known to be ours.
  static std::optional<cgroup_tree> divide(const std::filesystem::path& directory);

  // Makes the shell's group and puts these processes into it. False when that failed.
  bool add(uint64_t shell, const shell_config& limits, std::initializer_list<pid_t> processes) const;
  // Whether the kernel has ended a process of the shell because of the memory limit.
  bool ran_out_of_memory(uint64_t shell) const;
  // After everything in it is gone.
  void remove(uint64_t shell) const;

private:
  explicit cgroup_tree(std::filesystem::path directory) : directory_(std::move(directory)) {}
  std::filesystem::path of(uint64_t shell) const;

  std::filesystem::path directory_;
};

} // namespace varro
