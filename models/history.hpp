// Rules about whole histories, independent of any vendor.
#pragma once

#include "base/errors.hpp"
#include "models/message.hpp"

#include <optional>
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

// What a part of a later release says to a model, as a part that every wire knows; nothing when it says nothing (a
// record of settings, of tools that came or of capabilities).
std::optional<request_part> spoken_request(const other_part& part);
std::optional<response_part> spoken_response(const other_part& part);

// Adjacent requests joined into one (tool returns and retry prompts before user prompts, as pydantic-ai orders them)
// and adjacent responses left as they are, parts of later releases as what they say: what a history looks like when it
// goes to a model.
message_history joined(const message_history& history);

// The history without answers that the vendor refused in the middle: what they began with leads to further refusals.
// The given one when there is none.
message_list without_refused(const message_list& history);

// A tool call that has no return and no retry prompt after it.
struct open_call {
  std::string tool_name;
  std::string tool_call_id;
};
std::vector<open_call> open_calls(const message_history& history);

// Invariant 4: every tool call has exactly one return (or retry prompt), after it and before the next response; every
// return belongs to a call. The error names the offending tool_call_id.
caf::error check_history(const message_history& history);

} // namespace varro
