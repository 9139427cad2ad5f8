#include "bench/pictures.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace varro::bench {

namespace {

int8_t value_of(char c) {
  if (c >= 'A' && c <= 'Z')
    return static_cast<int8_t>(c - 'A');
  if (c >= 'a' && c <= 'z')
    return static_cast<int8_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9')
    return static_cast<int8_t>(c - '0' + 52);
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

std::string decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    auto value = value_of(c);
    if (value < 0)
      break; // padding
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xff);
    }
  }
  return bytes;
}

// A whole picture may be megabytes of base64: only its head and its end are looked at.
constexpr size_t head_chars = 64 * 1024; // of base64, a multiple of four
constexpr size_t end_chars = 64;

class byte_reader {
public:
  explicit byte_reader(std::string_view bytes) : bytes_(bytes) {}
  int byte(size_t at) const {
    return at < bytes_.size() ? static_cast<unsigned char>(bytes_[at]) : -1;
  }
  int big16(size_t at) const {
    return byte(at) << 8 | byte(at + 1);
  }
  int little16(size_t at) const {
    return byte(at) | byte(at + 1) << 8;
  }
  int big32(size_t at) const {
    return big16(at) << 16 | big16(at + 2);
  }
  bool says(size_t at, std::string_view text) const {
    return at <= bytes_.size() && bytes_.substr(at).starts_with(text);
  }
  size_t size() const {
    return bytes_.size();
  }

private:
  std::string_view bytes_;
};

std::optional<picture> png(const byte_reader& in, std::string_view end) {
  if (!in.says(0, "\x89PNG\r\n\x1a\n") || !in.says(12, "IHDR") || in.size() < 24
      || end.find("IEND") == std::string_view::npos)
    return std::nullopt;
  return picture{"image/png", in.big32(16), in.big32(20)};
}

// Steps over the segments to the frame header, which has the size.
std::optional<picture> jpeg(const byte_reader& in, std::string_view end) {
  if (!in.says(0, "\xff\xd8") || end.find("\xff\xd9") == std::string_view::npos)
    return std::nullopt;
  for (size_t at = 2; at + 9 < in.size();) {
    if (in.byte(at) != 0xff)
      return std::nullopt;
    auto marker = in.byte(at + 1);
    if (marker == 0xff) {
      ++at; // a fill byte
      continue;
    }
    bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame)
      return picture{"image/jpeg", in.big16(at + 7), in.big16(at + 5)};
    at += 2 + static_cast<size_t>(in.big16(at + 2));
  }
  return std::nullopt;
}

std::optional<picture> gif(const byte_reader& in, std::string_view end) {
  if ((!in.says(0, "GIF87a") && !in.says(0, "GIF89a")) || in.size() < 13 || end.find(';') == std::string_view::npos)
    return std::nullopt;
  return picture{"image/gif", in.little16(6), in.little16(8)};
}

std::optional<picture> webp(const byte_reader& in) {
  if (!in.says(0, "RIFF") || !in.says(8, "WEBP") || in.size() < 30)
    return std::nullopt;
  if (in.says(12, "VP8X"))
    return picture{"image/webp", 1 + (in.little16(24) | in.byte(26) << 16), 1 + (in.little16(27) | in.byte(29) << 16)};
  if (in.says(12, "VP8L")) {
    auto bits = in.little16(21) | in.little16(23) << 16;
    return picture{"image/webp", 1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)};
  }
  if (in.says(12, "VP8 "))
    return picture{"image/webp", in.little16(26) & 0x3fff, in.little16(28) & 0x3fff};
  return std::nullopt;
}

} // namespace

bool is_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0)
    return false;
  auto inside = text;
  while (inside.ends_with('=') && text.size() - inside.size() < 2)
    inside.remove_suffix(1);
  return std::all_of(inside.begin(), inside.end(), [](char c) { return value_of(c) >= 0; });
}

std::optional<picture> read_picture(std::string_view base64) {
  if (base64.size() % 4 != 0)
    return std::nullopt;
  auto head = decode(base64.substr(0, head_chars));
  auto end = decode(base64.substr(base64.size() > end_chars ? base64.size() - end_chars : 0));
  byte_reader in{head};
  for (auto& found : {png(in, end), jpeg(in, end), gif(in, end), webp(in)})
    if (found && found->width > 0 && found->height > 0)
      return found;
  return std::nullopt;
}

bool is_pdf(std::string_view base64) {
  return decode(base64.substr(0, 8)).starts_with("%PDF-");
}

std::optional<data_url> split_data_url(std::string_view url) {
  if (!url.starts_with("data:"))
    return std::nullopt;
  url.remove_prefix(5);
  auto comma = url.find(',');
  if (comma == std::string_view::npos || !url.substr(0, comma).ends_with(";base64"))
    return std::nullopt;
  auto type = url.substr(0, comma - 7);
  return data_url{std::string{type.substr(0, type.find(';'))}, url.substr(comma + 1)};
}

} // namespace varro::bench
