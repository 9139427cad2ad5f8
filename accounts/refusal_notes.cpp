#include "accounts/refusal_notes.hpp"

#include "accounts/accounts.hpp"

#include <chrono>
#include <utility>

namespace varro {

std::optional<int64_t> refusal_notes::note(std::string_view address, unix_us now) {
  std::lock_guard guard{mutex_};
  if (now - hour_ >= std::chrono::microseconds{std::chrono::hours{1}}.count()) {
    hour_ = now;
    written_ = 0;
    by_address_.clear();
  }
  const auto key = address_key(address);
  auto& of_address = by_address_[key];
  if (written_ >= refusals_written_per_hour_max || of_address >= refusals_written_per_hour_and_address_max) {
    if (of_address == 0)
      by_address_.erase(key);
    ++unwritten_;
    return std::nullopt;
  }
  ++written_;
  ++of_address;
  return std::exchange(unwritten_, 0);
}

} // namespace varro
