#include "pictures/decoder/coded_picture.hpp"

#include <algorithm>
#include <string_view>

namespace varro {

namespace {

// `strict`: damage that a JPEG decoder could paint over is an error too.
image decode(picture_format type, const std::string& bytes, bool strict) {
  const int size = static_cast<int>(bytes.size());
  void* data = const_cast<char*>(bytes.data()); // libgd only reads
  switch (type) {
  case picture_format::png:
    return image{gdImageCreateFromPngPtr(size, data)};
  case picture_format::jpeg:
    return image{gdImageCreateFromJpegPtrEx(size, data, strict ? 0 : 1)};
  case picture_format::gif:
    return image{gdImageCreateFromGifPtr(size, data)};
  case picture_format::webp:
    return image{gdImageCreateFromWebpPtr(size, data)};
  case picture_format::bmp:
    return image{gdImageCreateFromBmpPtr(size, data)};
  case picture_format::tiff:
    return image{gdImageCreateFromTiffPtr(size, data)};
  case picture_format::none:
    break;
  }
  return {};
}

// libgd does not read a PNG to its end; others complain when that is missing.
bool has_png_end(std::string_view bytes) {
  for (size_t at = 8; at + 12 <= bytes.size();) {
    uint64_t length = 0;
    for (size_t i = 0; i < 4; ++i)
      length = length << 8 | static_cast<unsigned char>(bytes[at + i]);
    if (bytes.substr(at + 4, 4) == "IEND")
      return true;
    if (length > bytes.size())
      break;
    at += 12 + length;
  }
  return false;
}

// Turns what a camera held another way upright. Orientations from 5 on swap the axes.
image upright(const image& from, int orientation) {
  const int width = gdImageSX(from), height = gdImageSY(from);
  const bool swaps = orientation >= 5;
  auto made = blank_image(swaps ? height : width, swaps ? width : height);
  if (!made)
    return made;
  const bool mirrored_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirrored_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  for (int y = 0; y < gdImageSY(made); ++y)
    for (int x = 0; x < gdImageSX(made); ++x) {
      int from_x = swaps ? y : x, from_y = swaps ? x : y;
      if (mirrored_x)
        from_x = width - 1 - from_x;
      if (mirrored_y)
        from_y = height - 1 - from_y;
      gdImageTrueColorPixel(made, x, y) = gdImageTrueColorPixel(from, from_x, from_y);
    }
  return made;
}

// The library takes a JPEG that was cut off for a whole one, which vendors do not.
bool has_jpeg_end(const std::string& bytes) {
  return bytes.ends_with("\xFF\xD9");
}

bool may_stay(const picture_header& header, const std::string& bytes, const picture_target& target, int orientation) {
  const bool type_fits = header.type == picture_format::png || header.type == picture_format::jpeg
    || (header.type == picture_format::webp && target.webp);
  return type_fits && orientation == 1 && std::max(header.width, header.height) <= target.edge_px_max
    && bytes.size() <= target.whole_bytes_max && (header.type != picture_format::png || has_png_end(bytes))
    && (header.type != picture_format::jpeg || has_jpeg_end(bytes));
}

} // namespace

looked_at look_at_picture(const std::string& bytes, const picture_target& target) {
  silence_libgd();
  const auto header = read_picture_header(bytes);
  if (!header.has_size() || uint64_t{header.width} * header.height > picture_pixels_max)
    return {};
  const int orientation = jpeg_orientation(bytes);
  if (may_stay(header, bytes, target, orientation) && decode(header.type, bytes, true))
    return {picture_result::verdict::whole, header.type, {}, 0, {}};
  auto picture = decode(header.type, bytes, false);
  if (!picture)
    return {};
  if (!gdImageTrueColor(picture) && !gdImagePaletteToTrueColor(picture.get()))
    return {};
  const auto size = scaled_size(static_cast<uint32_t>(gdImageSX(picture)), static_cast<uint32_t>(gdImageSY(picture)),
                                target.edge_px_max);
  if (static_cast<int>(size.width) != gdImageSX(picture) || static_cast<int>(size.height) != gdImageSY(picture))
    picture = scaled_image(picture, size);
  if (picture && orientation != 1)
    picture = upright(picture, orientation);
  return coded_picture(std::move(picture), header.type == picture_format::jpeg, target.changed_bytes_max);
}

} // namespace varro
