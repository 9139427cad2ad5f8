// The ledger of usage in SQLite. Internal to storage/sqlite/.
#pragma once

#include "storage/sqlite/connection.hpp"
#include "storage/usage_row.hpp"

namespace varro {

// REQUIRES: a transaction is open, where the row shall be written with others.
caf::error put_usage(connection& db, const usage_row& row);

} // namespace varro
