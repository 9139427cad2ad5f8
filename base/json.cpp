#include "base/json.hpp"

#include "base/json_scan.hpp"

namespace varro {

namespace {

bool text_nests_deeper_than(std::string_view text, int depth_max) {
  int depth = 0;
  return !holds_outside_strings(text, [&](char c) {
    depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
    return depth <= depth_max;
  });
}

} // namespace

std::optional<json> parse_json(std::string_view text, int depth_max) {
  if (text_nests_deeper_than(text, depth_max))
    return std::nullopt;
  auto value = json::parse(text.begin(), text.end(), nullptr, false);
  if (value.is_discarded())
    return std::nullopt;
  return value;
}

std::string dump_json(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool nests_deeper_than(const json& value, int depth_max) {
  if (!value.is_structured())
    return false;
  if (depth_max <= 0)
    return true;
  for (const auto& child : value)
    if (child.is_structured() && nests_deeper_than(child, depth_max - 1))
      return true;
  return false;
}

} // namespace varro
