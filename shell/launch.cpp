// Starting a shell's process: everything is prepared before the fork, because between fork and exec only system calls
// are allowed in a process that has threads.
#include "shell/sandbox.hpp"
#include "shell/syscall_filter.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace varro {

extern const std::string_view worker_archive;

namespace fs = std::filesystem;

namespace {

// Where a root server shows the workspace to the shell's user, who may not pass through the data directory: a directory
// that exists everywhere, covered in the child's own mount namespace only.
constexpr auto stage = "/tmp";
constexpr int sources_from = 64; // the child's numbers lie below, so that no dup2 covers what is still needed

class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(other.release()) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0)
      close(fd_);
  }
  int get() const {
    return fd_;
  }
  int release() {
    return std::exchange(fd_, -1);
  }
  bool raise() {
    int fd = fcntl(fd_, F_DUPFD_CLOEXEC, sources_from);
    *this = descriptor{fd};
    return fd >= 0;
  }

private:
  int fd_ = -1;
};

caf::error system_failure(const std::string& what) {
  return fail(errc::shell_unavailable, what + ": " + std::strerror(errno));
}

// A file in memory, read from its start.
caf::expected<descriptor> text_descriptor(std::string_view text) {
  descriptor file{memfd_create("varro", MFD_CLOEXEC)};
  if (file.get() < 0 || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())
      || lseek(file.get(), 0, SEEK_SET) != 0 || !file.raise())
    return system_failure("no memory for the files of a shell");
  return file;
}

struct launch {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::vector<descriptor> descriptors; // becomes 0, 1, 2, … of the process
  descriptor failure;                  // where the child reports the step that failed
  std::string workspace;
  const char* directory = "/";
  bool as_user = false;
  uid_t user = 0;
};

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
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number)
    sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// The kernel's calls, not the C library's: those would try to tell threads that this process does not have.
void become_user(const launch& plan, int failure) {
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0
      || mount(plan.workspace.c_str(), stage, nullptr, MS_BIND, nullptr) != 0)
    give_up(failure, "show the workspace");
  gid_t group = plan.user;
  if (syscall(SYS_setgroups, 0, nullptr) != 0 || syscall(SYS_setresgid, group, group, group) != 0
      || syscall(SYS_setresuid, plan.user, plan.user, plan.user) != 0)
    give_up(failure, "change the user");
}

[[noreturn]] void run_child(const launch& plan, char* const* arguments, char* const* environment) {
  reset_signals();
  int failure = static_cast<int>(plan.descriptors.size());
  for (int i = 0; i < failure; ++i)
    if (dup2(plan.descriptors[static_cast<size_t>(i)].get(), i) < 0)
      give_up(plan.failure.get(), "set descriptors");
  if (dup3(plan.failure.get(), failure, O_CLOEXEC) < 0)
    give_up(plan.failure.get(), "set descriptors");
  if (syscall(SYS_close_range, static_cast<unsigned>(failure) + 1, ~0U, 0) != 0)
    give_up(failure, "close descriptors");
  setsid(); // an interrupt typed at the server's terminal is not meant for the shells
  // When memory runs out, a shell has to go before the server.
  int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0) {
    (void)!write(score, "1000", 4);
    close(score);
  }
  if (plan.as_user)
    become_user(plan, failure);
  umask(0077);
  if (chdir(plan.directory) != 0)
    give_up(failure, "enter the directory");
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

// What was uploaded before the first shell belongs to the server. Links are left alone: they may lead anywhere.
void give_files(int directory, uid_t user) {
  DIR* entries = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (entries == nullptr)
    return;
  while (const dirent* entry = readdir(entries)) {
    descriptor file{openat(directory, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    struct stat status {};
    if (file.get() >= 0 && fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1
        && status.st_uid == geteuid())
      (void)!fchown(file.get(), user, static_cast<gid_t>(user));
  }
  closedir(entries);
}

caf::error prepare_workspace(const fs::path& workspace, bool as_user, uid_t user) {
  std::error_code problem;
  fs::create_directories(workspace, problem);
  if (problem)
    return fail(errc::shell_unavailable,
                "the workspace directory " + workspace.string() + " could not be made: " + problem.message());
  descriptor directory{open(workspace.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (directory.get() < 0 || (as_user && fchown(directory.get(), user, static_cast<gid_t>(user)) != 0)
      || fchmod(directory.get(), 0700) != 0)
    return system_failure("the workspace directory " + workspace.string() + " could not be given to the shell");
  if (as_user)
    give_files(directory.get(), user);
  return caf::none;
}

// In the order of shell_descriptors.
caf::error add_descriptors(launch& plan, const shell_config& config, descriptor socket, descriptor log) {
  descriptor null{open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (null.get() < 0 || !null.raise() || !log.raise() || !socket.raise())
    return system_failure("no descriptors for a shell");
  descriptor log_again{fcntl(log.get(), F_DUPFD_CLOEXEC, sources_from)};
  plan.descriptors.push_back(std::move(null));
  plan.descriptors.push_back(std::move(log));
  plan.descriptors.push_back(std::move(log_again));
  plan.descriptors.push_back(std::move(socket));
  std::vector<std::string_view> texts{worker_archive};
  if (config.sandbox) {
    const auto& program = syscall_filter();
    if (!program)
      return program.error();
    texts.push_back(*program);
    for (const auto& file : etc_files())
      texts.push_back(file.second);
  }
  for (auto text : texts) {
    auto file = text_descriptor(text);
    if (!file)
      return file.error();
    plan.descriptors.push_back(std::move(*file));
  }
  return caf::none;
}

caf::error failure_of(const step_failure& report, const launch& plan, const shell_config& config) {
  std::string step = report.step;
  std::string why = std::strerror(report.error_number);
  if (step == "execute" && report.error_number == ENOENT)
    return fail(errc::shell_unavailable,
                plan.arguments[0] + " is not installed; "
                  + (config.sandbox ? "apt install bubblewrap" : "apt install python3"));
  return fail(errc::shell_unavailable, "a shell could not be started: " + step + ": " + why);
}

caf::expected<shell_process> run(launch plan, const shell_config& config, descriptor socket, descriptor log) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return system_failure("no pipe for a shell");
  descriptor failure_reading{ends[0]};
  plan.failure = descriptor{ends[1]};
  if (!plan.failure.raise())
    return system_failure("no descriptors for a shell");
  auto arguments = pointers_to(plan.arguments);
  auto environment = pointers_to(plan.environment);
  pid_t pid = _Fork();
  if (pid == 0)
    run_child(plan, arguments.data(), environment.data());
  if (pid < 0)
    return system_failure("no process for a shell");
  plan.failure = descriptor{};
  plan.descriptors.clear();
  shell_process process;
  process.pid = pid;
  process.pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  process.sandboxed = config.sandbox;
  step_failure report{};
  bool failed = read(failure_reading.get(), &report, sizeof report) == static_cast<ssize_t>(sizeof report);
  if (failed || process.pidfd < 0) {
    auto error = failed ? failure_of(report, plan, config) : system_failure("no descriptors for a shell");
    kill(pid, SIGKILL);
    while (!reap_shell(process))
      usleep(1'000);
    close_shell(process);
    return error;
  }
  process.fd = socket.release();
  process.log_fd = log.release();
  return process;
}

} // namespace

caf::expected<shell_process> start_shell(const shell_config& config, const fs::path& workspace, int64_t chat) {
  launch plan;
  plan.as_user = config.sandbox && geteuid() == 0;
  plan.user = shell_user(chat);
  plan.workspace = fs::absolute(workspace).string();
  if (auto problem = prepare_workspace(plan.workspace, plan.as_user, plan.user))
    return problem;
  if (config.sandbox) {
    plan.arguments = sandbox_arguments(config, plan.as_user ? fs::path{stage} : fs::path{plan.workspace});
  } else {
    plan.arguments = plain_arguments(config);
    plan.environment = shell_environment(plan.workspace, plan.workspace);
    plan.directory = plan.workspace.c_str();
  }
  int sockets[2], log_ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return system_failure("no socket for a shell");
  descriptor ours{sockets[0]}, theirs{sockets[1]};
  if (pipe2(log_ends, O_CLOEXEC | O_NONBLOCK) != 0)
    return system_failure("no pipe for a shell");
  descriptor log_reading{log_ends[0]}, log_writing{log_ends[1]};
  if (auto problem = add_descriptors(plan, config, std::move(theirs), std::move(log_writing)))
    return problem;
  return run(std::move(plan), config, std::move(ours), std::move(log_reading));
}

} // namespace varro
