// UTF-8 (RFC 3629). Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace varro {

// Whether the byte goes on with a character that another one began.
constexpr bool is_continuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// Bytes of the well-formed character at the start of `text`, which is not empty; 0 when there is none.
size_t decode_utf8(std::string_view text, char32_t& character) noexcept;

// REQUIRES: a character, no surrogate.
void append_utf8(std::string& out, char32_t character);

bool is_utf8(std::string_view text); // well-formed, without NUL
size_t code_points(std::string_view utf8) noexcept;

// The first `bytes_max` bytes or a little less, so that the last character is whole. Refers to `text`.
std::string_view clip_utf8(std::string_view text, size_t bytes_max) noexcept;

} // namespace varro
