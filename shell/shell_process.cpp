#include "shell/shell_process.hpp"

#include <csignal>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace varro {

void send_signal(int pidfd, int number) noexcept {
  if (pidfd >= 0)
    syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0);
}

void interrupt_shell(const shell_process& process) noexcept {
  send_signal(process.python_pidfd, SIGINT);
}

void kill_shell(const shell_process& process) noexcept {
  // A group whose leader has ended could be somebody else's by now.
  if (process.group > 1 && !has_ended(process))
    kill(-process.group, SIGKILL);
  send_signal(process.init_pidfd, SIGKILL);
}

bool has_ended(const shell_process& process) noexcept {
  pollfd one{process.init_pidfd, POLLIN, 0};
  return process.init_pidfd < 0 || poll(&one, 1, 0) > 0;
}

void close_shell(shell_process& process) noexcept {
  for (int* fd : {&process.fd, &process.init_pidfd, &process.python_pidfd}) {
    if (*fd >= 0)
      close(*fd);
    *fd = -1;
  }
}

} // namespace varro
