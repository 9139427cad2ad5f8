// One search of a user at a time: a newer one takes the place of the one before. Any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace varro {

class search_turns {
public:
  // A search that may go on; over when this is destroyed. `dropped()` holds as soon as nobody wants its result.
  class turn {
  public:
    turn(search_turns& owner, int64_t user, std::shared_ptr<std::atomic<bool>> dropped)
      : owner_(&owner), user_(user), dropped_(std::move(dropped)) {}
    turn(turn&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)), user_(other.user_), dropped_(std::move(other.dropped_)) {}
    turn& operator=(turn&&) = delete;
    ~turn();
    std::shared_ptr<const std::atomic<bool>> dropped() const {
      return dropped_;
    }

  private:
    search_turns* owner_;
    int64_t user_;
    std::shared_ptr<std::atomic<bool>> dropped_;
  };

  // Drops the user's search that is on, and waits until it has ended; it does so within moments. nullopt: another one
  // of the user's waits for that already.
  std::optional<turn> take(int64_t user);

private:
  struct state {
    std::shared_ptr<std::atomic<bool>> running;
    bool waiting = false;
  };
  void leave(int64_t user);

  std::mutex mutex_;
  std::condition_variable left_;
  std::unordered_map<int64_t, state> by_user_; // GUARDED_BY(mutex_); who searches
};

} // namespace varro
