// The system calls that a shell may not make, as a seccomp program.
#pragma once

#include "base/errors.hpp"

#include <string>

namespace varro {

// The program in the kernel's binary form. Built once; any thread may call.
const caf::expected<std::string>& syscall_filter();

} // namespace varro
