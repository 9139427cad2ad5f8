#include "storage/sqlite/sqlite_search_index_impl.hpp"

namespace varro {

// Deletions stand in new segments of the trigrams, beside what they delete, until segments are merged.
caf::error sqlite_search_index::scrub() {
  auto followed = impl_->follow(false, impl::clock::time_point::max());
  if (!followed)
    return std::move(followed.error());
  if (auto err = impl_->db->execute("INSERT INTO grams(grams) VALUES ('optimize')"))
    return err;
  return impl_->db->compact();
}

} // namespace varro
