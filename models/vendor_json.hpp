// Reading a vendor's JSON: tolerant of missing and mistyped fields, bounded against hostile ones.
//
// Pure functions, any thread. None of them throws.
#pragma once

#include "base/json.hpp"
#include "models/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

// Members of one object. Objects keep their order and are searched linearly, so their size is bounded before parsing.
inline constexpr int vendor_object_members_max = 10'000;

// Like parse_json(), besides: bytes that are not UTF-8 and halves of surrogate pairs are replaced by U+FFFD (a server
// may cut a character in two), control characters inside strings are taken as if they were escaped (models write raw
// newlines), and an object with too many members is refused.
std::optional<json> parse_vendor_json(std::string_view text);

// `text` with everything that is not UTF-8 replaced by U+FFFD.
std::string to_valid_utf8(std::string_view text);

// The member of an object, or a null that lives for ever: when `value` is no object or has no such member.
const json& member(const json& value, std::string_view key);

// The string, or nothing when it is missing or of another type.
std::optional<std::string> string_member(const json& value, std::string_view key);
// The same, with "" for nothing.
std::string text_member(const json& value, std::string_view key);

// The whole number (booleans are 0 and 1, fractions are cut off, huge ones saturate), or nothing.
std::optional<int64_t> integer(const json& value);
std::optional<int64_t> integer_member(const json& value, std::string_view key);

// A `created` field, seconds since 1970, as pydantic-ai prints it; null when it is missing or zero.
json created_timestamp(const json& value);

} // namespace varro
