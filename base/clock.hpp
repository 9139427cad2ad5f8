// Time as it is stored and shown.
#pragma once

#include <cstdint>

namespace varro {

// Unix time in microseconds, UTC.
using unix_us = int64_t;

// Any thread.
unix_us now_us();

} // namespace varro
