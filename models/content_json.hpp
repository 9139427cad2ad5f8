// User content and files in their JSON form: the inner half of models/message_json.hpp.
#pragma once

#include "models/json_fields.hpp"

namespace varro {

// Files get what is missing: media type by extension, identifier by SHA-1.
std::optional<user_content> read_user_content(const json& value, const json_place& place, message_reading& reading);
std::optional<binary_content> read_binary_content(const json& value, const json_place& place, message_reading& reading);

json to_json(const user_content& value);
json to_json(const binary_content& value);

// A tool's content as it is kept: file objects inside it, at any depth, completed to their written form; an object that
// only looks like one stays as it is.
json normalized_tool_content(const json& content);

// The file object in a tool's content, or nullopt when `value` is none (it needs a kind of ours, and url, media_type or
// file_id, and must be readable as that kind).
std::optional<user_content> read_tool_file(const json& value);

} // namespace varro
