// The data directory, who may use it, and the files of the database in it.
#pragma once

#include "base/errors.hpp"

#include <filesystem>

namespace varro {

// Creates the directory (mode 0700, and its parents) if it is missing.
caf::error create_data_dir(const std::filesystem::path& data_dir);

// Creates `file` empty with mode 0600 if it is missing; takes rights of group and others off an existing one.
caf::error create_private_file(const std::filesystem::path& file);

// Exclusive use of a data directory by one server process: an flock on DATA_DIR/varro.lock, released when destroyed.
// errc::storage_locked names the directory and the process that holds it.
class data_lock {
public:
  static caf::expected<data_lock> take(const std::filesystem::path& data_dir);
  data_lock(data_lock&& other) noexcept;
  data_lock& operator=(data_lock&& other) noexcept;
  ~data_lock();

private:
  explicit data_lock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

} // namespace varro
