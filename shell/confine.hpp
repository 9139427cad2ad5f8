// What a process gives up before it reads what may be hostile: everything but computing.
#pragma once

#include <cstddef>

namespace varro {

struct confinement {
  size_t memory_bytes = 0; // further address space; 0: no such limit
  int cpu_seconds = 0;     // 0: no such limit
};

// Whether a limit of memory can be had. A sanitizer's own memory passes each.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool memory_can_be_limited = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool memory_can_be_limited = false;
#else
inline constexpr bool memory_can_be_limited = true;
#endif
#else
inline constexpr bool memory_can_be_limited = true;
#endif

// For ever: no new descriptor, file, process, thread, program, signal or executable memory; only what is open already
// can be read and written. False when that cannot be had: then nothing must be decoded. REQUIRES: one thread.
bool confine(const confinement& limits);

// Before the first file: no privileges, no dumps, and nobody else may look at this process. A root's process becomes
// nobody. False when that cannot be had.
bool give_up_privileges();

} // namespace varro
