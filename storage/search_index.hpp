// Where texts are found: an index of trigrams over titles, prompts, answers, code and results, beside the database.
//
// DATA_DIR/search.db follows varro.db by the table search_changes, which each change writes with itself; so a commit
// pays for one small row, and the index is brought up to date on the thread that searches. It holds nothing that is
// not in varro.db: without it, or when varro.db is an older one than it has seen, it is made anew, newest texts first.
//
// What is found is what the user sees in the chat now: each row that the index names is looked up in varro.db, through
// its owner's chat, and rows of replaced turns and deleted chats are not there. The index only says where to look:
// texts are compared themselves, by substring, without regard to case in any script, each character for itself ("ß" is
// not "ss", accents count).
//
// One object is one connection and belongs to one thread at a time; varro.db is only read.
#pragma once

#include "base/errors.hpp"
#include "storage/found_chat.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

namespace varro {

class search_index {
public:
  // REQUIRES: varro.db is there and current. Makes an index that is missing, of another version or damaged anew.
  static caf::expected<std::unique_ptr<search_index>> open(const std::filesystem::path& data_dir);
  ~search_index();

  // Looks at what has changed, newest changes first, for about this long. True: nothing is left.
  caf::expected<bool> catch_up(std::chrono::milliseconds at_most);
  // Texts and titles that were there before the index and are not looked at yet.
  int64_t left();

  // The user's chats whose title or texts contain `query`, at most `limit` and search_chats_max. The chats with the
  // newest such texts are taken, and given newest first. Ends early after search_time_max, or when `stop` says so, with
  // what was found until then. A query of less than search_gram_characters is looked for in titles only; one of more
  // than search_query_bytes_max is errc::invalid_input. Any bytes are a query.
  caf::expected<found_chats> search(int64_t user_id, std::string_view query, int limit,
                                    const std::function<bool()>& stop = {});

private:
  struct impl;
  explicit search_index(std::unique_ptr<impl> pimpl);
  std::unique_ptr<impl> impl_;
};

} // namespace varro
