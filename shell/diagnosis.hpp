// For `varro doctor`: runs a cell in a real shell and says what is missing and how to fix it.
#pragma once

#include "config/config.hpp"

#include <string>
#include <vector>

namespace varro {

struct shell_diagnosis {
  bool ok = false;
  bool has_cgroup = false;           // the shell as a whole was limited
  std::string python;                // version, or empty
  std::vector<std::string> problems; // each a sentence with its remedy
};

// What of the kernel keeps user namespaces from being made; -1 where it has no such switch.
struct kernel_switches {
  int max_user_namespaces = -1;
  int unprivileged_userns_clone = -1;             // Debian's
  int apparmor_restrict_unprivileged_userns = -1; // Ubuntu's
};
kernel_switches read_kernel_switches();

// What to do about a shell that did not start: by what bubblewrap and shell/entry wrote, and else by the kernel. A
// sentence that names the package, the switch or the container's flag; never empty.
std::string shell_remedy(const std::string& log, const interpreter_config& python, const kernel_switches& kernel);

// Starts varro-shells in a directory of its own. Blocks for as long as a start and one cell take, at most
// shell_config::start_max.
shell_diagnosis diagnose_shell(const shell_config& config, const interpreter_config& python);

} // namespace varro
