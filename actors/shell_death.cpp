#include "actors/shell_death.hpp"

#include <csignal>

#include <sys/wait.h>

namespace varro {

shell_death explain_exit(int wait_status, const std::string& why, const shell_config& settings,
                         const std::string& user_quota) {
  auto because = [](cell_status status, const std::string& what) {
    return shell_death{status, "The Python process " + what + "." + fresh_shell};
  };
  if (why == "memory")
    return because(cell_status::killed,
                   "used more memory than the limit of " + std::to_string(settings.memory_bytes_max >> 20)
                     + " MiB and was killed");
  if (why == "workspace quota")
    return because(cell_status::killed,
                   "wrote beyond its workspace's quota of " + std::to_string(settings.workspace_bytes_max >> 20)
                     + " MiB (shell.workspace_bytes_max) and " + std::to_string(settings.workspace_files_max)
                     + " files (shell.workspace_files_max) and was killed");
  if (why == "user quota" && !user_quota.empty())
    return because(cell_status::killed, "wrote more than its user may have and was killed: " + user_quota);
  if (why == "user quota")
    return because(cell_status::killed,
                   "wrote beyond the quota of all chats of its user, " + std::to_string(settings.user_bytes_max >> 20)
                     + " MiB (shell.user_bytes_max), and was killed");
  if (why == "output")
    return because(cell_status::killed, "sent more output than the limits allow and was killed");
  if (why == "protocol")
    return because(cell_status::killed, "broke the protocol to the server and was killed");
  if (why == "silence")
    return because(cell_status::lost, "closed its connection to the server and was killed");
  if (why == "interpreter")
    return because(cell_status::lost, "ended with the interpreter that it was forked from");
  if (!why.empty())
    return because(cell_status::lost, "is gone");
  // The sandbox's first process ends with 128 + the signal that ended Python.
  constexpr int signal_base = 128;
  int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0;
  int number = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
  if (settings.sandbox && code > signal_base)
    number = code - signal_base;
  switch (number) {
  case 0:
    return code == 0 ? because(cell_status::lost, "ended by itself, as after exit() or quit()")
                     : because(cell_status::lost, "ended with exit code " + std::to_string(code));
  case SIGKILL:
    return because(cell_status::killed, "was killed; most likely memory ran out");
  case SIGSEGV:
  case SIGBUS:
    return because(cell_status::lost, "crashed with a segmentation fault");
  case SIGSYS:
    return because(cell_status::killed, "made a system call of a kind that shells may not make, and was killed");
  case SIGABRT:
    return because(cell_status::lost, "aborted itself");
  default:
    return because(cell_status::lost, "was ended by signal " + std::to_string(number));
  }
}

} // namespace varro
