#include "shell/syscall_filter.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>
#include <netinet/in.h>
#include <optional>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace varro {

namespace {

// Nothing here is used by numerical Python; each entry is a way to more of the kernel than a shell needs.
constexpr std::array denied{
  // other processes
  "ptrace",
  "process_vm_readv",
  "process_vm_writev",
  "process_madvise",
  "kcmp",
  "pidfd_getfd",
  // mounts and namespaces
  "mount",
  "umount",
  "umount2",
  "pivot_root",
  "chroot",
  "unshare",
  "setns",
  "open_tree",
  "move_mount",
  "fsopen",
  "fsconfig",
  "fsmount",
  "fspick",
  "mount_setattr",
  "name_to_handle_at",
  "open_by_handle_at",
  // programs and modules in the kernel
  "bpf",
  "perf_event_open",
  "userfaultfd",
  "kexec_load",
  "kexec_file_load",
  "init_module",
  "finit_module",
  "delete_module",
  "io_uring_setup",
  "io_uring_enter",
  "io_uring_register",
  "fanotify_init",
  "fanotify_mark",
  // keys
  "add_key",
  "request_key",
  "keyctl",
  // the machine
  "reboot",
  "swapon",
  "swapoff",
  "sethostname",
  "setdomainname",
  "iopl",
  "ioperm",
  "modify_ldt",
  "acct",
  "quotactl",
  "quotactl_fd",
  "syslog",
  "vhangup",
  "settimeofday",
  "clock_settime",
  "clock_adjtime",
  "adjtimex",
  "lookup_dcookie",
  "nfsservctl",
  "vm86",
  "vm86old",
  "uselib",
  "ustat",
  "sysfs",
  "_sysctl",
  "personality",
  // memory that the limits do not count, or that cannot be swapped
  "shmget",
  "shmat",
  "shmctl",
  "shmdt",
  "msgget",
  "msgsnd",
  "msgrcv",
  "msgctl",
  "semget",
  "semop",
  "semtimedop",
  "semctl",
  "mq_open",
  "mq_unlink",
  "mq_timedsend",
  "mq_timedreceive",
  "mq_notify",
  "mq_getsetattr",
  "memfd_create",
  "memfd_secret",
  "mlock",
  "mlockall",
  "mlock2",
  "vmsplice",
  "io_setup",
  // placement and priority
  "mbind",
  "set_mempolicy",
  "set_mempolicy_home_node",
  "migrate_pages",
  "move_pages",
  "sched_setattr",
  "sched_setscheduler",
};

constexpr uint64_t low_word = 0xFFFFFFFF; // the kernel looks at these 32 bits only; a filter has to do the same

class filter {
public:
  filter() : context_(seccomp_init(SCMP_ACT_ALLOW)) {
    if (context_ == nullptr)
      failed_ = true;
  }
  ~filter() {
    if (context_ != nullptr)
      seccomp_release(context_);
  }
  filter(const filter&) = delete;
  filter& operator=(const filter&) = delete;

  // A call that this machine's libseccomp or architecture does not know cannot be made by its number either way.
  void deny(const char* name, int error_number = EPERM) {
    int call = seccomp_syscall_resolve_name(name);
    if (!failed_ && call != __NR_SCMP_ERROR)
      check(seccomp_rule_add(context_, SCMP_ACT_ERRNO(static_cast<uint16_t>(error_number)), call, 0));
  }

  void deny_when(int call, int error_number, std::initializer_list<scmp_arg_cmp> conditions) {
    if (!failed_)
      check(seccomp_rule_add_array(context_, SCMP_ACT_ERRNO(static_cast<uint16_t>(error_number)), call,
                                   static_cast<unsigned>(conditions.size()), conditions.begin()));
  }

  std::optional<std::string> program() {
    int fd = memfd_create("syscall filter", MFD_CLOEXEC);
    if (failed_ || fd < 0)
      return std::nullopt;
    seccomp_attr_set(context_, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    // Calls of another architecture (i386, x32) end the process; by default only their thread would end.
    if (seccomp_attr_set(context_, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0) {
      close(fd);
      return std::nullopt;
    }
    std::string bytes;
    if (seccomp_export_bpf(context_, fd) == 0) {
      bytes.resize(static_cast<size_t>(std::max<off_t>(lseek(fd, 0, SEEK_END), 0)));
      if (pread(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        bytes.clear();
    }
    close(fd);
    return bytes.empty() ? std::nullopt : std::make_optional(std::move(bytes));
  }

private:
  void check(int result) {
    failed_ = failed_ || result != 0;
  }

  scmp_filter_ctx context_;
  bool failed_ = false;
};

scmp_arg_cmp word_is(unsigned argument, uint64_t value) {
  return scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, low_word, value};
}

scmp_arg_cmp has_bits(unsigned argument, uint64_t bits) {
  return scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, bits, bits};
}

// All values of an argument but these; larger ones than are looked at one by one are refused as well.
void deny_others(filter& rules, int call, int error_number, unsigned argument, int largest,
                 std::initializer_list<int> allowed) {
  for (int value = 0; value <= largest; ++value)
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
      rules.deny_when(call, error_number, {word_is(argument, static_cast<uint64_t>(value))});
  rules.deny_when(call, error_number, {scmp_arg_cmp{argument, SCMP_CMP_GT, static_cast<uint64_t>(largest), 0}});
}

void deny_sockets(filter& rules) {
  // AF_VSOCK reaches the host past any network namespace, so only what is known to be harmless is let through.
  constexpr int largest_family = 63;
  deny_others(rules, SCMP_SYS(socket), EAFNOSUPPORT, 0, largest_family, {AF_UNIX, AF_INET, AF_INET6});
  deny_others(rules, SCMP_SYS(socketpair), EAFNOSUPPORT, 0, largest_family, {AF_UNIX});
  for (auto type : {SOCK_RAW, SOCK_PACKET})
    rules.deny_when(SCMP_SYS(socket), EPERM, {scmp_arg_cmp{1, SCMP_CMP_MASKED_EQ, 0xF, static_cast<uint64_t>(type)}});
  // The others (SCTP, UDP-Lite, Multipath TCP, …) have buffers of their own, beside the bounds of entry.c.
  deny_others(rules, SCMP_SYS(socket), EPROTONOSUPPORT, 2, IPPROTO_ICMPV6,
              {0, PF_UNIX, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6});
  // Buffers of sockets and pipes are kernel memory, which RLIMIT_AS does not count.
  for (int option : {SO_SNDBUF, SO_RCVBUF, SO_SNDBUFFORCE, SO_RCVBUFFORCE})
    rules.deny_when(SCMP_SYS(setsockopt), EPERM, {word_is(1, SOL_SOCKET), word_is(2, static_cast<uint64_t>(option))});
  constexpr uint64_t set_pipe_size = 1031; // F_SETPIPE_SZ
  rules.deny_when(SCMP_SYS(fcntl), EPERM, {word_is(1, set_pipe_size)});
}

// Whoever opens a file on which another process has a lease waits for that one, up to fs.lease-break-time, and be it a
// thread of the server. Watching directories in this way has an account that all processes of the host user share.
void deny_leases(filter& rules) {
  constexpr uint64_t set_lease = 1024, notify = 1026, set_delegation = 1040; // F_SETLEASE, F_NOTIFY, F_SETDELEG
  for (auto command : {set_lease, notify, set_delegation})
    rules.deny_when(SCMP_SYS(fcntl), EPERM, {word_is(1, command)});
}

// The machine has one account of memory for compiled filters (net.core.bpf_jit_limit), and no shell can be started
// without one. To programs this is a kernel without them, which they are prepared for.
void deny_filters(filter& rules) {
  rules.deny("seccomp", ENOSYS);
  constexpr uint64_t set_seccomp = 22; // PR_SET_SECCOMP
  rules.deny_when(SCMP_SYS(prctl), EINVAL, {word_is(0, set_seccomp)});
  for (int option : {SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF})
    rules.deny_when(SCMP_SYS(setsockopt), EPERM, {word_is(1, SOL_SOCKET), word_is(2, static_cast<uint64_t>(option))});
}

void deny_namespaces(filter& rules) {
  for (uint64_t flag :
       {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET})
    rules.deny_when(SCMP_SYS(clone), EPERM, {has_bits(0, flag)});
  // Its flags lie behind a pointer that a filter cannot follow; without it the C library uses clone.
  rules.deny("clone3", ENOSYS);
}

caf::expected<std::string> build() {
  filter rules;
  for (const char* name : denied)
    rules.deny(name);
  deny_namespaces(rules);
  deny_sockets(rules);
  deny_leases(rules);
  deny_filters(rules);
  for (uint64_t request : {uint64_t{TIOCSTI}, uint64_t{TIOCLINUX}})
    rules.deny_when(SCMP_SYS(ioctl), EPERM, {word_is(1, request)});
  auto program = rules.program();
  if (!program)
    return fail(errc::shell_unavailable, "the system call filter for shells could not be built; is libseccomp intact?");
  return std::move(*program);
}

} // namespace

const caf::expected<std::string>& syscall_filter() {
  static const caf::expected<std::string> program = build();
  return program;
}

} // namespace varro
