#include "accounts/read_notes.hpp"

#include <chrono>

namespace varro {

bool read_notes::is_new(int64_t user, std::string_view page, unix_us now) const {
  std::lock_guard guard{mutex_};
  auto found = told_.find({user, std::string{page}});
  return found == told_.end() || now - found->second >= std::chrono::microseconds{std::chrono::hours{1}}.count();
}

void read_notes::told(int64_t user, std::string_view page, unix_us now) {
  std::lock_guard guard{mutex_};
  if (told_.size() >= read_notes_max)
    told_.clear();
  told_[{user, std::string{page}}] = now;
}

} // namespace varro
