// How much memory this machine has, and how much of it new work could have without swapping (proc(5), meminfo). Any
// thread may call.
#pragma once

#include <cstddef>

namespace varro {

struct machine_memory {
  size_t total_bytes = 0; // 0: it cannot be read
  size_t available_bytes = 0;
};

machine_memory read_machine_memory();

} // namespace varro
