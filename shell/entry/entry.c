#define _GNU_SOURCE
#include "entry.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct varro_filter {
  uint32_t length; /* of program, in instructions */
  const struct sock_filter* program;
};

/* Names that the C library's headers of Debian 12 do not have. */
enum { landlock_abi_with_scopes = 6, landlock_scope_abstract_sockets = 1, landlock_scope_signals = 2 };
struct landlock_attributes {
  uint64_t handled_access_fs, handled_access_net, scoped;
};

enum { root_stack_bytes = 64 << 10 };

/* One entry at a time: the interpreter is suspended until the first process has become init. */
static struct {
  const struct varro_entry_plan* plan;
  sigset_t signals;
  void* resume[5];
  volatile pid_t python;
  volatile int python_pidfd;
  volatile int error;
} entry;
static char init_stack[root_stack_bytes] __attribute__((aligned(64)));

static int give_up(const char* step) {
  int number = errno;
  char text[160];
  int size = snprintf(text, sizeof text, "%s: %s", step, strerror(number));
  (void)!write(entry.plan->report, text, (size_t)size);
  entry.error = number != 0 ? number : EPERM;
  return -1;
}

#define REQUIRE(call, step)                                                                                            \
  do {                                                                                                                 \
    if ((call) < 0)                                                                                                    \
      return give_up(step);                                                                                            \
  } while (0)

static int write_text(const char* path, const char* text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  ssize_t written = write(fd, text, strlen(text));
  int number = errno;
  close(fd);
  errno = number;
  return written < 0 ? -1 : 0;
}

static int restrict_mount(const char* path, unsigned flags, uint64_t attributes) {
  struct mount_attr change = {.attr_set = attributes};
  return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &change, sizeof change);
}

static int map_user(const struct varro_entry_plan* plan) {
  char map[48];
  REQUIRE(write_text("/proc/self/setgroups", "deny"), "deny groups");
  snprintf(map, sizeof map, "%u %u 1", plan->uid_inside, plan->uid_outside);
  REQUIRE(write_text("/proc/self/uid_map", map), "map the user");
  snprintf(map, sizeof map, "%u %u 1", plan->gid_inside, plan->gid_outside);
  REQUIRE(write_text("/proc/self/gid_map", map), "map the group");
  /* No further user namespaces: they are the way to most of what an unprivileged user finds in a kernel. */
  REQUIRE(write_text("/proc/sys/user/max_user_namespaces", "0"), "forbid user namespaces");
  return 0;
}

/* What a kernel without the feature has no name for is not there to be used up either. */
static int set_where_known(const char* path, const char* value) {
  return write_text(path, value) < 0 && errno != ENOENT ? -1 : 0;
}

/* Accounts that the kernel keeps for the owners of all namespaces that one is in, and so for all shells together, have
 * bounds in each user namespace, too. A shell has one of the 128 watchers of files that a host user has by default. */
static int bound_accounts(void) {
  REQUIRE(set_where_known("/proc/sys/user/max_inotify_instances", "1"), "bound inotify");
  REQUIRE(set_where_known("/proc/sys/user/max_inotify_watches", "1024"), "bound inotify");
  REQUIRE(set_where_known("/proc/sys/user/max_fanotify_groups", "0"), "forbid fanotify");
  REQUIRE(set_where_known("/proc/sys/user/max_fanotify_marks", "0"), "forbid fanotify");
  return 0;
}

/* Buffers of sockets are memory that no limit of a process counts. These are of the shell's network namespace. */
static int bound_network(void) {
  /* Bytes of the buffers of a TCP socket: at least, at first, at most. */
  REQUIRE(set_where_known("/proc/sys/net/ipv4/tcp_rmem", "4096 131072 131072"), "bound the buffers of sockets");
  REQUIRE(set_where_known("/proc/sys/net/ipv4/tcp_wmem", "4096 16384 65536"), "bound the buffers of sockets");
  /* Connections that wait for their end, and those that wait to be accepted; older kernels have one value for all. */
  (void)write_text("/proc/sys/net/ipv4/tcp_max_tw_buckets", "1024");
  (void)write_text("/proc/sys/net/core/somaxconn", "128");
  return 0;
}

/* A shell's own loopback; its network namespace has nothing else. */
static int raise_loopback(void) {
  struct ifreq request = {.ifr_name = "lo"};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return 0; /* a kernel without IPv4 */
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  int raised = ioctl(fd, SIOCSIFFLAGS, &request);
  close(fd);
  return raised;
}

/* All directories of an absolute path, relative to the working directory. */
static int make_directories(const char* path) {
  char part[512];
  size_t size = strlen(path);
  if (size >= sizeof part) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(part, path + 1, size);
  for (char* at = part; at != NULL;) {
    at = strchr(at, '/');
    if (at != NULL)
      *at = '\0';
    if (mkdir(part, 0755) < 0 && errno != EEXIST)
      return -1;
    if (at != NULL)
      *at++ = '/';
  }
  return 0;
}

static int show(const char* from, const char* to, uint64_t attributes) {
  if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) < 0)
    return -1;
  return restrict_mount(to, AT_RECURSIVE, attributes | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

static int show_workspace(const struct varro_entry_plan* plan) {
  if (plan->mount < 0)
    return show(plan->workspace, "workspace", 0);
  return (int)syscall(SYS_move_mount, plan->mount, "", AT_FDCWD, "workspace", MOVE_MOUNT_F_EMPTY_PATH);
}

static int make_devices(void) {
  static const char* const names[] = {"null", "zero", "full", "random", "urandom"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    char from[24], to[24];
    snprintf(from, sizeof from, "/dev/%s", names[i]);
    snprintf(to, sizeof to, "dev/%s", names[i]);
    int fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0)
      return -1;
    close(fd);
    if (mount(from, to, NULL, MS_BIND, NULL) < 0)
      return -1;
  }
  static const char* const links[][2] = {{"/tmp", "dev/shm"},
                                         {"/proc/self/fd", "dev/fd"},
                                         {"/proc/self/fd/0", "dev/stdin"},
                                         {"/proc/self/fd/1", "dev/stdout"},
                                         {"/proc/self/fd/2", "dev/stderr"}};
  for (size_t i = 0; i < sizeof links / sizeof *links; ++i)
    if (symlink(links[i][0], links[i][1]) < 0)
      return -1;
  return 0;
}

static int make_root(const struct varro_entry_plan* plan) {
  char size[64];
  REQUIRE(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "separate the mounts");
  /* Where nothing lies that is shown: what was in it is open already. */
  REQUIRE(mount("tmpfs", "/varro", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,nr_inodes=256,mode=755"), "mount a root");
  REQUIRE(chdir("/varro"), "enter the root");
  static const char* const directories[] = {"proc", "dev", "tmp", "workspace"};
  for (size_t i = 0; i < sizeof directories / sizeof *directories; ++i)
    REQUIRE(mkdir(directories[i], 0755), "make directories");
  snprintf(size, sizeof size, "size=%llu,nr_inodes=16384,mode=1777", (unsigned long long)plan->tmp_bytes);
  REQUIRE(mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, size), "mount /tmp");
  for (const char* const* path = plan->shown; *path != NULL; ++path) {
    REQUIRE(make_directories(*path), "make directories");
    REQUIRE(show(*path, *path + 1, MOUNT_ATTR_RDONLY), *path);
  }
  for (const char* const* link = plan->links; *link != NULL; link += 2)
    REQUIRE(symlink(link[0], link[1] + 1), link[1]);
  REQUIRE(show_workspace(plan), "show the workspace");
  REQUIRE(make_devices(), "show the devices");
  REQUIRE(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid"), "mount /proc");
  REQUIRE(syscall(SYS_pivot_root, ".", "."), "change the root");
  REQUIRE(umount2(".", MNT_DETACH), "leave the old root");
  REQUIRE(restrict_mount("/", 0, MOUNT_ATTR_RDONLY), "make the root read-only");
  REQUIRE(chdir("/workspace"), "enter the workspace");
  return 0;
}

/* Never above what the interpreter itself may: raising a limit needs rights that nobody here has. */
static int limit(int resource, uint64_t value) {
  struct rlimit both;
  if (getrlimit(resource, &both) < 0)
    return -1;
  both.rlim_max = value < both.rlim_max ? value : both.rlim_max;
  both.rlim_cur = both.rlim_max;
  return setrlimit(resource, &both);
}

static int limit_resources(const struct varro_entry_plan* plan) {
  REQUIRE(limit(RLIMIT_CORE, 0), "limit core files");
  REQUIRE(limit(RLIMIT_FSIZE, plan->file_bytes), "limit files");
  REQUIRE(limit(RLIMIT_AS, plan->address_bytes), "limit memory");
  REQUIRE(limit(RLIMIT_NOFILE, plan->open_files), "limit descriptors");
  REQUIRE(limit(RLIMIT_NPROC, plan->processes), "limit processes");
  REQUIRE(limit(RLIMIT_MEMLOCK, 0), "limit locked memory");
  REQUIRE(limit(RLIMIT_MSGQUEUE, 0), "limit message queues");
  REQUIRE(limit(RLIMIT_SIGPENDING, 1024), "limit signals");
  /* When the machine's memory runs out, a shell has to go before the server. */
  REQUIRE(write_text("/proc/self/oom_score_adj", "1000"), "offer itself to the kernel");
  return 0;
}

static int drop_capabilities(void) {
  for (int capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability)
    ;
  if (errno != EINVAL) /* the first number that is none */
    return give_up("drop the bounding set");
  enum { all_locked_but_keep_caps = 0xEF };
  REQUIRE(prctl(PR_SET_SECUREBITS, all_locked_but_keep_caps, 0, 0, 0), "lock the capabilities");
  REQUIRE(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "drop ambient capabilities");
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  REQUIRE(syscall(SYS_capset, &header, none), "drop the capabilities");
  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "forbid new privileges");
  return 0;
}

static int scope_signals_and_sockets(void) {
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < landlock_abi_with_scopes)
    return 0; /* the pid and network namespaces say the same */
  struct landlock_attributes attributes = {.scoped = landlock_scope_abstract_sockets | landlock_scope_signals};
  int fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
  if (fd < 0)
    return give_up("make a Landlock ruleset");
  REQUIRE(syscall(SYS_landlock_restrict_self, fd, 0), "enter the Landlock ruleset");
  close(fd);
  return 0;
}

static int keep_descriptors(const struct varro_entry_plan* plan) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2(null, 0) < 0)
    return give_up("set descriptor 0");
  unsigned next = 3;
  for (uint32_t i = 0; i < plan->kept_count; ++i) {
    unsigned kept = (unsigned)plan->kept[i];
    if (kept < next)
      continue;
    if (kept > next)
      REQUIRE(syscall(SYS_close_range, next, kept - 1, 0), "close descriptors");
    next = kept + 1;
  }
  REQUIRE(syscall(SYS_close_range, next, ~0U, 0), "close descriptors");
  return 0;
}

/* The second process: the shell's Python. */
static int become_shell(void) {
  const struct varro_entry_plan* plan = entry.plan;
  sigprocmask(SIG_SETMASK, &entry.signals, NULL);
  setsid();
  umask(0077);
  /* First: while many shells live, the interpreter has more open than a shell may have. */
  if (keep_descriptors(plan) < 0 || limit_resources(plan) < 0)
    return -1;
  if (drop_capabilities() < 0 || scope_signals_and_sockets() < 0)
    return -1;
  struct sock_fprog program = {(unsigned short)plan->filter->length, (struct sock_filter*)plan->filter->program};
  REQUIRE(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "filter system calls");
  close(plan->report);
  return 0;
}

/* The first process. It shares the interpreter's memory and runs on a stack of its own, because returning from a call
 * on a shared stack would overwrite what the suspended interpreter has there. */
static int become_init(void* unused) {
  (void)unused;
  const struct varro_entry_plan* plan = entry.plan;
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (map_user(plan) < 0 || bound_accounts() < 0 || bound_network() < 0 || make_root(plan) < 0)
    _exit(1);
  if (sethostname("varro", 5) < 0 || raise_loopback() < 0) {
    give_up("set up the network");
    _exit(1);
  }
  pid_t python = fork(); /* the only copy of the interpreter's page tables */
  if (python == 0)
    __builtin_longjmp(entry.resume, 1);
  if (python < 0) {
    give_up("fork");
    _exit(1);
  }
  entry.python = python;
  entry.python_pidfd = (int)syscall(SYS_pidfd_open, python, 0);
  if (entry.python_pidfd < 0) {
    give_up("open the process");
    _exit(1);
  }
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  char* arguments[] = {(char*)"init", NULL};
  char* environment[] = {NULL};
  syscall(SYS_execveat, plan->init, "", arguments, environment, AT_EMPTY_PATH);
  give_up("execute init");
  _exit(1); /* and the namespace ends with its first process */
}

/* Namespaces belong to the user who makes them; without rights nobody else can be mapped in them. */
static int become(uid_t user) {
  if (user == getuid())
    return 0;
  if (syscall(SYS_setresuid, user, user, user) < 0)
    return -1;
  return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* else what is in /proc/self would be root's */
}

static pid_t clone_init(int* pidfd) {
  int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD;
  int namespaces
    = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  pid_t pid = clone(become_init, init_stack + sizeof init_stack, flags | namespaces, NULL, pidfd);
  if (pid < 0)
    give_up("make namespaces");
  return pid;
}

static __attribute__((noinline)) int start_init(struct varro_entry_result* result) {
  uid_t own = getuid();
  int pidfd = -1, pid = -1;
  if (become(entry.plan->uid_outside) < 0)
    give_up("become the shell's user");
  else
    pid = clone_init(&pidfd);
  if (become(own) < 0)
    _exit(71); /* an interpreter that is some shell's user must not go on */
  sigprocmask(SIG_SETMASK, &entry.signals, NULL);
  result->init_pid = pid;
  result->init_pidfd = pidfd;
  result->python_pid = entry.python;
  result->python_pidfd = entry.python_pidfd;
  return entry.error != 0 ? -entry.error : 0;
}

static __attribute__((noinline)) int enter_shell(void) {
  if (become_shell() < 0)
    _exit(1);
  return 1;
}

int varro_fork(void (*settle)(void), unsigned seconds) {
  pid_t pid = fork();
  if (pid == 0) {
    signal(SIGALRM, SIG_DFL);
    alarm(seconds);
    settle();
  }
  return pid;
}

__attribute__((noinline)) int varro_enter(const struct varro_entry_plan* plan, struct varro_entry_result* result) {
  entry.plan = plan;
  entry.python = entry.python_pidfd = -1;
  entry.error = 0;
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &entry.signals);
  /* The second process comes back here with a copy of this stack, as it was when the first one was made. */
  if (__builtin_setjmp(entry.resume))
    return enter_shell();
  return start_init(result);
}
