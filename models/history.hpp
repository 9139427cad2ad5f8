// Rules about whole histories, independent of any vendor.
#pragma once

#include "config/errors.hpp"
#include "models/message.hpp"

#include <string>
#include <vector>

namespace varro {

// What a tool's content means for a model: its text, and the files inside it in order.
struct tool_content {
  std::string text;                // strings as they are, other JSON dumped compactly, files replaced by "See file ID."
  std::vector<user_content> files; // binary_content and url_content found in it
};
tool_content split_tool_content(const json& content);

// Makes the written form of a tool's content out of text and files: a string when there are none, else a list.
json make_tool_content(std::string text, const std::vector<binary_content>& files);

// Adjacent requests joined into one (tool returns and retry prompts before user prompts, as pydantic-ai orders them)
// and adjacent responses left as they are: what a history looks like when it goes to a model.
std::vector<message> joined(const std::vector<message>& history);

// A tool call that has no return and no retry prompt after it.
struct open_call {
  std::string tool_name;
  std::string tool_call_id;
};
std::vector<open_call> open_calls(const std::vector<message>& history);

// Invariant 4: every tool call has exactly one return (or retry prompt), after it and before the next response; every
// return belongs to a call. The error names the offending tool_call_id.
caf::error check_history(const std::vector<message>& history);

} // namespace varro
