// The directory in which backups stand, each a directory of its own, and which of them are whole.
//
//     DIR/backup.lock                          held by who makes a backup here, shared by who reads one
//     DIR/000042-2026-11-30T12-00-00Z/         a whole one; of two the one with the greater number is the newer
//         manifest.jsonl
//         files/0/1 …                          the bytes of files, by number; files that did not change share them
//     DIR/000043-2026-12-01T12-00-00Z.partial/ one that is being made or removed, or was cut off in that
//
// A backup gets its name when it is complete and on the disk, and loses it before anything of it is removed. So a kill
// at any moment leaves whole ones and partial ones; these are ignored, and removed with the next backup. What else lies
// in DIR is left alone. One thread at a time; blocking file I/O.
#pragma once

#include "base/clock.hpp"
#include "base/descriptor.hpp"
#include "base/errors.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varro {

inline constexpr auto partial_suffix = ".partial";

// Whether a directory has the name of a whole backup.
bool is_backup_name(const std::string& name);

// "files/12/12345": where in its backup the file with this number lies.
std::string blob_path(uint64_t blob);

class backup_set {
public:
  // Made (mode 0700) where it is missing. errc::storage_locked: somebody makes, checks or restores a backup there.
  static caf::expected<backup_set> open_to_write(const std::filesystem::path& directory);
  // errc::storage_locked: somebody makes a backup there.
  static caf::expected<backup_set> open_to_read(const std::filesystem::path& directory);

  // Oldest first.
  caf::expected<std::vector<std::filesystem::path>> whole() const;

  // Removes partial backups and makes an empty one; its path.
  caf::expected<std::filesystem::path> begin(unix_us now);
  // Waits until all of it is on the disk, and gives it its name, which it returns.
  // REQUIRES: the path that begin() said last.
  caf::expected<std::filesystem::path> finish(const std::filesystem::path& partial);
  // Removes the oldest ones beyond so many; how many these were. REQUIRES: `count` is not 0.
  caf::expected<size_t> keep_newest(size_t count);

  const std::filesystem::path& directory() const {
    return directory_;
  }

private:
  backup_set(std::filesystem::path directory, descriptor lock)
    : directory_(std::move(directory)), lock_(std::move(lock)) {}

  std::filesystem::path directory_;
  descriptor lock_;
  descriptor unfinished_;
};

// Until all that was written to the file system of this descriptor is on the disk.
caf::error sync_all(const descriptor& on, const std::filesystem::path& path);

} // namespace varro
