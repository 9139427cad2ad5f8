// A result as one HTML file that needs nothing else: the table, durations over time, their distribution, errors.
#pragma once

#include "bench/load_result.hpp"

#include <string>

namespace varro::bench {

std::string html_report(const load_outcome& outcome);

} // namespace varro::bench
