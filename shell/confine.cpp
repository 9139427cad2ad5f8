#include "shell/confine.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include <grp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace varro {

namespace {

constexpr uid_t nobody = 65'534;

// What decoders need: memory, the descriptors that are open, the clock, and the end. (A sanitizer asks for the
// alternate signal stack before the end.)
constexpr std::array allowed{
  "read",       "write",  "close",     "lseek",         "brk",          "munmap",       "mremap",
  "madvise",    "futex",  "getrandom", "clock_gettime", "gettimeofday", "rt_sigreturn", "exit",
  "exit_group", "getpid", "gettid",    "getrusage",     "sched_yield",  "sigaltstack",
};

bool allow(scmp_filter_ctx rules, const char* name) {
  int call = seccomp_syscall_resolve_name(name);
  return call == __NR_SCMP_ERROR || seccomp_rule_add(rules, SCMP_ACT_ALLOW, call, 0) == 0;
}

// Memory that can be executed is how a broken decoder becomes another program.
bool allow_plain_memory(scmp_filter_ctx rules, int call) {
  const scmp_arg_cmp without_execution{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}; // the third argument
  return seccomp_rule_add_array(rules, SCMP_ACT_ALLOW, call, 1, &without_execution) == 0;
}

// Everything else fails, so that a library that asks for a font or a thread goes on without.
bool filter_calls() {
  auto* rules = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (rules == nullptr)
    return false;
  bool built = seccomp_attr_set(rules, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0;
  for (const char* name : allowed)
    built = built && allow(rules, name);
  for (int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)})
    built = built && allow_plain_memory(rules, call);
  built = built && seccomp_load(rules) == 0;
  seccomp_release(rules);
  return built;
}

bool limit(__rlimit_resource_t what, rlim_t value) {
  rlimit both{value, value};
  return setrlimit(what, &both) == 0;
}

// What is mapped already, the libraries for the most part.
size_t mapped_bytes() {
  size_t pages = 0;
  std::ifstream{"/proc/self/statm"} >> pages;
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

} // namespace

bool give_up_privileges() {
  if (geteuid() == 0
      && (setgroups(0, nullptr) != 0 || setresgid(nobody, nobody, nobody) != 0
          || setresuid(nobody, nobody, nobody) != 0))
    return false;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
    && limit(RLIMIT_CORE, 0);
}

bool confine(const confinement& limits) {
  const auto mapped = limits.memory_bytes == 0 ? 0 : mapped_bytes();
  if (limits.memory_bytes != 0 && (mapped == 0 || !limit(RLIMIT_AS, mapped + limits.memory_bytes)))
    return false;
  if (limits.cpu_seconds != 0 && !limit(RLIMIT_CPU, static_cast<rlim_t>(limits.cpu_seconds)))
    return false;
  return limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NOFILE, 0) && limit(RLIMIT_NPROC, 0) && filter_calls();
}

} // namespace varro
