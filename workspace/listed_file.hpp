// What a list of a workspace's files tells of one. A value.
#pragma once

#include <cstdint>
#include <string>

namespace varro {

struct listed_file {
  std::string name; // the path in the workspace
  uint64_t bytes = 0;
  int64_t modified_at = 0; // Unix time in seconds
  friend bool operator<(const listed_file& a, const listed_file& b) {
    return a.name < b.name;
  }
};

} // namespace varro
