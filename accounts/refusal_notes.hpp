// Which refused logins are written into the audit: a flood of them must neither fill the disk nor go unseen.
//
// Thread-safe, bounded memory; what is not written is counted, and the next one that is written tells how many there
// were.
#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

// Refused logins that are written within an hour: of all addresses, and of one.
inline constexpr int refusals_written_per_hour_max = 200;
inline constexpr int refusals_written_per_hour_and_address_max = 20;

class refusal_notes {
public:
  // Somebody was refused: how many were not written before, if this one is to be; nullopt: it is not, and is counted.
  std::optional<int64_t> note(std::string_view address, unix_us now);

private:
  std::mutex mutex_;
  unix_us hour_ = 0;                      // guarded by mutex_, as the rest: when the present hour began
  int written_ = 0;                       // within it
  std::map<std::string, int> by_address_; // of these
  int64_t unwritten_ = 0;                 // since the last one that was written
};

} // namespace varro
