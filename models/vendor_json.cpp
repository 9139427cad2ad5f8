#include "models/vendor_json.hpp"

#include "models/timestamp.hpp"

#include <array>
#include <limits>

namespace varro {

namespace {

// Counts the members of every open object, outside of strings. What is not JSON is left to the parser.
bool has_huge_object(std::string_view text) {
  std::array<int, json_depth_max + 2> members{};
  size_t depth = 0;
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
    } else if (c == '{' || c == '[') {
      if (depth + 1 >= members.size())
        return true;
      members[++depth] = 0;
    } else if (c == '}' || c == ']') {
      if (depth > 0)
        --depth;
    } else if (c == ':' && ++members[depth] > vendor_object_members_max) {
      return true;
    }
  }
  return false;
}

} // namespace

std::string to_valid_utf8(std::string_view text) {
  const auto quoted = dump_json(json(std::string(text)));
  auto value = json::parse(quoted, nullptr, false);
  return value.is_string() ? value.get<std::string>() : std::string{};
}

std::optional<json> parse_vendor_json(std::string_view text) {
  if (has_huge_object(text))
    return std::nullopt;
  if (auto value = parse_json(text))
    return value;
  // Only text that the strict parser refused pays for the repair.
  const auto repaired = to_valid_utf8(text);
  return repaired == text ? std::nullopt : parse_json(repaired);
}

std::string_view clip_utf8(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max)
    return text;
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return text.substr(0, end);
}

const json& member(const json& value, std::string_view key) {
  static const json null_value = nullptr;
  if (!value.is_object())
    return null_value;
  for (auto it = value.begin(); it != value.end(); ++it)
    if (it.key() == key)
      return it.value();
  return null_value;
}

std::optional<std::string> string_member(const json& value, std::string_view key) {
  const auto& found = member(value, key);
  if (!found.is_string())
    return std::nullopt;
  return found.get<std::string>();
}

std::string text_member(const json& value, std::string_view key) {
  return string_member(value, key).value_or("");
}

std::optional<int64_t> integer(const json& value) {
  constexpr auto highest = std::numeric_limits<int64_t>::max();
  if (value.is_boolean())
    return value.get<bool>() ? 1 : 0;
  if (value.is_number_unsigned())
    return static_cast<int64_t>(std::min<uint64_t>(value.get<uint64_t>(), static_cast<uint64_t>(highest)));
  if (value.is_number_integer())
    return value.get<int64_t>();
  if (value.is_number_float()) {
    const auto number = value.get<double>();
    if (number >= 9e18)
      return highest;
    if (number <= -9e18)
      return std::numeric_limits<int64_t>::min();
    return number == number ? std::optional(static_cast<int64_t>(number)) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<int64_t> integer_member(const json& value, std::string_view key) {
  return integer(member(value, key));
}

json created_timestamp(const json& value) {
  const auto seconds = integer(value);
  // Beyond the year 9999 it is no timestamp.
  if (!seconds || *seconds <= 0 || *seconds > 253'402'300'799)
    return nullptr;
  if (const auto text = read_timestamp(json(*seconds)))
    return *text;
  return nullptr;
}

} // namespace varro
