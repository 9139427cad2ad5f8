// What was found out, by a key, in bounded memory: what was used longest ago goes first. Not thread-safe.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace varro {

// Of keys and values that are cheap to copy (pointers).
template <class Value>
class lru_cache {
public:
  static constexpr size_t entry_bytes = 256; // of an entry besides its value, about

  explicit lru_cache(size_t bytes_max) : bytes_max_(bytes_max) {}

  // A value made by default when the key is not known.
  Value find(const std::string& key) {
    auto found = by_key_.find(key);
    if (found == by_key_.end())
      return {};
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->value;
  }

  // The first value of a key stays. `bytes` are those of the value.
  void put(const std::string& key, Value value, size_t bytes) {
    if (by_key_.contains(key))
      return;
    by_use_.push_front({key, std::move(value), entry_bytes + bytes});
    by_key_[key] = by_use_.begin();
    bytes_ += by_use_.front().bytes;
    while (bytes_ > bytes_max_ && !by_use_.empty()) {
      bytes_ -= by_use_.back().bytes;
      by_key_.erase(by_use_.back().key);
      by_use_.pop_back();
    }
  }

  size_t bytes() const noexcept {
    return bytes_;
  }
  size_t entries() const noexcept {
    return by_key_.size();
  }

private:
  struct entry {
    std::string key;
    Value value;
    size_t bytes;
  };

  size_t bytes_max_;
  size_t bytes_ = 0;
  std::list<entry> by_use_; // the newest first
  std::unordered_map<std::string, typename std::list<entry>::iterator> by_key_;
};

} // namespace varro
