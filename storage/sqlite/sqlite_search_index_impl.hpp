// What an object of the search index holds. Internal to storage/sqlite/.
#pragma once

#include "storage/sqlite/connection.hpp"
#include "storage/sqlite/sqlite_search_index.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

inline constexpr int64_t search_title_seq = 0; // stands for the title beside the numbers of messages
inline constexpr int search_user_shift = 40;   // of texts.id: search_schema.cpp

// While it lives, what the connection does is ended as soon as `over` holds.
class search_watch;

struct sqlite_search_index::impl {
  using clock = std::chrono::steady_clock;

  struct change { // a row of search_changes
    int64_t id = 0;
    int64_t chat = 0;
    int64_t seq = 0;
  };
  struct indexed_text {
    int64_t user = 0;
    std::string text;
  };

  std::unique_ptr<connection> db;

  // --- following varro.db --------------------------------------------------------------------------------------------
  caf::expected<std::vector<change>> changes(std::string_view sql);
  caf::expected<std::optional<indexed_text>> current(const change& which);
  caf::error add(const change& which);
  caf::error count_grams(std::string_view small);
  caf::error uncount_grams(std::string_view small);
  caf::error remove(int64_t id, std::string_view text);
  caf::error remove_text(const change& which);
  caf::expected<bool> remove_chat(int64_t chat, clock::time_point until);
  caf::expected<bool> apply(const change& which, bool former, clock::time_point until);
  caf::expected<bool> apply_all(const std::vector<change>& which, bool former, clock::time_point until);
  // What has changed since the index is there, or (former) what was there before. False: time is over.
  caf::expected<bool> follow(bool former, clock::time_point until);

  // --- searching -----------------------------------------------------------------------------------------------------
  caf::expected<std::vector<std::string>> rarest(std::string_view small);
  caf::error find_titles(int64_t user, const std::string& small, size_t limit, search_watch& end, found_chats& found);
  caf::expected<std::optional<found_chat>> shown(int64_t user, int64_t chat, int64_t seq, std::string_view small,
                                                 found_text text);
  caf::error find_texts(int64_t user, const std::string& small, size_t limit, search_watch& end, found_chats& found);
};

} // namespace varro
