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

// Starts varro-shells in a directory of its own. Blocks for as long as a start and one cell take, at most
// shell_config::start_max.
shell_diagnosis diagnose_shell(const shell_config& config, const interpreter_config& python);

} // namespace varro
