// The one JSON type. Ordered, because messages are written with their fields in pydantic-ai's order.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace varro {

using json = nlohmann::ordered_json;

// Arrays and objects inside each other that untrusted text may have. Copying and dumping recurse, so it is bounded.
inline constexpr int json_depth_max = 200;

// Parses text of any origin: nullopt when it is not JSON or nests deeper than `depth_max`. Never throws.
std::optional<json> parse_json(std::string_view text, int depth_max = json_depth_max);

// Compact, non-ASCII unescaped, invalid UTF-8 replaced by U+FFFD. Never throws.
std::string dump_json(const json& value);

// Whether arrays and objects are inside each other more than `depth_max` times.
bool nests_deeper_than(const json& value, int depth_max);

} // namespace varro
