// What a search compares. Internal to storage/.
#pragma once

#include "models/message.hpp"
#include "storage/found_chat.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace varro {

// Text without regard to case: every character in simple upper and then lower case, in any script. Bytes that are no
// UTF-8 stay as they are. The number of characters stays.
std::string folded(std::string_view text);

// The same text as an index can hold it: NUL, and bytes that are no UTF-8, are U+FFFD.
std::string searchable(std::string_view text);

// What people wrote and read in a message, one a line, as it was written: the user's prompts, the model's texts, code
// and other arguments of tool calls, and results. Thinking is left out, and what is beyond search_row_bytes_max and
// search_tool_bytes_max.
std::string searchable_text(const message& value);

// Byte positions at which the characters of well-formed UTF-8 begin, and its end.
std::vector<size_t> character_starts(std::string_view text);

// The first place of `query`, which is folded, in `text`, with excerpt_characters_around on both sides; nothing where
// it is not found. REQUIRES: well-formed UTF-8.
found_text excerpt(std::string_view text, std::string_view query);

} // namespace varro
