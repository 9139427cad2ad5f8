// What looks into files found, by what the files hold: a plot that is sent in each request of its chat is made smaller
// once. Not thread-safe.
#pragma once

#include "base/lru_cache.hpp"
#include "pictures/picture_job.hpp"

#include <string>

namespace varro {

// Stands for the bytes of a job and all that its result depends on. A base64 text and its bytes have different keys.
using look_key = std::string;
look_key key_of(const picture_job& job);

class look_cache : public lru_cache<picture_result_ptr> {
public:
  using lru_cache::lru_cache;

  void put(const look_key& key, const picture_result_ptr& result);
};

} // namespace varro
