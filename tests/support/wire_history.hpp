// Histories behind recorded requests: a vendor's messages turned back into ours. Part of wire_replay.
#pragma once

#include "tests/support/wire_replay.hpp"

namespace varro::test {

// What the request of exchange `index` was made from: answers of earlier exchanges as we decode them, the rest as the
// recorded messages say it. Instructions go to `instructions`.
message_history history_for(const recording& file, size_t index, std::string& instructions);

bool is_blank_text(const std::string& text);

// A file as it stands inside a tool's content.
json file_object(const user_content& file);

// What a tool answered: a return, or a retry prompt when it is an error or ends as pydantic-ai ends those.
request_part answer_to_call(const std::string& id, json content, bool is_error, const std::string& tool_name);

} // namespace varro::test
