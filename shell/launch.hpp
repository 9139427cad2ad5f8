// Starting a process with exactly these descriptors, this environment and, for a root server, another user.
#pragma once

#include "base/descriptor.hpp"
#include "base/errors.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace varro {

struct launch_plan {
  std::vector<std::string> arguments; // the first is the program's path
  std::vector<std::string> environment;
  std::vector<descriptor> descriptors; // becomes 0, 1, 2, … of the process
  uid_t user = 0;                      // 0: this process's own
  std::vector<std::string> shown;      // directories that `user` may not reach: it sees them as staged(0), staged(1), …
};

struct launched_process {
  pid_t pid = -1;
  descriptor pidfd;
};

// In a directory that exists everywhere, covered in the process's own mount namespace.
std::string staged(size_t number);

// The process is a child of the caller and leads a session of its own. Blocks until the program runs or could not be
// started. For processes with threads and without.
caf::expected<launched_process> launch(launch_plan plan);

// A file in memory, read from its start.
caf::expected<descriptor> text_descriptor(std::string_view text);

// errc::shell_unavailable with the reason of errno.
caf::error system_failure(const std::string& what);

} // namespace varro
