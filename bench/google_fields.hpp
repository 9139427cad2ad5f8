// Google's JSON is a protocol buffer's: a field has a name in camelCase and one in snake_case, and both are taken.
//
// Pure functions, any thread.
#pragma once

#include "base/json.hpp"

#include <string>
#include <string_view>

namespace varro::bench {

std::string camel_name(std::string_view name); // "thought_signature" is "thoughtSignature"
std::string snake_name(std::string_view name);

// `name` in camelCase. Null unless value is an object that has it under either name.
const json* google_field(const json& value, std::string_view name);
std::string google_text(const json& value, std::string_view name); // empty unless it is a text

} // namespace varro::bench
