// The data directory and the file of the database in it. Internal to storage/.
#pragma once

#include "base/errors.hpp"

#include <filesystem>

namespace varro {

// Creates the directory (mode 0700, and its parents) if it is missing.
caf::error create_data_dir(const std::filesystem::path& data_dir);

// Creates `file` empty with mode 0600 if it is missing; takes rights of group and others off an existing one.
caf::error create_private_file(const std::filesystem::path& file);

} // namespace varro
