// One shell process inside bubblewrap: the argument vector, its start, its signals.
//
// Fails closed: with sandbox on, a process that could not be isolated is not started (errc::shell_unavailable, saying
// what is missing). Any thread may call; nothing here blocks longer than a fork.
//
// A server that runs as root starts each shell as a host user of its own (shell_user), never as uid 0, and gives it the
// workspace directory with the files that lie in it; a file that the server puts there later has to be given to the
// directory's owner. Any other server starts shells as its own user. Inside, the user is always uid 1000.
#pragma once

#include "config/config.hpp"
#include "config/errors.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace varro {

// A started shell. Owns nothing: whoever holds it closes the descriptors (close_shell, or fd by a broker that took it)
// and ends the process.
struct shell_process {
  int fd = -1;           // our end of the socketpair: a stream of frames
  int pidfd = -1;        // of the outermost process
  pid_t pid = -1;        // of the outermost process: SIGKILL to it ends the whole tree
  int log_fd = -1;       // a pipe: what bubblewrap and Python said before the worker was ready (shell_log)
  int init_pidfd = -1;   // of the sandbox's first process, once located: its end is the end of all inside
  int worker_pidfd = -1; // of Python, once located
  bool sandboxed = true;
};

// Descriptor numbers in the started process.
struct shell_descriptors {
  static constexpr int socket = 3;
  static constexpr int worker = 4; // the worker, as an archive
  static constexpr int filter = 5; // the system call filter
  static constexpr int etc = 6;    // and on: one for each of etc_files(), in order
};

// Files of /etc that exist only in the sandbox: path and text.
const std::vector<std::pair<std::string, std::string>>& etc_files();

// The command line that runs the worker in bubblewrap. `workspace` is what becomes /workspace.
std::vector<std::string> sandbox_arguments(const shell_config& config, const std::filesystem::path& workspace);

// The same without a sandbox, for shell_config::sandbox = false.
std::vector<std::string> plain_arguments(const shell_config& config);

// NAME=value, all that the process gets. `caches` is where libraries keep what they can make again.
std::vector<std::string> shell_environment(const std::string& home, const std::string& caches);

// The host user and group of a chat's shells when the server is root.
uid_t shell_user(int64_t chat) noexcept;

// Creates the workspace directory when it is missing. The shell ends with the thread that called this.
caf::expected<shell_process> start_shell(const shell_config& config, const std::filesystem::path& workspace,
                                         int64_t chat = 0);

// Finds Python and the sandbox's first process; to be called once the worker is ready and before it runs any code.
// False when they are not there (any more).
bool locate_worker(shell_process& process) noexcept;

void interrupt_shell(const shell_process& process) noexcept; // SIGINT to the Python process itself; needs locate_worker
void kill_shell(const shell_process& process) noexcept;      // SIGKILL to the whole tree
// Non-blocking: true once the process is reaped and everything in its sandbox is gone. The status, as of waitpid, is
// stored on the call that reaps.
bool reap_shell(shell_process& process, int* status = nullptr) noexcept;
// What the process said before it was ready, at most 4 KiB, trimmed.
std::string shell_log(const shell_process& process);
// Closes every descriptor that is still open; fd only if it is not -1.
void close_shell(shell_process& process) noexcept;

// For `varro doctor`: runs a cell in a real sandbox and says what is missing and how to fix it.
struct shell_diagnosis {
  bool ok = false;
  std::string python;                // version, or empty
  std::vector<std::string> problems; // each a sentence with its remedy
};
// Blocks for as long as a start and one cell take, at most shell_config::start_max.
shell_diagnosis diagnose_shell(const shell_config& config);

} // namespace varro
