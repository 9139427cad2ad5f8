// The files of snapshots: DATA_DIR/snapshots/{chat}.snap, one for each chat. Only shells read and write what is in them
// (varro_worker/snapshot_file.py); the server opens them and passes the descriptor. Any thread may call.
#pragma once

#include "base/descriptor.hpp"
#include "base/errors.hpp"

#include <cstdint>
#include <filesystem>

namespace varro {

struct opened_snapshots {
  descriptor file;
  bool anew = false; // it was missing, or larger than allowed: no earlier snapshot is in it
};
// For reading and writing; created (mode 0600, as its directory 0700) when it is missing.
caf::expected<opened_snapshots> open_snapshots(const std::filesystem::path& data_dir, int64_t chat, size_t bytes_max);

// For reading only; errc::not_found when there is none.
caf::expected<descriptor> read_snapshots(const std::filesystem::path& data_dir, int64_t chat);

// The snapshots of a chat for a fork of it, in the place of those that it has. A chat without any is no error.
caf::error copy_snapshots(const std::filesystem::path& data_dir, int64_t chat, int64_t to);

// What the chat's snapshots take on the disk; 0: there are none.
int64_t snapshots_bytes(const std::filesystem::path& data_dir, int64_t chat) noexcept;

void remove_snapshots(const std::filesystem::path& data_dir, int64_t chat) noexcept;

} // namespace varro
