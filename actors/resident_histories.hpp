// What the messages of the chats in memory hold, counted for the server and for each user, and whether there is room
// for more. Sessions tell it, the registry asks. Any thread may call.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace varro {

class resident_histories {
public:
  // Of what the server may hold, the part that one user has at most before their next turns are refused. When all of it
  // is held, those who hold more than an equal part are refused.
  static constexpr size_t shares = 2;

  // The chat of this user is in memory with so many bytes; takes the place of what was said of it.
  void hold(int64_t chat, int64_t user, size_t bytes);
  // The chat has left memory.
  void release(int64_t chat);

  // Of all chats in memory.
  size_t bytes() const;
  // 0 for one that is not in memory.
  size_t bytes_of(int64_t chat) const;

  // Of this user's chats in memory.
  size_t bytes_of_user(int64_t user) const;

  // Why a chat of this user may not grow or be taken in now; empty: it may, and of a user with one chat always.
  // errc::limit_reached: it passes, when chats are left alone.
  caf::error refusal(int64_t user, const chat_config& limits) const;

private:
  struct entry {
    int64_t user = 0;
    size_t bytes = 0;
  };

  void take_away(int64_t chat);

  mutable std::mutex mutex_;
  std::map<int64_t, entry> chats_;
  struct sum {
    size_t chats = 0;
    size_t bytes = 0;
  };
  std::map<int64_t, sum> users_; // those that have chats in memory
  size_t bytes_ = 0;
};

} // namespace varro
