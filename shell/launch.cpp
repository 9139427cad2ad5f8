// Everything is prepared before the fork, because between fork and exec only system calls are allowed in a process that
// has threads.
#include "shell/launch.hpp"

#include "base/descriptor.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace varro {

namespace {

constexpr int sources_from = 64; // the child's numbers lie below, so that no dup2 covers what is still needed

constexpr auto stage = "/tmp";
constexpr size_t shown_max = 8; // directories of one process

struct step_failure {
  char step[24];
  int error_number;
};

[[noreturn]] void give_up(int fd, const char* step) {
  step_failure report{};
  report.error_number = errno;
  std::strncpy(report.step, step, sizeof report.step - 1);
  (void)!write(fd, &report, sizeof report);
  _exit(127);
}

void reset_signals() {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number)
    sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What is shown may lie where the stage is, so that all of it is taken before the stage covers that.
bool show_directories(const std::vector<std::string>& from, const std::vector<std::string>& to) {
  std::array<int, shown_max> trees;
  for (size_t i = 0; i < from.size(); ++i)
    if ((trees.at(i) = open_tree(AT_FDCWD, from[i].c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)) < 0)
      return false;
  if (mount("tmpfs", stage, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,nr_inodes=64,mode=755") != 0)
    return false;
  for (size_t i = 0; i < from.size(); ++i)
    if (mkdir(to[i].c_str(), 0755) != 0
        || move_mount(trees.at(i), "", AT_FDCWD, to[i].c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
      return false;
  return true;
}

// The kernel's calls, not the C library's: those would try to tell threads that this process does not have.
void become_user(const launch_plan& plan, const std::vector<std::string>& stages, int failure) {
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    give_up(failure, "separate the mounts");
  if (!plan.shown.empty() && !show_directories(plan.shown, stages))
    give_up(failure, "show the directories");
  gid_t group = plan.user;
  if (syscall(SYS_setgroups, 0, nullptr) != 0 || syscall(SYS_setresgid, group, group, group) != 0
      || syscall(SYS_setresuid, plan.user, plan.user, plan.user) != 0)
    give_up(failure, "change the user");
}

[[noreturn]] void run_child(const launch_plan& plan, const std::vector<std::string>& stages, int report,
                            char* const* arguments, char* const* environment) {
  reset_signals();
  int failure = static_cast<int>(plan.descriptors.size());
  for (int i = 0; i < failure; ++i)
    if (dup2(plan.descriptors[static_cast<size_t>(i)].get(), i) < 0)
      give_up(report, "set descriptors");
  if (dup3(report, failure, O_CLOEXEC) < 0)
    give_up(report, "set descriptors");
  if (syscall(SYS_close_range, static_cast<unsigned>(failure) + 1, ~0U, 0) != 0)
    give_up(failure, "close descriptors");
  setsid(); // an interrupt typed at the server's terminal is not meant for what it starts
  if (plan.user != 0)
    become_user(plan, stages, failure);
  umask(0077);
  if (chdir("/") != 0)
    give_up(failure, "enter the root");
  execve(arguments[0], arguments, environment);
  give_up(failure, "execute");
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts)
    pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

bool raise(descriptor& low) {
  descriptor high{fcntl(low.get(), F_DUPFD_CLOEXEC, sources_from)};
  low = std::move(high);
  return static_cast<bool>(low);
}

} // namespace

std::string staged(size_t number) {
  return stage + ('/' + std::to_string(number));
}

caf::error system_failure(const std::string& what) {
  return fail(errc::shell_unavailable, what + ": " + std::strerror(errno));
}

caf::expected<descriptor> text_descriptor(std::string_view text) {
  descriptor file{memfd_create("varro", MFD_CLOEXEC)};
  if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())
      || lseek(file.get(), 0, SEEK_SET) != 0)
    return system_failure("no memory for the files of a shell");
  return file;
}

caf::expected<launched_process> launch(launch_plan plan) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return system_failure("no pipe for a process");
  descriptor reading{ends[0]}, writing{ends[1]};
  for (auto& each : plan.descriptors)
    if (!raise(each))
      return system_failure("no descriptors for a process");
  if (!raise(writing))
    return system_failure("no descriptors for a process");
  if (plan.shown.size() > shown_max)
    return fail(errc::shell_unavailable, "too many directories to be shown");
  std::vector<std::string> stages;
  for (size_t i = 0; i < plan.shown.size(); ++i)
    stages.push_back(staged(i));
  auto arguments = pointers_to(plan.arguments);
  auto environment = pointers_to(plan.environment);
  launched_process process;
  process.pid = _Fork();
  if (process.pid == 0)
    run_child(plan, stages, writing.get(), arguments.data(), environment.data());
  if (process.pid < 0)
    return system_failure("no process");
  writing.reset();
  plan.descriptors.clear();
  process.pidfd = descriptor{static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0))};
  step_failure report{};
  bool failed = read(reading.get(), &report, sizeof report) == static_cast<ssize_t>(sizeof report);
  if (!failed && process.pidfd)
    return process;
  auto error = system_failure("no descriptors for a process");
  if (failed && std::string_view{report.step} == "execute" && report.error_number == ENOENT)
    error = fail(errc::shell_unavailable, plan.arguments[0] + " is not installed");
  else if (failed)
    error
      = fail(errc::shell_unavailable,
             plan.arguments[0] + " could not be started: " + report.step + ": " + std::strerror(report.error_number));
  kill(process.pid, SIGKILL);
  waitpid(process.pid, nullptr, 0);
  return error;
}

} // namespace varro
