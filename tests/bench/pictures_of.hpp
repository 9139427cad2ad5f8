// Pictures for tests: as much of a PNG as says its size, in base64.
#pragma once

#include <cstdint>
#include <string>

inline std::string base64_of(const std::string& bytes) {
  static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k)
      text += i + k <= bytes.size() ? letters[bits >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

inline std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

inline std::string png_of(uint32_t width, uint32_t height, size_t filling = 0) {
  std::string bytes{"\x89PNG\r\n\x1a\n", 8};
  bytes += big_endian(13) + "IHDR" + big_endian(width) + big_endian(height) + std::string(9, '\1');
  bytes += std::string(filling, 'x') + big_endian(0) + "IEND" + big_endian(0xae426082);
  return base64_of(bytes);
}
