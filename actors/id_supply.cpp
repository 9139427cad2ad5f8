#include "actors/id_supply.hpp"

#include <cstddef>
#include <utility>

namespace varro {

std::optional<int64_t> id_supply::take(int64_t count) {
  std::lock_guard guard{mutex_};
  return take_locked(count);
}

std::optional<int64_t> id_supply::take_locked(int64_t count) {
  if (count > left_.count)
    return std::nullopt;
  auto first = left_.first;
  left_ = {first + count, left_.count - count};
  return first;
}

void id_supply::wait(int64_t count, answer then) {
  waiting_.push_back({count, std::move(then)});
}

int64_t id_supply::wanted() const {
  int64_t awaited = 0;
  for (const auto& each : waiting_)
    awaited += each.count;
  std::lock_guard guard{mutex_};
  // Not less what is left: where another process has drawn in between, that is not in a row with these.
  return awaited > 0 || left_.count < block_ / 2 ? awaited + block_ : 0;
}

void id_supply::fill(id_range drawn) {
  if (drawn.count == 0)
    return;
  auto answered = std::exchange(waiting_, {});
  std::vector<int64_t> firsts;
  firsts.reserve(answered.size());
  {
    // At once: nobody takes what was drawn for those who wait.
    std::lock_guard guard{mutex_};
    if (drawn.first == left_.end())
      left_.count += drawn.count;
    else
      left_ = drawn;
    for (const auto& each : answered)
      firsts.push_back(*take_locked(each.count));
  }
  for (size_t i = 0; i < answered.size(); ++i)
    answered[i].then(firsts[i]);
}

void id_supply::refuse(const caf::error& why) {
  for (auto& each : std::exchange(waiting_, {}))
    each.then(why);
}

} // namespace varro
