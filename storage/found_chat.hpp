// What a search finds, as values.
#pragma once

#include "storage/records.hpp"

#include <string>
#include <vector>

namespace varro {

// A piece of text around what was looked for. Plain text: whoever shows it escapes it.
struct found_text {
  std::string before;
  std::string match; // as it was written; empty: nothing was found
  std::string after;
};

struct found_chat {
  chat_record chat;
  int64_t seq = 0; // of the message with the text; 0: it is the title
  found_text text;
};

struct found_chats {
  std::vector<found_chat> chats; // newest first, each once
  bool complete = true;          // false: the time was over before all was looked at
};

} // namespace varro
