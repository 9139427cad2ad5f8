// A copy of the database of one moment, taken while a server may be writing.
#pragma once

#include "base/errors.hpp"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace varro {

// Writes DATA_DIR/varro.db as it is at one moment to `file` (mode 0600), which must not exist, and returns its size in
// bytes. The copy is checked and on the disk before it gets its name: a file of that name is whole. Writers do not wait
// for this. The files of the workspaces are not in it. SQLite's online backup: https://sqlite.org/backup.html
caf::expected<uintmax_t> back_up(const std::filesystem::path& data_dir, const std::filesystem::path& file);

struct database_copy {
  int schema = 0;
  std::vector<int64_t> chats; // ids, ascending
};

// What is in such a file, of whatever schema. Reads only, and makes no file beside it.
caf::expected<database_copy> look_into_copy(const std::filesystem::path& file);

// The schema that this Varro writes: it reads this one and migrates older ones.
int newest_schema();

} // namespace varro
