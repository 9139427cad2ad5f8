#include "models/vendor_json.hpp"

#include "base/json_scan.hpp"
#include "models/timestamp.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace varro {

namespace {

// Counts the members of every open object, outside of strings. What is not JSON is left to the parser.
bool has_huge_object(std::string_view text) {
  std::array<int, json_depth_max + 2> members{};
  size_t depth = 0;
  return !holds_outside_strings(text, [&](char c) {
    if (c == '{' || c == '[') {
      if (depth + 1 >= members.size())
        return false;
      members[++depth] = 0;
    } else if (c == '}' || c == ']') {
      depth -= depth > 0 ? 1 : 0;
    } else if (c == ':') {
      return ++members[depth] <= vendor_object_members_max;
    }
    return true;
  });
}

// The four hex digits of an escape "\\uXXXX" that begins at `at`.
std::optional<unsigned> unicode_escape(std::string_view text, size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u')
    return std::nullopt;
  unsigned value = 0;
  const auto* first = text.data() + at + 2;
  const auto [end, error] = std::from_chars(first, first + 4, value, 16);
  return error == std::errc{} && end == first + 4 ? std::optional(value) : std::nullopt;
}

bool is_high_half(unsigned unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}

bool is_low_half(unsigned unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

// Appends what stands at `at` inside a string, repaired, and gives the index after it.
size_t append_repaired(std::string_view text, size_t at, std::string& out) {
  static constexpr std::string_view digits = "0123456789abcdef";
  const auto c = static_cast<unsigned char>(text[at]);
  if (c < 0x20) {
    (out += "\\u00") += {digits[c >> 4], digits[c & 15]};
    return at + 1;
  }
  if (c != '\\') {
    out += text[at];
    return at + 1;
  }
  const auto unit = unicode_escape(text, at);
  if (unit && is_high_half(*unit)) {
    const auto next = unicode_escape(text, at + 6);
    const bool pair = next && is_low_half(*next);
    out += pair ? text.substr(at, 12) : std::string_view("\\ufffd");
    return at + (pair ? 12 : 6);
  }
  if (unit && is_low_half(*unit)) {
    out += "\\ufffd";
    return at + 6;
  }
  out += text.substr(at, 2);
  return std::min(at + 2, text.size());
}

std::string repaired_json(std::string_view text) {
  const auto valid = to_valid_utf8(text);
  const std::string_view rest = valid;
  std::string out;
  out.reserve(valid.size());
  bool in_string = false;
  for (size_t at = 0; at < rest.size();) {
    if (rest[at] == '"')
      in_string = !in_string;
    if (in_string && rest[at] != '"')
      at = append_repaired(rest, at, out);
    else
      out += rest[at++];
  }
  return out;
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
  const auto repaired = repaired_json(text);
  return repaired == text ? std::nullopt : parse_json(repaired);
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
