// One cgroup for each shell, where this process was given a cgroup v2 of its own to divide (systemd: Delegate=yes).
//
// A hard limit of memory, processes and processor time for the whole shell, which limits of single processes are not.
// The groups stand beside one another:
//   DIRECTORY/server              varro, varro-shells, the warm interpreters
//   DIRECTORY/shell-PID-NUMBER    a shell of the varro-shells with this process id
// While they have limits, the kernel takes no process into DIRECTORY itself, where a service manager puts the server
// that it starts after a crash: hence release().
#pragma once

#include "config/config.hpp"

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <set>
#include <utility>

#include <sys/types.h>

namespace varro {

class cgroup_tree {
public:
  // Takes over the cgroup of this process, or the one that a former varro-shells has divided; nothing where none is
  // delegated. `mount` is where the cgroup file system is, `membership` is /proc/self/cgroup.
  static std::optional<cgroup_tree> take_over(const std::filesystem::path& mount = "/sys/fs/cgroup",
                                              const std::filesystem::path& membership = "/proc/self/cgroup");
  // The same for a directory that is known to be ours.
  static std::optional<cgroup_tree> divide(const std::filesystem::path& directory);

  // Divides it again: moves what is in the directory itself into the server's group. Limits of shells that are there
  // are to be set anew. False when the kernel refuses.
  bool divide() const;
  // Ends all limits, the groups stay: until divide() a process can be put into the directory. Does nothing while
  // another varro-shells has shells here.
  void release() const;

  // Makes the shell's group and puts these processes into it. False when that failed.
  bool add(uint64_t shell, const shell_config& limits, std::initializer_list<pid_t> processes) const;
  // Sets the limits of a group that is there.
  bool limit(uint64_t shell, const shell_config& limits) const;
  // How many processes of the shell the kernel has ended because of the memory limit.
  int64_t memory_kills(uint64_t shell) const;
  // After everything in it is gone. False when it is not.
  bool remove(uint64_t shell) const;
  // Ends and removes the groups that no varro-shells here owns any more, and those of this one that are not in use.
  // False when some are left because their processes have not ended yet.
  bool sweep(const std::set<uint64_t>& in_use) const;

private:
  explicit cgroup_tree(std::filesystem::path directory) : directory_(std::move(directory)) {}
  std::filesystem::path of(uint64_t shell) const;

  std::filesystem::path directory_;
};

} // namespace varro
