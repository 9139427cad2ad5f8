// What a search compares. Internal to storage/.
#pragma once

#include "models/message.hpp"

#include <string>
#include <string_view>

namespace varro {

// Text without regard to case: every character in simple upper and then lower case, in any script. Bytes that are no
// UTF-8 stay as they are.
std::string folded(std::string_view text);

// What people wrote and read in a message, folded: the user's prompts and the model's texts, one a line. Thinking, tool
// calls and their results are left out.
std::string searchable_text(const message& value);

} // namespace varro
