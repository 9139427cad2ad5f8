// Content blocks of the Messages API and the parts of a response that they stand for, in both directions.
//
// What the vendor ran itself (web search, code execution…) becomes builtin parts in the form that pydantic-ai gives
// them; a block of a type that is not known here is kept whole and sent back untouched. Pure functions, any thread.
#pragma once

#include "models/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// A block as it came. `input_text` is what a stream sent as its input; nothing when the block came whole.
struct received_block {
  json block;
  std::optional<std::string> input_text;
};

// Adds the part that a block stands for. `parts` are those before it (a result is named after its call).
void append_part(const received_block& received, const std::string& provider_name, std::vector<response_part>& parts);

// Adds what a part of a response is sent back as: one block, or nothing when it says nothing to this vendor.
// `provider_name`: thinking and builtin parts of others are not ours to replay.
void append_block(const response_part& part, const std::string& provider_name, json& blocks);

} // namespace varro
