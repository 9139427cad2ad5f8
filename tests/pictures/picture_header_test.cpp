#include "pictures/picture_header.hpp"
#include "tests/support/sample_pictures.hpp"

#include <doctest/doctest.h>
#include <random>
#include <string>

using namespace varro;
using namespace std::string_literals;

namespace {

void check_header(const std::string& bytes, picture_format type, uint32_t width, uint32_t height) {
  auto header = read_picture_header(bytes);
  CHECK(header.type == type);
  CHECK(header.width == width);
  CHECK(header.height == height);
}

// A JPEG up to its frame, with an EXIF segment of this orientation before it.
std::string jpeg_head(int orientation) {
  auto exif = "Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0"s + static_cast<char>(orientation) + "\0\0\0\0\0\0"s;
  return "\xff\xd8\xff\xe1\0"s + static_cast<char>(exif.size() + 2) + exif
    + "\xff\xc2\0\x11\x08\x01\x02\x03\x04\3\1\x22\0\2\x11\1\3\x11\1"s;
}

} // namespace

TEST_CASE("A picture's type and size are read from its first bytes") {
  check_header(test::png_picture(640, 480).substr(0, 24), picture_format::png, 640, 480);
  check_header("GIF89a\x10\0\x20\x01"s, picture_format::gif, 16, 288);
  check_header("RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x1f\0\0"s, picture_format::webp, 16, 32);
  check_header("RIFF\0\0\0\0WEBPVP8L\x0a\0\0\0\x2f\x0f\xc0\x07\0\0\0\0\0\0"s, picture_format::webp, 16, 32);
  check_header("RIFF\0\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x10\0\x20\0"s, picture_format::webp, 16, 32);
  check_header("BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0\x10\0\0\0\xe0\xff\xff\xff"s, picture_format::bmp, 16, 32);
  check_header("II*\0\x08\0\0\0\2\0\0\1\3\0\1\0\0\0\x10\0\0\0\1\1\4\0\1\0\0\0\x20\0\0\0"s, picture_format::tiff, 16,
               32);
  check_header(jpeg_head(1), picture_format::jpeg, 772, 258);
}

TEST_CASE("A JPEG's size is told even behind much metadata, and missing where the bytes end before it") {
  auto bytes = jpeg_head(6);
  auto long_comment = "\xff\xfe\xff\xff"s + std::string(65'533, 'c');
  check_header(bytes.substr(0, 2) + long_comment + long_comment + bytes.substr(2), picture_format::jpeg, 772, 258);
  check_header(bytes.substr(0, 2) + long_comment.substr(0, 1000), picture_format::jpeg, 0, 0);
}

TEST_CASE("How the camera was held is read from EXIF, and upright where there is nothing or nonsense") {
  for (int orientation : {1, 3, 6, 8})
    CHECK(jpeg_orientation(jpeg_head(orientation)) == orientation);
  CHECK(jpeg_orientation(jpeg_head(9)) == 1);
  CHECK(jpeg_orientation("\xff\xd8\xff\xe0\0\4ab"s) == 1);
  CHECK(jpeg_orientation(test::png_picture(1, 1)) == 1);
}

TEST_CASE("Bytes that are no picture have no type") {
  for (const auto& bytes :
       {""s, "cut off"s, "\x89PNG\r\n\x1a\n"s, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"s, "GIF8"s,
        "RIFF\0\0\0\0WAVEfmt \0\0\0\0\0\0\0\0\0\0\0\0\0\0"s, "BM and then words of thirty bytes"s})
    CHECK(read_picture_header(bytes).type == picture_format::none);
  CHECK(media_type_of(picture_format::none).empty());
}

TEST_CASE("A size of nothing is no size") {
  CHECK_FALSE(read_picture_header(test::lying_png(0, 10)).has_size());
  CHECK(read_picture_header(test::lying_png(1, 10)).has_size());
}

TEST_CASE("No beginning and no damage of a header makes reading it fail") {
  std::minstd_rand random{7};
  for (const auto& whole : {test::png_picture(9, 9), jpeg_head(6), "II*\0\x08\0\0\0\xff\xff\0\1\3\0\1\0\0\0\x10\0\0\0"s,
                            "MM\0*\xff\xff\xff\xff"s, "RIFF\0\0\0\0WEBPVP8L\x0a\0\0\0\x2f\x0f\xc0\x07\0\0\0\0\0\0"s})
    for (size_t size = 0; size <= whole.size(); ++size) {
      auto bytes = whole.substr(0, size);
      read_picture_header(bytes);
      for (int i = 0; i < 20 && size > 0; ++i) {
        bytes[random() % size] = static_cast<char>(random());
        auto header = read_picture_header(bytes);
        CHECK((header.type != picture_format::none || !header.has_size()));
        jpeg_orientation(bytes);
      }
    }
}

TEST_CASE("A PDF is known by its mark, which may stand behind some other bytes") {
  auto marked_at = [](size_t at) {
    std::string bytes;
    bytes.resize(at, ' ');
    bytes.append("%PDF-1.7");
    return bytes;
  };
  CHECK(looks_like_pdf(test::pdf_document(1)));
  CHECK(looks_like_pdf(marked_at(1'000)));
  CHECK_FALSE(looks_like_pdf(marked_at(1'024)));
  CHECK_FALSE(looks_like_pdf("PDF"));
}
