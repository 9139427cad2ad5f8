#include "pictures/decoder/coded_picture.hpp"

#include <algorithm>
#include <array>
#include <cstdarg>

namespace varro {

namespace {

struct coded_deleter {
  void operator()(void* bytes) const noexcept {
    gdFree(bytes);
  }
};

constexpr std::array jpeg_qualities{85, 70, 50};
constexpr int opaque_white = gdTrueColorAlpha(255, 255, 255, gdAlphaOpaque);
constexpr uint32_t edge_px_min = 8;

bool is_opaque(const image& picture) {
  for (int y = 0; y < gdImageSY(picture); ++y)
    for (int x = 0; x < gdImageSX(picture); ++x)
      if (gdTrueColorGetAlpha(gdImageTrueColorPixel(picture, x, y)) != gdAlphaOpaque)
        return false;
  return true;
}

std::string taken(void* coded, int size) {
  std::unique_ptr<void, coded_deleter> owner{coded};
  return coded == nullptr ? std::string{} : std::string{static_cast<char*>(coded), static_cast<size_t>(size)};
}

std::string png_of(const image& picture) {
  gdImageSaveAlpha(picture.get(), is_opaque(picture) ? 0 : 1);
  int size = 0;
  auto* coded = gdImagePngPtr(picture.get(), &size);
  return taken(coded, size);
}

// JPEG has no transparency: what stands behind is white, as on the page.
std::string jpeg_of(const image& picture, int quality) {
  image flat{gdImageCreateTrueColor(gdImageSX(picture), gdImageSY(picture))};
  if (!flat)
    return {};
  gdImageFilledRectangle(flat.get(), 0, 0, gdImageSX(flat), gdImageSY(flat), opaque_white);
  gdImageAlphaBlending(flat.get(), 1);
  gdImageCopy(flat.get(), picture.get(), 0, 0, 0, 0, gdImageSX(picture), gdImageSY(picture));
  int size = 0;
  auto* coded = gdImageJpegPtr(flat.get(), &size, quality);
  return taken(coded, size);
}

void stay_silent(int, const char*, va_list) {}

} // namespace

void silence_libgd() {
  gdSetErrorMethod(stay_silent);
}

image blank_image(int width, int height) {
  image made{gdImageCreateTrueColor(width, height)};
  if (made) {
    gdImageAlphaBlending(made.get(), 0);
    gdImageSaveAlpha(made.get(), 1);
  }
  return made;
}

image scaled_image(const image& from, picture_size size) {
  auto made = blank_image(static_cast<int>(size.width), static_cast<int>(size.height));
  if (made)
    gdImageCopyResampled(made.get(), from.get(), 0, 0, 0, 0, gdImageSX(made), gdImageSY(made), gdImageSX(from),
                         gdImageSY(from));
  return made;
}

looked_at coded_picture(image picture, bool photograph, size_t bytes_max) {
  while (picture) {
    looked_at result{picture_result::verdict::changed, picture_format::png, {}, 0, {}};
    if (!photograph)
      result.bytes = png_of(picture);
    for (int quality : jpeg_qualities) {
      if (!result.bytes.empty() && result.bytes.size() <= bytes_max)
        return result;
      result.type = picture_format::jpeg;
      result.bytes = jpeg_of(picture, quality);
    }
    if (!result.bytes.empty() && result.bytes.size() <= bytes_max)
      return result;
    const auto edge = static_cast<uint32_t>(std::max(gdImageSX(picture), gdImageSY(picture))) * 3 / 4;
    if (edge < edge_px_min)
      break;
    picture = scaled_image(
      picture, scaled_size(static_cast<uint32_t>(gdImageSX(picture)), static_cast<uint32_t>(gdImageSY(picture)), edge));
    photograph = true;
  }
  return {};
}

} // namespace varro
