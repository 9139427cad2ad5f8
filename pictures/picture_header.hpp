// What the first bytes of a file tell: its true type and, for pictures, their size. Nothing is decoded.
//
// The bytes are hostile and may be cut anywhere. Pure functions, any thread; time is linear in the bytes.
#pragma once

#include <cstdint>
#include <string_view>

namespace varro {

enum class picture_format : uint8_t { none, png, jpeg, gif, webp, bmp, tiff };

struct picture_header {
  picture_format type = picture_format::none; // none: no picture of a known type
  uint32_t width = 0;                         // pixels; both 0: these bytes do not tell
  uint32_t height = 0;

  bool has_size() const noexcept {
    return width > 0 && height > 0;
  }
};

// By the bytes, whatever the file calls itself. A JPEG's size may stand behind much metadata: with a prefix of the file
// it can be missing, while the whole file tells it.
picture_header read_picture_header(std::string_view bytes) noexcept;

// How a phone held the camera: the EXIF orientation of a JPEG, 1 (upright) to 8; 1 when there is none.
int jpeg_orientation(std::string_view bytes) noexcept;

// "image/png"…; "" for none.
std::string_view media_type_of(picture_format type) noexcept;

// PDF readers look for the mark in the first 1,024 bytes.
bool looks_like_pdf(std::string_view bytes) noexcept;

} // namespace varro
