// A shell as the server holds it: one end of a stream of frames, and handles on two processes that are not its
// children.
#pragma once

#include <cstdint>

#include <sys/types.h>

namespace varro {

// Owns nothing: whoever holds it closes the descriptors (close_shell, or fd by a broker that took it).
struct shell_process {
  uint64_t number = 0;   // varro-shells' name for it
  int fd = -1;           // a stream of frames (shell/frames.hpp), relayed by varro-shells
  int init_pidfd = -1;   // of the sandbox's first process: its end is the end of all inside
  int python_pidfd = -1; // of Python
  pid_t group = -1;      // without a sandbox: the process group, which is all that holds the shell together
};

// Signals by handles: any thread may call. To no handle (-1), and to who is gone, nothing is sent.
void send_signal(int pidfd, int number) noexcept;
void interrupt_shell(const shell_process& process) noexcept; // SIGINT to the Python process itself
void kill_shell(const shell_process& process) noexcept;      // SIGKILL to everything in the shell
bool has_ended(const shell_process& process) noexcept;       // everything in its sandbox is gone
// Closes every descriptor that is still open; fd only if it is not -1.
void close_shell(shell_process& process) noexcept;

} // namespace varro
