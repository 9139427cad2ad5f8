// How long chats and their files are kept when nobody uses them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace varro {

// Of everybody or of one group. Nothing: the next more general rule says it; 0: for ever.
struct retention_rule {
  std::optional<int64_t> chats_unused_days;       // then the whole chat goes
  std::optional<int64_t> attachments_unused_days; // then its files and variables go; its messages stay

  bool operator==(const retention_rule&) const = default;
};

struct group_retention {
  std::string name;
  retention_rule rule;

  bool operator==(const group_retention&) const = default;
};

struct retention_config {
  retention_rule everybody;            // [retention]
  std::vector<group_retention> groups; // [retention.group.NAME]: of its members, the longest time of their groups
};

// What holds for one user. 0: for ever.
struct kept_days {
  int64_t chats = 0;
  int64_t attachments = 0;
};

// Of each time: the longest one of the user's groups that say one, else everybody's. 0 is the longest.
kept_days kept_days_of(const retention_config& configured, const std::vector<std::string>& groups);

// Whether anything of anybody may go.
bool has_retention(const retention_config& configured);

} // namespace varro
