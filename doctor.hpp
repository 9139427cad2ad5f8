// `varro doctor`: checks what `varro serve` needs, and says how to fix what is missing.
#pragma once

#include "config/config.hpp"

#include <iosfwd>

namespace varro {

// Prints one line for each check, "ok", "warn" or "FAIL", each of the last two with its remedy. Starts a shell, opens
// the database for reading and asks each provider for its list of models (at most 10 s each); changes nothing. Keys are
// never printed. The process's exit code: 0 when nothing FAILs, else 1.
int doctor(const config& settings, std::ostream& out);

} // namespace varro
