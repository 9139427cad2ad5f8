// Named steps at which a test can end the process as a crash would, or hold up a thread for ever.
//
// Nothing at all, unless VARRO_FAULT_POINTS is defined: only varro-crashing (tests/system) is compiled with it, so
// that no server that anybody runs has them. There VARRO_CRASH_AT=NAME:N raises SIGKILL on the N-th passing of NAME,
// counted over all threads, and the thread that passes VARRO_HANG_AT=NAME:N as the N-th goes no further.
#pragma once

namespace varro {

#ifdef VARRO_FAULT_POINTS
void fault_point(const char* name); // tests/system/fault_points.cpp
#else
[[maybe_unused]] static constexpr void fault_point(const char*) {}
#endif

} // namespace varro
