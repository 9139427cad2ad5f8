// Sums of the ledger as comma-separated values, every column of them.
#pragma once

#include "storage/usage_row.hpp"

#include <iosfwd>
#include <string>
#include <vector>

namespace varro {

// by: the name of the first column: "user", "day" or "model".
void write_usage_csv(const std::vector<usage_sum>& sums, const std::string& by, std::ostream& out);

} // namespace varro
