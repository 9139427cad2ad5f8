// `varro backup` and `varro restore`: what they print. The process's exit code: 0, or 1 with one sentence on `err`.
#pragma once

#include "backup/take_backup.hpp"

#include <filesystem>
#include <iosfwd>

namespace varro {

// 1 also where the disk did not give a file back: the backup is there, without it. `request.left_out` is set here.
int backup_data(backup_request request, std::ostream& out, std::ostream& err);

// 1 also where a workspace has names that this file system cannot hold: all else is restored.
int restore_data(const std::filesystem::path& backup, const std::filesystem::path& data_dir, std::ostream& out,
                 std::ostream& err);

// --check
int check_backup_data(const std::filesystem::path& backup, std::ostream& out, std::ostream& err);

} // namespace varro
