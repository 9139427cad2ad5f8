#include "base/process_settings.hpp"

#include <malloc.h>
#include <sys/resource.h>

namespace varro {

namespace {

// Histories hold pictures, and leave memory with them. Whatever is as large as this goes back to the system when it is
// freed. By default glibc raises the threshold to the size of each such piece that was freed, up to 32 MiB
// (mallopt(3)), and from then on its arenas keep them: the server would stay as large as it ever was.
constexpr int large_allocation_bytes = 256 << 10;

} // namespace

void return_large_memory() {
  mallopt(M_MMAP_THRESHOLD, large_allocation_bytes);
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

} // namespace varro
