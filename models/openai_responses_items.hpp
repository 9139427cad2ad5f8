// Items of the Responses API that stand for what the vendor ran itself (web search, code, files, images, MCP, search of
// tools, compaction), and the parts of a response in the form that pydantic-ai gives them, in both directions. An item
// of a type that is not known here is kept whole and sent back untouched. Pure functions, any thread.
//
// Source: https://developers.openai.com/api/reference/resources/responses (Output item types).
#pragma once

#include "models/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro::openai_responses {

// What one item becomes. In a stream the call stands where the item began, the others where it ended.
struct item_parts {
  std::optional<response_part> call;
  std::vector<file_part> files;
  std::optional<response_part> result;
};

// Types that messages, reasoning and function calls are not.
bool is_vendor_item(std::string_view type);

// `streamed`: arguments come as text, as they do in a stream. `output` is the item with the result where the vendor
// makes it an item of its own (tool_search_output), else null.
item_parts parts_of_item(const json& item, const std::string& provider, bool streamed, const json& output = nullptr);

// A picture that a tool made, as base64 text.
file_part picture_part(const json& base64, std::string_view format, const std::string& id);

// What an answer's builtin part is sent back as, or null. `result` is the part with what came of it, null when it is
// not there. `stored`: the vendor kept the answer, so that it knows everything by the item's id.
json item_of(const builtin_tool_call_part& call, const builtin_tool_return_part* result,
             const std::vector<const file_part*>& files, bool stored);

// The item that a builtin result holds whole, because its type is not known here; else null.
const json& whole_item(const builtin_tool_return_part& result);

// The compaction item of a part, or null when it holds none.
json item_of(const compaction_part& part);

} // namespace varro::openai_responses
