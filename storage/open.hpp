// Opens what a data directory holds: the one place that says which database that is.
#pragma once

#include "base/errors.hpp"
#include "storage/chat_database.hpp"
#include "storage/limit_book.hpp"
#include "storage/search_index.hpp"

#include <filesystem>
#include <memory>

namespace varro {

// Opens or creates DATA_DIR/varro.db (file mode 0600; a directory that is created gets 0700) and migrates it forward.
// A database of a newer Varro is refused.
caf::expected<std::unique_ptr<chat_database>> open_database(const std::filesystem::path& data_dir);

// Creates and migrates nothing: the database must be there and current.
caf::expected<std::unique_ptr<chat_reader>> open_reader(const std::filesystem::path& data_dir);

// The limits of users and groups: as open_database(), or, to read only, as open_reader().
caf::expected<std::unique_ptr<limit_book>> open_limit_book(const std::filesystem::path& data_dir, bool read_only);

// REQUIRES: the database is there and current. Makes an index that is missing, of another version or damaged anew.
caf::expected<std::unique_ptr<search_index>> open_search_index(const std::filesystem::path& data_dir);

} // namespace varro
