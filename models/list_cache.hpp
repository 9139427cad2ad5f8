// The lists of models that were heard last, in one file: DATA_DIR/models.json.
//
// Written beside and renamed, so that a reader finds the old file or the new one. Holds no key. What is in it is read
// as cautiously as the vendors' answers. Any thread may call; the caller sees to it that one at a time writes.
#pragma once

#include "models/listed_model.hpp"

#include <filesystem>

namespace varro {

inline constexpr size_t list_cache_bytes_max = 32u << 20;

// One provider's list, and where it came from: another address is another list.
struct cached_list {
  std::string provider;
  provider_kind kind = provider_kind::openai;
  std::string base_url;
  int64_t fetched_at = 0; // Unix time in seconds
  std::vector<listed_model> models;

  bool is_of(const provider_config& from) const {
    return provider == from.name && base_url == from.base_url
      && (kind == provider_kind::anthropic) == (from.kind == provider_kind::anthropic)
      && (kind == provider_kind::google) == (from.kind == provider_kind::google);
  }
};

// No file: nothing. errc::storage_failed for one that cannot be read or is no such file.
caf::expected<std::vector<cached_list>> read_list_cache(const std::filesystem::path& file);

// errc::storage_failed says what could not be done; the file that was there is then unchanged.
caf::error write_list_cache(const std::filesystem::path& file, const std::vector<cached_list>& lists);

} // namespace varro
