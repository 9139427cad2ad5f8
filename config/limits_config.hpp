// What users may use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace varro {

// Of one user or group. Nothing: the next more general rule says it; 0: no limit.
struct user_limits {
  std::optional<std::vector<std::string>> models; // ids, or "provider:*"; empty: all
  std::optional<int64_t> runs_at_once;
  std::optional<int64_t> model_requests_per_day;
  std::optional<int64_t> tokens_per_day; // read and written
  std::optional<double> money_per_month; // in prices.currency; a model without a price is refused where this is set
  std::optional<int64_t> cell_cpu_seconds_per_day;
  std::optional<int64_t> chats;
  std::optional<int64_t> upload_bytes_per_day;
  std::optional<int64_t> shells_alive;
  std::optional<int64_t> shell_memory_bytes; // of each; at least shell_memory_min, at most shell.memory_bytes_max
  std::optional<int64_t> disk_bytes;         // of all chats: files, snapshots, earlier files, messages

  bool operator==(const user_limits&) const = default;
};

struct group_limits {
  std::string name;
  user_limits limits;

  bool operator==(const group_limits&) const = default;
};

struct limits_config {
  user_limits everybody;            // [limits]
  std::vector<group_limits> groups; // [limits.group.NAME]: of its members, the most generous of their groups
  std::string contact;              // whom to ask for more, as it is shown
};

} // namespace varro
