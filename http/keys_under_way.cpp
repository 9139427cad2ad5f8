#include "http/keys_under_way.hpp"

namespace varro {

keys_under_way::pass::~pass() {
  if (owner_ == nullptr)
    return;
  std::lock_guard lock{owner_->mutex_};
  owner_->keys_.erase(key_);
}

std::optional<keys_under_way::pass> keys_under_way::enter(int64_t user, const std::string& key) {
  std::lock_guard lock{mutex_};
  auto [place, entered] = keys_.emplace(user, key);
  if (!entered)
    return std::nullopt;
  return std::optional<pass>{std::in_place, *this, *place};
}

} // namespace varro
