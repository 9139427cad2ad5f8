// Where texts are found: titles, prompts, answers, code and results of a user's chats.
//
// What is found is what the user sees in the chat now: rows of replaced turns and deleted chats are not there. Texts
// are compared by substring, without regard to case in any script, each character for itself ("ß" is not "ss", accents
// count).
//
// One object belongs to one thread at a time.
#pragma once

#include "base/errors.hpp"
#include "storage/found_chat.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

namespace varro {

class search_index {
public:
  virtual ~search_index() = default;

  // Looks at what has changed, newest changes first, for about this long. True: nothing is left.
  virtual caf::expected<bool> catch_up(std::chrono::milliseconds at_most) = 0;
  // Texts and titles that were there before the index and are not looked at yet.
  virtual int64_t left() = 0;
  // Follows what has changed, and writes the file anew, so that it holds nothing of texts that are gone. Takes as long
  // as it takes to copy the index.
  virtual caf::error scrub() = 0;

  // The user's chats whose title or texts contain `query`, at most `limit` and search_chats_max. The chats with the
  // newest such texts are taken, and given newest first. Ends early after search_time_max, or when `stop` says so, with
  // what was found until then. A query of less than search_gram_characters is looked for in titles only; one of more
  // than search_query_bytes_max is errc::invalid_input. Any bytes are a query.
  virtual caf::expected<found_chats> search(int64_t user_id, std::string_view query, int limit,
                                            const std::function<bool()>& stop)
    = 0;
};

} // namespace varro
