// An index of trigrams over titles, prompts, answers, code and results, beside the database.
//
// DATA_DIR/search.db follows varro.db by the table search_changes, which each change writes with itself; so a commit
// pays for one small row, and the index is brought up to date on the thread that searches. It holds nothing that is
// not in varro.db: without it, or when varro.db is an older one than it has seen, it is made anew, newest texts first.
// The index only says where to look: each row that it names is looked up in varro.db, through its owner's chat.
//
// One object is one connection; varro.db is only read.
#pragma once

#include "storage/search_index.hpp"

#include <filesystem>
#include <memory>

namespace varro {

class sqlite_search_index final : public search_index {
public:
  // REQUIRES: varro.db is there and current. Makes an index that is missing, of another version or damaged anew.
  static caf::expected<std::unique_ptr<sqlite_search_index>> open(const std::filesystem::path& data_dir);
  ~sqlite_search_index() override;

  caf::expected<bool> catch_up(std::chrono::milliseconds at_most) override;
  int64_t left() override;
  caf::error scrub() override;
  caf::expected<found_chats> search(int64_t user_id, std::string_view query, int limit,
                                    const std::function<bool()>& stop = {}) override;

private:
  struct impl;
  explicit sqlite_search_index(std::unique_ptr<impl> pimpl);
  std::unique_ptr<impl> impl_;
};

} // namespace varro
