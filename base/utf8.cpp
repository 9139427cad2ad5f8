#include "base/utf8.hpp"

#include <algorithm>
#include <array>

namespace varro {

size_t decode_utf8(std::string_view text, char32_t& character) noexcept {
  auto byte = [&](size_t index) { return static_cast<unsigned char>(text[index]); };
  const auto first = byte(0);
  const size_t length = first < 0x80 ? 1
    : first < 0xc2                   ? 0
    : first < 0xe0                   ? 2
    : first < 0xf0                   ? 3
    : first < 0xf5                   ? 4
                                     : 0;
  if (length == 0 || length > text.size())
    return 0;
  if (length == 1) {
    character = first;
    return 1;
  }
  character = first & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[i]))
      return 0;
    character = character << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = character >= 0xd800 && character < 0xe000;
  return character < least[length] || surrogate || character > 0x10ffff ? 0 : length;
}

void append_utf8(std::string& out, char32_t character) {
  auto tail = [character](int shift) { return static_cast<char>(0x80 | (character >> shift & 0x3f)); };
  if (character < 0x80)
    out += static_cast<char>(character);
  else if (character < 0x800)
    out += {static_cast<char>(0xc0 | character >> 6), tail(0)};
  else if (character < 0x10000)
    out += {static_cast<char>(0xe0 | character >> 12), tail(6), tail(0)};
  else
    out += {static_cast<char>(0xf0 | character >> 18), tail(12), tail(6), tail(0)};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    char32_t character = 0;
    const auto length = decode_utf8(text, character);
    if (length == 0 || character == 0)
      return false;
    text.remove_prefix(length);
  }
  return true;
}

size_t code_points(std::string_view utf8) noexcept {
  return utf8.size() - static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), is_continuation));
}

std::string_view clip_utf8(std::string_view text, size_t bytes_max) noexcept {
  if (text.size() <= bytes_max)
    return text;
  size_t end = bytes_max;
  while (end > 0 && is_continuation(text[end]))
    --end;
  return text.substr(0, end);
}

} // namespace varro
