/* The first process of a shell's pid namespace: reaps orphans and ends with Python, as Python ended. Without a C
 * library, because there is one of it for each shell. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { python = 2, no_child = -10 };

static long call(long number, long a, long b, long c, long d) {
#if defined(__x86_64__)
  long result;
  register long fourth __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
#else
#error "shells need this architecture's system call instruction"
#endif
}

#if defined(__x86_64__)
__attribute__((force_align_arg_pointer))
#endif
void
_start(void) {
  unsigned long signals = ~0UL;
  call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0);
  call(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0);
  call(SYS_close_range, 0, ~0U, 0, 0);
  call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&signals, 0, sizeof signals);
  for (;;) {
    int status = 0;
    long pid = call(SYS_wait4, -1, (long)&status, 0, 0);
    if (pid == python || pid == no_child) {
      int number = status & 0x7F;
      call(SYS_exit_group, number != 0 ? 128 + number : status >> 8 & 0xFF, 0, 0, 0);
    }
  }
}
