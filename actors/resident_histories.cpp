#include "actors/resident_histories.hpp"

#include "workspace/usage.hpp"

namespace varro {

void resident_histories::take_away(int64_t chat) {
  auto found = chats_.find(chat);
  if (found == chats_.end())
    return;
  auto [user, bytes] = found->second;
  bytes_ -= bytes;
  auto of_user = users_.find(user);
  of_user->second.bytes -= bytes;
  if (--of_user->second.chats == 0)
    users_.erase(of_user);
  chats_.erase(found);
}

void resident_histories::hold(int64_t chat, int64_t user, size_t bytes) {
  std::lock_guard guard{mutex_};
  take_away(chat);
  if (bytes == 0)
    return;
  chats_[chat] = {user, bytes};
  auto& of_user = users_[user];
  of_user.bytes += bytes;
  ++of_user.chats;
  bytes_ += bytes;
}

void resident_histories::release(int64_t chat) {
  std::lock_guard guard{mutex_};
  take_away(chat);
}

size_t resident_histories::bytes() const {
  std::lock_guard guard{mutex_};
  return bytes_;
}

size_t resident_histories::bytes_of(int64_t chat) const {
  std::lock_guard guard{mutex_};
  auto found = chats_.find(chat);
  return found == chats_.end() ? 0 : found->second.bytes;
}

size_t resident_histories::bytes_of_user(int64_t user) const {
  std::lock_guard guard{mutex_};
  auto found = users_.find(user);
  return found == users_.end() ? 0 : found->second.bytes;
}

caf::error resident_histories::refusal(int64_t user, const chat_config& limits) const {
  std::lock_guard guard{mutex_};
  auto found = users_.find(user);
  // One chat is within its own bound, and has to be loaded to be looked at.
  if (found == users_.end() || found->second.chats < 2)
    return {};
  auto bytes = found->second.bytes;
  if (bytes >= limits.resident_bytes_max / shares)
    return fail(errc::limit_reached,
                "Your chats in memory hold " + mebibytes(bytes)
                  + " together, as much as those of one user may (half of chat.resident_bytes_max). Those that nobody "
                    "uses leave it: try again in a minute.");
  if (bytes_ >= limits.resident_bytes_max && bytes >= limits.resident_bytes_max / users_.size())
    return fail(errc::limit_reached,
                "The server holds as many large chats as it may (chat.resident_bytes_max). Try "
                "again in a minute.");
  return {};
}

} // namespace varro
