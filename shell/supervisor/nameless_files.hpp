// Files of a workspace that no walk finds: they have no name any more, and processes hold them. Any thread; nothing
// blocks.
#pragma once

#include <cstddef>
#include <vector>

#include <sys/types.h>

namespace varro {

struct nameless_files {
  size_t bytes = 0; // of disk space
  size_t files = 0;
  // Some may be held where nobody can look: in flight on a socket, or mapped, where only root sees how large they are.
  bool may_be_more = false;
};

// On this device: those that the processes have open or mapped. `channel` is the socket on which we send to them: what
// is in flight there is ours.
nameless_files nameless_files_of(const std::vector<pid_t>& processes, dev_t device, ino_t channel = 0);

} // namespace varro
