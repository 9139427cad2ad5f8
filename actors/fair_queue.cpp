#include "actors/fair_queue.hpp"

#include <algorithm>

namespace varro {

bool fair_queue::enter(int64_t user, int64_t ticket, bool has_place) {
  if (!users_.emplace(ticket, user).second)
    return false;
  auto& tickets = waiting_[user];
  tickets.push_back(ticket);
  if (tickets.size() == 1)
    (has_place || served_.contains(user) ? later_ : now_).push_back(user);
  return true;
}

bool fair_queue::leave(int64_t ticket) {
  auto found = users_.find(ticket);
  if (found == users_.end())
    return false;
  take(found->second, ticket);
  return true;
}

// A user whose last ticket this is stands in no round any more.
void fair_queue::take(int64_t user, int64_t ticket) {
  users_.erase(ticket);
  auto tickets = waiting_.find(user);
  std::erase(tickets->second, ticket);
  if (tickets->second.empty()) {
    waiting_.erase(tickets);
    std::erase(now_, user);
    std::erase(later_, user);
  }
  if (users_.empty()) // there is nobody to whom a further turn could be unfair
    served_.clear();
}

std::optional<fair_queue::entry> fair_queue::next(const std::function<bool(const entry&)>& may) {
  auto first_of = [&](const round& users) -> std::optional<entry> {
    for (auto user : users)
      for (auto ticket : waiting_.at(user))
        if (may({user, ticket}))
          return entry{user, ticket};
    return {};
  };
  auto found = first_of(now_);
  if (!found) {
    found = first_of(later_);
    if (!found)
      return {};
    // A new round; who could not be given one in the last comes first.
    now_.insert(now_.end(), later_.begin(), later_.end());
    later_.clear();
    served_.clear();
  }
  served_.insert(found->user);
  take(found->user, found->ticket);
  if (waiting_.contains(found->user)) {
    std::erase(now_, found->user);
    later_.push_back(found->user);
  }
  return found;
}

std::vector<fair_queue::entry> fair_queue::admit(int64_t free, const more_of& more) {
  std::map<int64_t, int64_t> given;
  std::vector<entry> admitted;
  while (free > 0) {
    auto one = next([&](const entry& each) { return given[each.user] < more(each.user); });
    if (!one)
      break;
    ++given[one->user];
    --free;
    admitted.push_back(*one);
  }
  return admitted;
}

// Plays the rounds that would follow.
std::vector<std::pair<int64_t, fair_queue::place>> fair_queue::places(const more_of& more) const {
  struct line {
    const std::deque<int64_t>* tickets;
    int64_t can_be_given;
  };
  std::vector<line> lines;
  for (const auto* users : {&now_, &later_})
    for (auto user : *users)
      lines.push_back({&waiting_.at(user), more(user)});
  std::vector<std::pair<int64_t, place>> found;
  found.reserve(users_.size());
  int64_t before = 0;
  for (size_t turn = 0; !lines.empty(); ++turn) {
    auto own = static_cast<int64_t>(turn) + 1;
    for (const auto& each : lines) {
      bool held_back = own > each.can_be_given;
      found.emplace_back((*each.tickets)[turn], place{own, before, held_back});
      before += held_back ? 0 : 1;
    }
    std::erase_if(lines, [=](const line& each) { return each.tickets->size() <= turn + 1; });
  }
  return found;
}

std::optional<fair_queue::place> fair_queue::place_of(int64_t ticket, const more_of& more) const {
  for (const auto& [each, place] : places(more))
    if (each == ticket)
      return place;
  return {};
}

size_t fair_queue::held() const {
  return 2 * users_.size() + now_.size() + later_.size() + served_.size();
}

} // namespace varro
