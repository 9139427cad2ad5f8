#include "models/json.hpp"

namespace varro {

namespace {

// Counts brackets outside of strings; text that is not JSON may be counted wrongly, and is refused by the parser
// anyway.
bool text_nests_deeper_than(std::string_view text, int depth_max) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > depth_max)
        return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
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
