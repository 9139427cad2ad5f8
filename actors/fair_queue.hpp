// Those who wait for something of which there is not enough, served round robin by user.
//
// The law: between two admissions of one user, every other user who waited all the time, and could be given one, is
// admitted at least once. So nobody starves, and a user with a hundred tickets delays another one's first by at most
// one place. A user who begins to wait comes in this round, before those who have had their turn in it; one who has a
// place already, or had a turn in this round, comes in the next. Tickets of one user stand in the order in which they
// entered.
//
// A value without an actor, a clock or places: who owns it says who can be given one. It holds what waits, and while
// anybody does, the users that were served in this round. Not synchronised: one owner at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace varro {

class fair_queue {
public:
  struct entry {
    int64_t user = 0;
    int64_t ticket = 0;
  };

  // Where a ticket stands, if places come free and nobody enters, leaves or ends.
  struct place {
    int64_t own = 0;        // its number among those of its user, from 1
    int64_t before = 0;     // how many of all users are admitted before it
    bool held_back = false; // it is not admitted at all, until its user can be given more

    bool operator==(const place&) const = default;
  };

  // How many more a user can be given; 0 or less: none.
  using more_of = std::function<int64_t(int64_t user)>;
  static constexpr int64_t no_limit = std::numeric_limits<int64_t>::max();

  // False: this ticket waits already, and nothing changes. `has_place`: its user has one of those places now.
  bool enter(int64_t user, int64_t ticket, bool has_place);
  // False: it does not wait.
  bool leave(int64_t ticket);

  // Takes out the ticket that is next, of those for which this holds; nothing: there is none.
  std::optional<entry> next(const std::function<bool(const entry&)>& may);
  // Takes out those that are next while there are free places.
  std::vector<entry> admit(int64_t free, const more_of& more);

  // Of all that wait, in no particular order; takes time in proportion to their number.
  std::vector<std::pair<int64_t /*ticket*/, place>> places(const more_of& more) const;
  std::optional<place> place_of(int64_t ticket, const more_of& more) const;

  bool contains(int64_t ticket) const {
    return users_.contains(ticket);
  }
  size_t size() const {
    return users_.size();
  }
  // Numbers that it holds, for tests.
  size_t held() const;

private:
  using round = std::deque<int64_t>; // users, each of whom has tickets that wait

  void take(int64_t user, int64_t ticket);

  std::map<int64_t, std::deque<int64_t>> waiting_; // tickets by user; none is empty
  std::map<int64_t, int64_t> users_;               // by ticket
  round now_, later_;                              // each user of waiting_ stands in one of them
  std::set<int64_t> served_;                       // in this round
};

} // namespace varro
