// The fair queue as a value: its law, under random operations, against a model that is slow and plain.
#include "actors/fair_queue.hpp"
#include "actors/place_words.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <vector>

using namespace varro;

namespace {

constexpr int64_t no_limit = fair_queue::no_limit;

int64_t unlimited(int64_t) {
  return no_limit;
}

std::vector<int64_t> tickets_of(const std::vector<fair_queue::entry>& entries) {
  std::vector<int64_t> tickets;
  for (const auto& each : entries)
    tickets.push_back(each.ticket);
  return tickets;
}

// Users with places, limits and tickets, who come, are admitted and end as the dice say. What was admitted when is
// written down, and the law is looked for in what was written.
class dice_world {
public:
  explicit dice_world(unsigned seed) : dice_{seed} {
    for (int64_t user = 1; user <= users; ++user)
      limits_[user] = roll(4) == 0 ? no_limit : roll(4); // 0: none at all
    places_max_ = 1 + roll(6);
  }

  void step() {
    switch (roll(6)) {
    case 0:
    case 1:
    case 2:
      enter();
      break;
    case 3:
      leave();
      break;
    case 4:
      end();
      break;
    default:
      limits_[1 + roll(users)] = roll(3) == 0 ? no_limit : roll(4);
    }
    admit();
    look();
  }

  size_t admitted() const {
    return admitted_;
  }
  size_t waited() const {
    return waited_;
  }

  // Everybody may have everything, and places come free until nobody waits.
  void drain() {
    for (auto& [user, limit] : limits_)
      limit = no_limit;
    while (!waiting_.empty()) {
      auto before = waiting_.size();
      end();
      admit();
      REQUIRE(waiting_.size() < before);
    }
  }

  const fair_queue& queue() const {
    return queue_;
  }

private:
  static constexpr int64_t users = 5;

  struct waiter {
    int64_t user;
    int64_t ticket;
  };
  // Of a pair of users (a, b): b has waited, and could be given one, at every admission since a was admitted last.
  using pair = std::pair<int64_t, int64_t>;

  int64_t roll(int64_t below) {
    return std::uniform_int_distribution<int64_t>{0, below - 1}(dice_);
  }
  int64_t more(int64_t user) const {
    auto found = held_.find(user);
    auto has = found == held_.end() ? 0 : static_cast<int64_t>(found->second.size());
    return limits_.at(user) == no_limit ? no_limit : limits_.at(user) - has;
  }
  fair_queue::more_of more_now() const {
    return [this](int64_t user) { return more(user); };
  }
  int64_t places_taken() const {
    int64_t taken = 0;
    for (const auto& [user, tickets] : held_)
      taken += static_cast<int64_t>(tickets.size());
    return taken;
  }
  bool waits(int64_t user) const {
    return std::any_of(waiting_.begin(), waiting_.end(), [=](const waiter& each) { return each.user == user; });
  }
  bool can_be_given(int64_t user) const {
    return waits(user) && more(user) > 0;
  }

  void enter() {
    auto user = 1 + roll(users);
    auto ticket = next_ticket_++;
    REQUIRE(queue_.enter(user, ticket, held_.contains(user)));
    CHECK_FALSE(queue_.enter(user, ticket, false));
    waiting_.push_back({user, ticket});
  }

  void leave() {
    if (waiting_.empty()) {
      CHECK_FALSE(queue_.leave(next_ticket_));
      return;
    }
    auto gone = waiting_.begin() + roll(static_cast<int64_t>(waiting_.size()));
    CHECK(queue_.leave(gone->ticket));
    CHECK_FALSE(queue_.leave(gone->ticket));
    auto user = gone->user;
    waiting_.erase(gone);
    forget_if_gone(user);
  }

  void end() {
    if (held_.empty())
      return;
    auto user = std::next(held_.begin(), roll(static_cast<int64_t>(held_.size())));
    user->second.erase(user->second.begin());
    if (user->second.empty())
      held_.erase(user);
  }

  void forget_if_gone(int64_t user) {
    if (!waits(user))
      std::erase_if(passed_over_, [=](const auto& entry) { return entry.first.second == user; });
  }

  // One at a time, so that what each saw is known.
  void admit() {
    while (places_taken() < places_max_) {
      std::set<int64_t> eligible;
      for (int64_t user = 1; user <= users; ++user)
        if (can_be_given(user))
          eligible.insert(user);
      // Who could not be given one at this admission has not been passed over.
      std::erase_if(passed_over_, [&](const auto& entry) { return !eligible.contains(entry.first.second); });
      auto before = queue_;
      auto found = queue_.admit(1, more_now());
      if (found.empty()) {
        CHECK(eligible.empty());
        return;
      }
      auto one = found.front();
      CAPTURE(one.user);
      CHECK(eligible.contains(one.user));
      auto oldest
        = std::find_if(waiting_.begin(), waiting_.end(), [&](const waiter& each) { return each.user == one.user; });
      REQUIRE(oldest != waiting_.end());
      CHECK(oldest->ticket == one.ticket);
      CHECK(before.place_of(one.ticket, more_now()) == fair_queue::place{1, 0, false});
      note(one.user, eligible);
      waiting_.erase(oldest);
      held_[one.user].insert(one.ticket);
      forget_if_gone(one.user);
      ++admitted_;
    }
  }

  // The law.
  void note(int64_t user, const std::set<int64_t>& eligible) {
    for (auto other : eligible)
      if (other != user) {
        CAPTURE(other);
        CHECK(passed_over_.erase({user, other}) == 0); // it would be the second time
      }
    std::erase_if(passed_over_, [=](const auto& entry) { return entry.first.second == user; });
    for (auto other : eligible)
      if (other != user)
        passed_over_[{user, other}] = true;
  }

  // Places say what would happen: the queue is played to its end.
  void look() {
    waited_ = std::max(waited_, waiting_.size());
    REQUIRE(queue_.size() == waiting_.size());
    auto places = queue_.places(more_now());
    REQUIRE(places.size() == waiting_.size());
    auto played = queue_;
    auto order = tickets_of(played.admit(no_limit, more_now()));
    for (const auto& [ticket, place] : places) {
      auto self = std::find_if(waiting_.begin(), waiting_.end(),
                               [&, wanted = ticket](const waiter& each) { return each.ticket == wanted; });
      REQUIRE(self != waiting_.end());
      CHECK(place.own
            == 1 + std::count_if(waiting_.begin(), self, [&](const waiter& each) { return each.user == self->user; }));
      auto found = std::find(order.begin(), order.end(), ticket);
      CHECK(place.held_back == (found == order.end()));
      if (!place.held_back)
        CHECK(place.before == found - order.begin());
    }
    CHECK(queue_.held() <= 3 * waiting_.size() + (waiting_.empty() ? 0 : users));
  }

  std::mt19937 dice_;
  fair_queue queue_;
  std::vector<waiter> waiting_; // in the order of their coming
  std::map<int64_t, std::set<int64_t>> held_;
  std::map<int64_t, int64_t> limits_;
  std::map<pair, bool> passed_over_;
  int64_t places_max_ = 1;
  int64_t next_ticket_ = 1;
  size_t admitted_ = 0;
  size_t waited_ = 0;
};

// So many tickets of each user, of whom nobody has a place.
fair_queue queue_of(const std::vector<std::pair<int64_t, int>>& users) {
  fair_queue queue;
  for (const auto& [user, count] : users)
    for (int i = 1; i <= count; ++i)
      queue.enter(user, user * 1'000 + i, false);
  return queue;
}

} // namespace

TEST_CASE("whatever comes, ends and leaves: nobody who waits and may is passed over twice, and places never lie") {
  size_t admitted = 0, waited = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    dice_world world{seed};
    for (int i = 0; i < 150; ++i)
      world.step();
    admitted += world.admitted();
    waited = std::max(waited, world.waited());
    world.drain();
    CHECK(world.queue().size() == 0);
    CHECK(world.queue().held() == 0);
  }
  CHECK(admitted > 5'000); // else the dice were bad
  CHECK(waited > 20);
}

TEST_CASE("users are served in turn, each one's tickets in the order in which they came") {
  auto queue = queue_of({{1, 3}, {2, 1}, {3, 2}});
  CHECK(tickets_of(queue.admit(4, unlimited)) == std::vector<int64_t>{1'001, 2'001, 3'001, 1'002});
  CHECK(tickets_of(queue.admit(4, unlimited)) == std::vector<int64_t>{3'002, 1'003});
  CHECK(queue.admit(1, unlimited).empty());
}

TEST_CASE("who has a place, or had a turn in this round, comes after those who begin to wait") {
  fair_queue queue;
  for (int64_t ticket = 1; ticket <= 100; ++ticket)
    queue.enter(1, ticket, true);
  queue.enter(2, 200, false);
  CHECK(tickets_of(queue.admit(2, unlimited)) == std::vector<int64_t>{200, 1});
  queue.enter(3, 300, false);
  queue.enter(2, 201, false); // its turn was in the round before
  CHECK(tickets_of(queue.admit(1, unlimited)) == std::vector<int64_t>{300});
  queue.enter(3, 301, false);
  CHECK(tickets_of(queue.admit(3, unlimited)) == std::vector<int64_t>{201, 2, 301});
}

TEST_CASE("those who come again and again do not keep one who waits from a place") {
  fair_queue queue;
  queue.enter(9, 9'000, true);
  for (int64_t round = 0; round < 3; ++round) { // ten users, each with one at a time
    for (int64_t user = 1; user <= 8; ++user)
      queue.enter(user, user * 1'000 + round, false);
    auto served = tickets_of(queue.admit(9, unlimited));
    CHECK(std::count(served.begin(), served.end(), 9'000 + round) == 1);
    queue.enter(9, 9'000 + round + 1, true);
  }
}

TEST_CASE("a user at the limit holds nobody up, and comes first when there is more") {
  auto queue = queue_of({{1, 2}, {2, 3}});
  auto none_for_1 = [](int64_t user) { return user == 1 ? int64_t{0} : no_limit; };
  CHECK(tickets_of(queue.admit(2, none_for_1)) == std::vector<int64_t>{2'001, 2'002});
  CHECK(queue.place_of(1'001, none_for_1) == fair_queue::place{1, 0, true});
  CHECK(tickets_of(queue.admit(2, unlimited)) == std::vector<int64_t>{1'001, 2'003});
}

TEST_CASE("a limit counts what is admitted at once") {
  auto queue = queue_of({{1, 5}, {2, 1}});
  CHECK(tickets_of(queue.admit(10, [](int64_t) { return int64_t{2}; })) == std::vector<int64_t>{1'001, 2'001, 1'002});
  CHECK(queue.size() == 3);
}

TEST_CASE("a ticket that leaves is gone, and its user with the last one") {
  auto queue = queue_of({{1, 2}, {2, 1}});
  CHECK(queue.leave(1'001));
  CHECK_FALSE(queue.contains(1'001));
  CHECK(queue.place_of(2'001, unlimited) == fair_queue::place{1, 1, false});
  CHECK(queue.leave(1'002));
  CHECK(queue.place_of(2'001, unlimited) == fair_queue::place{1, 0, false});
  CHECK(queue.leave(2'001));
  CHECK(queue.held() == 0);
}

TEST_CASE("a place in words") {
  CHECK(place_words("place", {3, 12, false}) == "Waiting for a free place: 3rd of your own, 12 before it");
  CHECK(place_words("Python shell", {1, 0, false}) == "Waiting for a free Python shell: 1st of your own, 0 before it");
  for (auto [number, word] : std::vector<std::pair<int64_t, std::string>>{
         {2, "2nd"}, {4, "4th"}, {10, "10th"}, {11, "11th"}, {12, "12th"}, {13, "13th"}, {21, "21st"}, {112, "112th"}})
    CHECK(place_words("place", {number, 0, false}).find(": " + word + " of") != std::string::npos);
  CHECK(place_words("place", {2, 0, true}).find("as many at once as you may: 2nd of your own") != std::string::npos);
}
