// The requests with an Idempotency-Key that are under way in this process. Any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace varro {

class keys_under_way {
public:
  // The request is under way as long as this lives.
  class pass {
  public:
    pass(keys_under_way& owner, std::pair<int64_t, std::string> key) : owner_(&owner), key_(std::move(key)) {}
    pass(pass&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), key_(std::move(other.key_)) {}
    pass& operator=(pass&&) = delete;
    ~pass();

  private:
    keys_under_way* owner_;
    std::pair<int64_t, std::string> key_;
  };

  // nullopt: a request of the user's with this key is under way.
  std::optional<pass> enter(int64_t user, const std::string& key);

private:
  std::mutex mutex_;
  std::set<std::pair<int64_t, std::string>> keys_; // GUARDED_BY(mutex_)
};

} // namespace varro
