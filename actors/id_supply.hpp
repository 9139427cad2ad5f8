// Ids of one kind that are drawn before anybody asks for them.
//
// A draw is on the disk before its ids are used, so it costs a commit, and nobody should wait for one to get a number.
// So the store draws blocks ahead, with commits that it makes anyway, as soon as less than half a block is left; who
// asks for more than is left waits for the next of them. Ids are given in ascending order. What is left when the
// process ends is lost.
//
// Any thread may call what says so; the rest is for its one owner, the store. Answers are given on the owner's thread.
#pragma once

#include "base/errors.hpp"
#include "storage/drawn_ids.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace varro {

class id_supply {
public:
  using answer = std::function<void(const caf::expected<int64_t>& first)>;

  // REQUIRES: block > 0
  explicit id_supply(int64_t block) : block_(block) {}

  // The first of so many ids in a row, if they are here. Any thread may call: who takes some here does not wait for a
  // store that waits for its disk. REQUIRES: count > 0
  std::optional<int64_t> take(int64_t count);
  // The same once they are drawn. REQUIRES: take() had none.
  void wait(int64_t count, answer then);
  bool is_awaited() const {
    return !waiting_.empty();
  }

  // How many the next transaction shall draw; 0: enough are left.
  int64_t wanted() const;
  // So many were drawn. Those who wait are answered. REQUIRES: as many as were wanted, after all that were drawn
  // before.
  void fill(id_range drawn);
  // None were drawn. Those who wait are told why.
  void refuse(const caf::error& why);

private:
  struct request {
    int64_t count;
    answer then;
  };

  std::optional<int64_t> take_locked(int64_t count);

  int64_t block_;
  mutable std::mutex mutex_; // of left_
  id_range left_;
  std::vector<request> waiting_;
};

// Ids that are drawn at a time. Half of the runs' are there at any time, for as many turns that begin at once before
// any of them is committed; chats are begun less often, and their ids are seen in addresses, where a start leaves a
// gap.
inline constexpr int64_t chat_ids_drawn = 64;
inline constexpr int64_t run_ids_drawn = 512;

// What the store has drawn and others take.
struct id_supplies {
  id_supply chats{chat_ids_drawn};
  id_supply runs{run_ids_drawn};
};

} // namespace varro
