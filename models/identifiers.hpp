// Names that messages give to what they hold, as pydantic-ai makes them. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace varro {

// "pyd_ai_" and 32 hex digits.
std::string make_tool_call_id();

// First 6 hex digits of SHA-1, the identifier of a file.
std::string content_identifier(std::string_view bytes);

} // namespace varro
