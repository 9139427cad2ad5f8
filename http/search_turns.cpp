#include "http/search_turns.hpp"

namespace varro {

search_turns::turn::~turn() {
  if (owner_ == nullptr)
    return;
  dropped_->store(true); // whoever still has it to do need not begin
  owner_->leave(user_);
}

std::optional<search_turns::turn> search_turns::take(int64_t user) {
  std::unique_lock lock{mutex_};
  if (auto& mine = by_user_[user]; mine.running) {
    if (mine.waiting)
      return std::nullopt;
    mine.waiting = true;
    mine.running->store(true);
    left_.wait(lock, [&] { return !by_user_[user].running; });
  }
  auto& mine = by_user_[user];
  mine = {std::make_shared<std::atomic<bool>>(false), false};
  return std::optional<turn>{std::in_place, *this, user, mine.running};
}

void search_turns::leave(int64_t user) {
  {
    std::lock_guard lock{mutex_};
    auto found = by_user_.find(user);
    found->second.running = nullptr;
    if (!found->second.waiting)
      by_user_.erase(found);
  }
  left_.notify_all();
}

} // namespace varro
