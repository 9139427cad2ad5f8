/* The way of a forked interpreter into its sandbox: C, called by the warm interpreter through ctypes.
 *
 * Loaded into the warm interpreter (varro_worker/zygote.py), which has one thread and whose memory all shells inherit:
 * nothing here allocates, keeps descriptors or depends on a library besides the C library. The structures are repeated
 * by zygote.py; change both.
 */
#pragma once

#include <stdint.h>

struct varro_entry_plan {
  const char* const* shown; /* directories of the interpreter's view that are shown read-only, NULL at the end */
  const char* const* links; /* target, path, target, path, …, NULL */
  const char* workspace;    /* in the interpreter's view; becomes /workspace, unless `mount` does */
  const int32_t* kept;      /* descriptors that are not closed, ascending, report among them */
  const struct varro_filter* filter;
  uint64_t tmp_bytes;     /* size of /tmp */
  uint64_t file_bytes;    /* RLIMIT_FSIZE */
  uint64_t address_bytes; /* RLIMIT_AS */
  uint64_t open_files;    /* RLIMIT_NOFILE */
  uint64_t processes;     /* RLIMIT_NPROC */
  uint32_t kept_count;
  uint32_t uid_inside, gid_inside;   /* the only ids of the shell's user namespace */
  uint32_t uid_outside, gid_outside; /* the user may be another one than the interpreter's, if that has CAP_SETUID */
  int32_t init;                      /* the program that becomes pid 1 */
  int32_t report;                    /* a pipe: what went wrong; closed without a byte once the sandbox is shut */
  int32_t mount;                     /* the workspace for a user of its own, attached nowhere; or -1 */
};

struct varro_entry_result {
  int32_t init_pid, init_pidfd;
  int32_t python_pid, python_pidfd; /* the pid in the shell's own namespace */
};

/* fork(), after which the copy calls settle() before it returns, that is, before any step of Python: a copy that was
 * asked to hand over the interpreter's lock would wait for ever for a thread that it does not have. It is ended by
 * SIGALRM after these seconds. */
int varro_fork(void (*settle)(void), unsigned seconds);

/* Returns twice, like fork: in the interpreter 0 or a negative errno (then the report says more and nothing of the
 * shell is left but init_pid to be waited for, if it is positive), in the shell 1. The shell has then everything but
 * Python's own after-fork work behind it. */
int varro_enter(const struct varro_entry_plan* plan, struct varro_entry_result* result);
