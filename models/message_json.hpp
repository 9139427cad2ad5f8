// The JSON form of messages: read tolerantly, written exactly as pydantic-ai v2.9.1 prints them.
//
// Reading accepts what v2.9.1's loader accepts (unknown keys dropped, defaults filled) and besides the older forms that
// carry the same meaning: args_json/args_dict wrappers, null tool_call_id (a matching id is made for call and return),
// request_tokens/response_tokens. What releases up to 2.68 added (outcomes, states, fields, kinds of parts) is kept and
// written back as it came, also where v2.9.1 would refuse it; nothing of it is written that was not read. Errors are
// errc::invalid_input and name the path of the offending field. Any thread may call.
//
// Known differences: whole numbers beyond 64 bits inside free JSON become floating-point ones, and a URL without known
// extension and media type is written as application/octet-stream, where pydantic-ai cannot write it at all.
#pragma once

#include "base/errors.hpp"
#include "models/message.hpp"

#include <string_view>

namespace varro {

json to_json(const message& value);
json to_json(const message_history& values);
json to_json(const token_usage& value);

// Compact, non-ASCII unescaped, invalid UTF-8 replaced by U+FFFD; what the database rows hold.
std::string to_json_text(const message& value);
std::string to_json_text(const message_history& values);

caf::expected<message> message_from_json(const json& value);
caf::expected<message_history> messages_from_json(const json& value);
caf::expected<message> message_from_text(std::string_view text);

} // namespace varro
