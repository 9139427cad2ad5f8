// What admins look at, for the audit: once an hour for each of them and each page, however often it is reloaded.
//
// Thread-safe, bounded memory: beyond read_notes_max pages all are forgotten, and told again.
#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace varro {

inline constexpr size_t read_notes_max = 1'000;

class read_notes {
public:
  // Whether the audit has yet to tell of it.
  bool is_new(int64_t user, std::string_view page, unix_us now) const;
  // It has.
  void told(int64_t user, std::string_view page, unix_us now);

private:
  mutable std::mutex mutex_;
  std::map<std::pair<int64_t, std::string>, unix_us> told_; // guarded by mutex_
};

} // namespace varro
