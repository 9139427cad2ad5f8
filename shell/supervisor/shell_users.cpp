// A namespace's maps are written while its only process is dead and not yet waited for: its entry in /proc is still
// there, and nobody has to wait for anybody.
#include "shell/supervisor/shell_users.hpp"

#include "shell/launch.hpp"
#include "workspace/owner.hpp"

#include <cerrno>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace varro {

namespace {

constexpr uid_t user_inside = 1'000; // of a warm interpreter
constexpr size_t stack_bytes = 16u << 10;

class dead_process {
public:
  explicit dead_process(pid_t pid) noexcept : pid_(pid) {}
  ~dead_process() {
    if (pid_ > 0)
      waitpid(pid_, nullptr, 0);
  }
  dead_process(const dead_process&) = delete;

  descriptor open(const char* name, int flags) const {
    auto path = "/proc/" + std::to_string(pid_) + "/" + name;
    return descriptor{pid_ > 0 ? ::open(path.c_str(), flags | O_CLOEXEC) : -1};
  }
  // One write: that is how the kernel reads it.
  bool write(const char* name, const std::string& text) const {
    auto file = open(name, O_WRONLY);
    return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

private:
  pid_t pid_;
};

std::string map_line(uid_t inside, uid_t outside, uid_t count = 1) {
  return std::to_string(inside) + ' ' + std::to_string(outside) + ' ' + std::to_string(count) + '\n';
}

int end_at_once(void* /*unused*/) {
  return 0;
}

// A copy that shares this process's memory, which may be large, until it ends.
pid_t end_in_namespace() {
  alignas(64) char stack[stack_bytes];
  return clone(end_at_once, stack + sizeof stack, CLONE_NEWUSER | CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr);
}

// A namespace belongs to who makes it, and nobody else but root has rights in it: bubblewrap, which runs as this user,
// needs them. The kernel's calls, not the C library's: those would try to tell threads that this process does not have.
pid_t end_in_namespace_of(uid_t user) {
  pid_t pid = _Fork();
  if (pid != 0) {
    siginfo_t ended{};
    if (pid > 0 && (waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT) != 0 || ended.si_status != 0)) {
      waitpid(pid, nullptr, 0);
      errno = ended.si_status != 0 ? ended.si_status : errno;
      return -1;
    }
    return pid;
  }
  gid_t group = user;
  // Of signals that wait; what each shell may have bounds what all have.
  const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_SIGPENDING, &none);
  if (syscall(SYS_setgroups, 0, nullptr) != 0 || syscall(SYS_setresgid, group, group, group) != 0
      || syscall(SYS_setresuid, user, user, user) != 0 || unshare(CLONE_NEWUSER) != 0)
    _exit(errno);
  _exit(0);
}

caf::error without_mapping(const char* what) {
  return system_failure(std::string{"no host user of its own for a shell: "} + what);
}

} // namespace

uid_t user_of_shell(uint64_t number) noexcept {
  return shell_users_first + static_cast<uid_t>(number % shell_users_count);
}

caf::expected<descriptor> interpreter_namespace() {
  auto user = shell_user();
  dead_process process{end_in_namespace_of(user)};
  auto users = map_line(user_inside, user) + map_line(shell_users_first, shell_users_first, shell_users_count);
  bool mapped = process.write("setgroups", "deny") && process.write("uid_map", users)
    && process.write("gid_map", map_line(user_inside, user));
  auto made = mapped ? process.open("ns/user", O_RDONLY) : descriptor{};
  if (!made)
    return without_mapping("the users cannot be mapped");
  return made;
}

caf::expected<descriptor> mount_for(const std::filesystem::path& workspace, uid_t user) {
  auto owner = shell_user();
  dead_process process{end_in_namespace()};
  bool mapped = process.write("uid_map", map_line(owner, user)) && process.write("gid_map", map_line(owner, owner));
  auto names = mapped ? process.open("ns/user", O_RDONLY) : descriptor{};
  if (!names)
    return without_mapping("the users cannot be mapped");
  descriptor place{open(workspace.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  descriptor tree{open_tree(place.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)};
  if (!tree)
    return without_mapping("the workspace cannot be mounted");
  struct mount_attr change{};
  change.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  change.userns_fd = static_cast<uint64_t>(names.get());
  if (syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0)
    return without_mapping("the file system has no id-mapped mounts");
  return tree;
}

caf::error try_shell_users(const std::filesystem::path& directory, const std::filesystem::path& bubblewrap) {
  struct stat program{};
  if (stat(bubblewrap.c_str(), &program) == 0 && (program.st_mode & S_ISUID) != 0)
    return fail(errc::shell_unavailable,
                "no host user of its own for a shell: bubblewrap is set-uid, and then enters no "
                "namespace that it is given");
  if (auto names = interpreter_namespace(); !names)
    return names.error();
  auto mount = mount_for(directory, shell_users_first);
  return mount ? caf::error{} : mount.error();
}

} // namespace varro
