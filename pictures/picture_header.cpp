#include "pictures/picture_header.hpp"

#include <algorithm>
#include <cstddef>

namespace varro {

namespace {

// Numbers at a place of the bytes; 0 beyond their end.
class reader {
public:
  explicit reader(std::string_view bytes, bool big = true) noexcept : bytes_(bytes), big_(big) {}

  uint32_t number(size_t at, size_t size) const noexcept {
    if (at > bytes_.size() || bytes_.size() - at < size)
      return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i)
      value = value << 8 | static_cast<unsigned char>(bytes_[at + (big_ ? i : size - 1 - i)]);
    return value;
  }
  uint32_t u8(size_t at) const noexcept {
    return number(at, 1);
  }
  uint32_t u16(size_t at) const noexcept {
    return number(at, 2);
  }
  uint32_t u32(size_t at) const noexcept {
    return number(at, 4);
  }

private:
  std::string_view bytes_;
  bool big_;
};

using std::string_view_literals::operator""sv;

picture_header png_header(std::string_view bytes) noexcept {
  reader in{bytes};
  if (bytes.substr(12, 4) != "IHDR"sv)
    return {};
  return {picture_format::png, in.u32(16), in.u32(20)};
}

picture_header gif_header(std::string_view bytes) noexcept {
  reader in{bytes, false};
  return {picture_format::gif, in.u16(6), in.u16(8)};
}

picture_header webp_header(std::string_view bytes) noexcept {
  reader in{bytes, false};
  auto chunk = bytes.substr(12, 4);
  if (chunk == "VP8X"sv)
    return {picture_format::webp, in.number(24, 3) + 1, in.number(27, 3) + 1};
  if (chunk == "VP8L"sv && in.u8(20) == 0x2f) {
    auto bits = in.u32(21);
    return {picture_format::webp, (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1};
  }
  if (chunk == "VP8 "sv && bytes.substr(23, 3) == "\x9d\x01\x2a"sv)
    return {picture_format::webp, in.u16(26) & 0x3fff, in.u16(28) & 0x3fff};
  return {};
}

picture_header bmp_header(std::string_view bytes) noexcept {
  reader in{bytes, false};
  auto head = in.u32(14);
  if (head == 12)
    return {picture_format::bmp, in.u16(18), in.u16(20)};
  if (head < 40 || head > 124)
    return {};
  // The height is negative when the rows come from the top.
  auto height = in.u32(22);
  return {picture_format::bmp, in.u32(18), height > 0x7fffffff ? 0u - height : height};
}

constexpr uint32_t tag_width = 256;
constexpr uint32_t tag_height = 257;
constexpr uint32_t tag_orientation = 274;
constexpr uint32_t entries_max = 512;

// A number of the first directory of a TIFF, which is also the form of EXIF; 0 when there is none.
uint32_t tiff_number(std::string_view bytes, uint32_t wanted) noexcept {
  reader in{bytes, bytes.starts_with("MM"sv)};
  size_t directory = in.u32(4);
  auto count = std::min(in.u16(directory), entries_max);
  for (uint32_t i = 0; i < count; ++i) {
    auto entry = directory + 2 + size_t{12} * i;
    constexpr uint32_t type_short = 3, type_long = 4;
    auto type = in.u16(entry + 2);
    if (in.u16(entry) == wanted && (type == type_short || type == type_long))
      return type == type_short ? in.u16(entry + 8) : in.u32(entry + 8);
  }
  return 0;
}

bool is_tiff(std::string_view bytes) noexcept {
  return bytes.starts_with("II*\0"sv) || bytes.starts_with("MM\0*"sv);
}

struct jpeg_segment {
  uint32_t marker = 0;       // 0: there is none
  std::string_view contents; // may be cut
  size_t next = 0;
};

// The segment at a place. Pictures begin with a run of them; after SOS come coded bytes, which are none.
jpeg_segment segment_at(std::string_view bytes, size_t at) noexcept {
  reader in{bytes};
  if (in.u8(at) != 0xff)
    return {};
  while (in.u8(at + 1) == 0xff) // fill bytes
    ++at;
  auto marker = in.u8(at + 1);
  if (marker == 0)
    return {};
  if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8))
    return {marker, {}, at + 2};
  auto length = in.u16(at + 2);
  if (length < 2)
    return {};
  return {marker, bytes.substr(std::min(at + 4, bytes.size()), length - 2), at + 2 + length};
}

constexpr uint32_t start_of_scan = 0xda;

bool is_frame(uint32_t marker) noexcept {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

picture_header jpeg_header(std::string_view bytes) noexcept {
  for (auto segment = segment_at(bytes, 2); segment.marker != 0; segment = segment_at(bytes, segment.next)) {
    if (is_frame(segment.marker)) {
      reader in{segment.contents};
      return {picture_format::jpeg, in.u16(3), in.u16(1)};
    }
    if (segment.marker == start_of_scan)
      break;
  }
  return {picture_format::jpeg, 0, 0};
}

} // namespace

picture_header read_picture_header(std::string_view bytes) noexcept {
  picture_header header;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv) && bytes.size() >= 24)
    header = png_header(bytes);
  else if (bytes.starts_with("\xff\xd8\xff"sv))
    header = jpeg_header(bytes);
  else if ((bytes.starts_with("GIF87a"sv) || bytes.starts_with("GIF89a"sv)) && bytes.size() >= 10)
    header = gif_header(bytes);
  else if (bytes.starts_with("RIFF"sv) && bytes.size() >= 30 && bytes.substr(8, 4) == "WEBP"sv)
    header = webp_header(bytes);
  else if (bytes.starts_with("BM"sv) && bytes.size() >= 26)
    header = bmp_header(bytes);
  else if (is_tiff(bytes) && bytes.size() >= 8)
    header = {picture_format::tiff, tiff_number(bytes, tag_width), tiff_number(bytes, tag_height)};
  if (!header.has_size())
    header.width = header.height = 0;
  return header;
}

int jpeg_orientation(std::string_view bytes) noexcept {
  if (!bytes.starts_with("\xff\xd8\xff"sv))
    return 1;
  constexpr uint32_t application_1 = 0xe1;
  for (auto segment = segment_at(bytes, 2); segment.marker != 0 && segment.marker != start_of_scan;
       segment = segment_at(bytes, segment.next))
    if (segment.marker == application_1 && segment.contents.starts_with("Exif\0\0"sv)) {
      auto exif = segment.contents.substr(6);
      auto found = is_tiff(exif) ? tiff_number(exif, tag_orientation) : 0;
      return found >= 1 && found <= 8 ? static_cast<int>(found) : 1;
    }
  return 1;
}

std::string_view media_type_of(picture_format type) noexcept {
  switch (type) {
  case picture_format::png:
    return "image/png";
  case picture_format::jpeg:
    return "image/jpeg";
  case picture_format::gif:
    return "image/gif";
  case picture_format::webp:
    return "image/webp";
  case picture_format::bmp:
    return "image/bmp";
  case picture_format::tiff:
    return "image/tiff";
  case picture_format::none:
    break;
  }
  return "";
}

bool looks_like_pdf(std::string_view bytes) noexcept {
  return bytes.substr(0, 1024).find("%PDF-") != std::string_view::npos;
}

} // namespace varro
