// Limits of storage/ that are no setting: each with its unit.
#pragma once

namespace varro {

// How long a statement waits for another process that writes (`varro user`, a backup).
inline constexpr int storage_busy_ms_max = 5'000;

// Chats that one list_chats returns.
inline constexpr int storage_list_chats_max = 1'000;

// What the write-ahead log is cut back to after a checkpoint.
inline constexpr long storage_log_bytes_max = 64l << 20;

} // namespace varro
