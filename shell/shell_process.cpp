#include "shell/sandbox.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace varro {

namespace {

void send_signal(int pidfd, int number) noexcept {
  if (pidfd >= 0)
    syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0);
}

// The first child of a process in the order of birth, or -1. Orphans that it inherited come after its own.
pid_t first_child(pid_t parent) noexcept {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/task/%d/children", static_cast<int>(parent), static_cast<int>(parent));
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  char text[32] = {};
  auto size = read(fd, text, sizeof text - 1);
  close(fd);
  int child = -1;
  return size > 0 && std::sscanf(text, "%d", &child) == 1 ? child : -1;
}

// Looked up again after the pidfd is open: a number that died meanwhile could be somebody else's by now.
int open_first_child(pid_t parent, pid_t& child) noexcept {
  child = first_child(parent);
  if (child <= 0)
    return -1;
  int pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  if (pidfd >= 0 && first_child(parent) != child) {
    close(pidfd);
    return -1;
  }
  return pidfd;
}

bool has_ended(int pidfd) noexcept {
  pollfd poll_one{pidfd, POLLIN, 0};
  return pidfd < 0 || poll(&poll_one, 1, 0) > 0;
}

void close_one(int& fd) noexcept {
  if (fd >= 0)
    close(fd);
  fd = -1;
}

} // namespace

bool locate_worker(shell_process& process) noexcept {
  if (!process.sandboxed || process.worker_pidfd >= 0)
    return true;
  // The outermost bubblewrap waits for a second one, which is the first process of the sandbox and Python's parent.
  pid_t init = -1, worker = -1;
  if (process.init_pidfd < 0)
    process.init_pidfd = open_first_child(process.pid, init);
  if (process.init_pidfd < 0)
    return false;
  process.worker_pidfd = open_first_child(init > 0 ? init : first_child(process.pid), worker);
  return process.worker_pidfd >= 0;
}

void interrupt_shell(const shell_process& process) noexcept {
  send_signal(process.sandboxed ? process.worker_pidfd : process.pidfd, SIGINT);
}

void kill_shell(const shell_process& process) noexcept {
  if (process.pid <= 0)
    return;
  if (!process.sandboxed) {
    kill(-process.pid, SIGKILL);
    send_signal(process.pidfd, SIGKILL);
    return;
  }
  // The sandbox's first process takes all others with it. Usually the outermost one's death is enough, but not in the
  // moment before that process has asked for its parent's death signal.
  pid_t child = -1;
  int init = process.init_pidfd < 0 ? open_first_child(process.pid, child) : -1;
  send_signal(process.init_pidfd, SIGKILL);
  send_signal(init, SIGKILL);
  close_one(init);
  send_signal(process.pidfd, SIGKILL);
}

bool reap_shell(shell_process& process, int* status) noexcept {
  if (process.pid > 0) {
    int value = 0;
    auto result = waitpid(process.pid, &value, WNOHANG);
    if (result == 0 || (result < 0 && errno == EINTR))
      return false;
    if (result == process.pid && status != nullptr)
      *status = value;
    process.pid = -1;
  }
  return has_ended(process.init_pidfd);
}

std::string shell_log(const shell_process& process) {
  std::string text(4096, '\0');
  auto size = process.log_fd < 0 ? 0 : read(process.log_fd, text.data(), text.size());
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.pop_back();
  return text;
}

void close_shell(shell_process& process) noexcept {
  for (int* fd : {&process.fd, &process.pidfd, &process.log_fd, &process.init_pidfd, &process.worker_pidfd})
    close_one(*fd);
}

} // namespace varro
