#include "base/base64.hpp"

#include <array>
#include <cstdint>

namespace varro {

namespace {

constexpr std::string_view standard_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_safe_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(std::string_view bytes, std::string_view alphabet) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  const auto at = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])); };
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    for (int shift = 18; shift >= 0; shift -= 6)
      text += alphabet[group >> shift & 63];
  }
  const size_t rest = bytes.size() - i;
  if (rest == 0)
    return text;
  const uint32_t group = at(i) << 16 | (rest == 2 ? at(i + 1) << 8 : 0);
  text += alphabet[group >> 18 & 63];
  text += alphabet[group >> 12 & 63];
  text += rest == 2 ? alphabet[group >> 6 & 63] : '=';
  text += '=';
  return text;
}

using decode_table = std::array<int8_t, 256>;

constexpr decode_table make_table(std::string_view alphabet) {
  decode_table table{};
  for (auto& value : table)
    value = -1;
  for (size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<int8_t>(i);
  return table;
}

constexpr decode_table standard_table = make_table(standard_alphabet);
constexpr decode_table url_safe_table = make_table(url_safe_alphabet);

} // namespace

std::string base64url_encode(std::string_view bytes) {
  return encode(bytes, url_safe_alphabet);
}

std::string base64_encode(std::string_view bytes) {
  return encode(bytes, standard_alphabet);
}

std::optional<std::string> base64_decode(std::string_view text) {
  size_t padding = 0;
  while (!text.empty() && text.back() == '=') {
    text.remove_suffix(1);
    ++padding;
  }
  const size_t rest = text.size() % 4;
  if (rest == 1 || padding > (4 - rest) % 4)
    return std::nullopt;
  // One text is of one alphabet; a mixture is damage.
  const auto& table = text.find_first_of("-_") == std::string_view::npos ? standard_table : url_safe_table;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t group = 0;
  int bits = 0;
  for (const unsigned char c : text) {
    const int value = table[c];
    if (value < 0)
      return std::nullopt;
    group = group << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(group >> bits & 255);
    }
  }
  // Bits that belong to no byte must be zero, else two texts would mean the same bytes.
  if (bits > 0 && (group & ((1u << bits) - 1)) != 0)
    return std::nullopt;
  return bytes;
}

} // namespace varro
