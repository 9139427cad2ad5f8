// Which limits somebody has, and who said so, in words for whoever looks after the server.
//
// Values and pure functions, any thread.
#pragma once

#include "config/effective_limits.hpp"

#include <string>
#include <vector>

namespace varro {

struct limit_origin {
  std::string name;  // a key of [limits]
  std::string value; // that is in force (effective_limits), as TOML writes it; of 0 or an empty list: "no limit"
  std::string from;  // "their own", "group data (varro limit)", "everybody (configuration)"
};

// Those that anything says of this user, in the order of [limits]. Of several groups those are named whose value holds;
// of lists of models, which are joined, all.
std::vector<limit_origin> limit_origins(const limits_config& configured, const written_limits& written,
                                        const std::vector<std::string>& groups);

} // namespace varro
