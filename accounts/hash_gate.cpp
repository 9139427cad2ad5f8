#include "accounts/hash_gate.hpp"

namespace varro {

hash_gate::hash_gate(const auth_config& limits)
  : running_max_(limits.hashes_max), waiting_max_(limits.hash_waiters_max), wait_max_(limits.hash_wait_max) {}

hash_gate::pass::~pass() {
  if (owner_ == nullptr)
    return;
  {
    std::lock_guard lock{owner_->mutex_};
    --owner_->running_;
    owner_->inside_.erase(whose_);
  }
  owner_->changed_.notify_all();
}

std::optional<hash_gate::pass> hash_gate::enter(std::string whose) {
  std::unique_lock lock{mutex_};
  if (inside_.contains(whose))
    return std::nullopt;
  if (running_ >= running_max_ || !waiting_.empty()) {
    if (static_cast<int>(waiting_.size()) >= waiting_max_)
      return std::nullopt;
    auto ticket = next_ticket_++;
    waiting_.insert(ticket);
    inside_.insert(whose);
    auto is_next = [&] { return running_ < running_max_ && *waiting_.begin() == ticket; };
    auto in_time = changed_.wait_for(lock, wait_max_, is_next);
    waiting_.erase(ticket);
    inside_.erase(whose);
    changed_.notify_all(); // somebody else is next now
    if (!in_time)
      return std::nullopt;
  }
  ++running_;
  inside_.insert(whose);
  return std::optional<pass>{std::in_place, *this, std::move(whose)};
}

} // namespace varro
