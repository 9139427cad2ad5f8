// The rows of requests that are carried out once. Whoever has the connection; inside its transaction.
#pragma once

#include "storage/idempotency.hpp"
#include "storage/sqlite/connection.hpp"

namespace varro {

// Forgets the keys of anybody that are older than idempotency_kept.
caf::error forget_idempotent(connection& db, unix_us now);

// Remembers the key of this user with what became of it; rows of anybody that are older than idempotency_kept go.
// errc::run_in_progress where the key is there, errc::limit_reached with idempotency_keys_max.
caf::error put_idempotent(connection& db, int64_t user_id, const idempotency_note& note,
                          const idempotent_outcome& outcome);

} // namespace varro
