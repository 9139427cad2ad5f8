#include "bench/pictures.hpp"
#include "tests/bench/pictures_of.hpp"

#include <doctest/doctest.h>

using namespace varro::bench;

namespace {

std::string told(const std::string& bytes) {
  auto found = read_picture(base64_of(bytes));
  return found ? found->media_type + " " + std::to_string(found->width) + "x" + std::to_string(found->height) : "none";
}

} // namespace

TEST_CASE("a picture's size is read from its head, in every kind that vendors take") {
  auto png = read_picture(png_of(640, 480));
  REQUIRE(png);
  CHECK(png->width == 640);
  CHECK(png->height == 480);
  std::string jpeg{"\xff\xd8\xff\xe0\x00\x04\x01\x02\xff\xc0\x00\x11\x08\x01\xe0\x02\x80\x03", 18};
  CHECK(told(jpeg + std::string(12, 'x') + "\xff\xd9") == "image/jpeg 640x480");
  std::string gif{"GIF89a\x80\x02\xe0\x01\x00\x00\x00", 13};
  CHECK(told(gif + ";") == "image/gif 640x480");
  std::string lossy{"RIFF____WEBPVP8 ____\x00\x00\x00\x9d\x01\x2a\x80\x02\xe0\x01", 30};
  CHECK(told(lossy) == "image/webp 640x480");
  std::string extended{"RIFF____WEBPVP8X____\x00\x00\x00\x00\x7f\x02\x00\xdf\x01\x00", 30};
  CHECK(told(extended) == "image/webp 640x480");
}

TEST_CASE("what is no picture, or ends in its middle, is none") {
  CHECK(told("") == "none");
  CHECK(told("<svg/>") == "none");
  CHECK(told(std::string{"\x89PNG\r\n\x1a\n", 8}) == "none");
  CHECK(!read_picture(png_of(640, 480).substr(0, 40)));
  CHECK(!read_picture(png_of(0, 480)));
  CHECK(told(std::string{"\xff\xd8\xff\xe0\xff\xff", 6} + "\xff\xd9") == "none"); // a segment beyond the end
  std::string filled(66, '\xff');                                                 // fill bytes without end
  filled.back() = '\xd9';
  CHECK(told(filled) == "none");
}

TEST_CASE("base64 and data URLs are read strictly") {
  CHECK(is_base64("AAA="));
  CHECK(is_base64("AA=="));
  CHECK(!is_base64(""));
  CHECK(!is_base64("AAA"));
  CHECK(!is_base64("A==="));
  CHECK(!is_base64("AA-_"));
  auto url = split_data_url("data:image/png;base64,AAAA");
  REQUIRE(url);
  CHECK(url->media_type == "image/png");
  CHECK(url->base64 == "AAAA");
  CHECK(!split_data_url("data:image/png,AAAA"));
  CHECK(!split_data_url("https://example.org/a.png"));
}
