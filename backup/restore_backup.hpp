// Makes a data directory of a backup, or only looks whether one could be made.
//
// Each file is compared with its hash. What is restored is built beside the place, in DATA/restore.partial, and put
// there when all of it was right and is on the disk, the database last. So a directory that was not restored whole has
// no database, but has that one; a server does not start with it. Names of the manifest are looked up and made below
// their directories only, and no link is followed. A root caller gives the workspaces to the user of the shells on this
// machine (workspace/owner.hpp); all else belongs to the caller, who should be the user that runs the server.
//
// One thread; blocking file I/O.
#pragma once

#include "backup/manifest.hpp"
#include "base/errors.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace varro {

struct restored_backup {
  std::filesystem::path backup; // which one it was
  manifest_head head;
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t changed = 0;  // files that were written to while they were read
  uint64_t left_out = 0; // when the backup was made
  // What of workspaces the file system of the restored directory cannot hold (tree_maker.hpp).
  std::vector<std::string> unmade = {};
  uint64_t unmade_count = 0;
};

// The backup itself, or of the directory of several the newest whole one. errc::not_found; errc::invalid_input where it
// is one that was cut off.
caf::expected<std::filesystem::path> backup_at(const std::filesystem::path& path);

// errc::invalid_input names the files that are damaged (at most damaged_shown_max of them), or says that the backup is
// of a newer Varro.
inline constexpr size_t damaged_shown_max = 20;
caf::expected<restored_backup> check_backup(const std::filesystem::path& path);

// REQUIRES of `data_dir`, which is made where it is missing, that nothing is in it: errc::invalid_input else, or
// errc::storage_locked where a server runs on it. After an error it holds nothing either, unless it was the disk's and
// came while all was put in place.
caf::expected<restored_backup> restore_backup(const std::filesystem::path& path, const std::filesystem::path& data_dir);

// errc::invalid_input where a restore was cut off in this directory.
caf::error check_restored(const std::filesystem::path& data_dir);

} // namespace varro
