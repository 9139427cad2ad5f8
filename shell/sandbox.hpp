// One shell process inside bubblewrap: the argument vector, its start, its signals.
//
// Fails closed: with sandbox on, a process that could not be isolated is not started (errc::shell_unavailable, saying what
// is missing). Any thread may call; nothing here blocks longer than a fork.
#pragma once

#include "config/config.hpp"
#include "config/errors.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace varro {

// A started shell. Owns nothing: whoever holds it closes fd (or gives it to a broker) and ends the process.
struct shell_process {
  int fd = -1;    // our end of the socketpair: a stream of frames
  int pidfd = -1; // of the outermost process
  pid_t pid = -1; // of the outermost process: SIGKILL to it ends the whole tree
};

std::vector<std::string> sandbox_arguments(const shell_config& config, const std::filesystem::path& workspace,
                                           const std::filesystem::path& worker, int worker_fd);

// Creates the workspace directory when it is missing.
caf::expected<shell_process> start_shell(const shell_config& config, const std::filesystem::path& workspace);

void interrupt_shell(const shell_process& process) noexcept; // SIGINT to the Python process itself
void kill_shell(const shell_process& process) noexcept;      // SIGKILL to the whole tree
// Non-blocking: true once the process is reaped.
bool reap_shell(const shell_process& process) noexcept;

// For `varro doctor`: runs a cell in a real sandbox and says what is missing and how to fix it.
struct shell_diagnosis {
  bool ok = false;
  std::string python;                // version, or empty
  std::vector<std::string> problems; // each a sentence with its remedy
};
shell_diagnosis diagnose_shell(const shell_config& config);

} // namespace varro
