// The schema and its migrations. Internal to storage/.
//
// PRAGMA user_version counts them: a file at version N has had the first N applied. A migration that was released is
// never edited; a change of the schema is a further one.
#pragma once

#include "storage/sqlite/connection.hpp"

#include <span>

namespace varro {

std::span<const char* const> schema_migrations();

// The file's version; an error when it is no database, or a database of something else (tables at version 0).
caf::expected<int> read_schema_version(connection& db);

// Applies the migrations that are missing, each in a transaction of its own with the new version: all of it or nothing.
// A file that is newer than all of them is an error and stays untouched. Several processes may do this at once.
caf::error migrate(connection& db, std::span<const char* const> migrations);

} // namespace varro
