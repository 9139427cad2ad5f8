// The real varro-pictures, which stands beside the test.
#include "base/base64.hpp"
#include "models/message_json.hpp"
#include "pictures/picture_header.hpp"
#include "pictures/picture_process.hpp"
#include "tests/support/sample_pictures.hpp"

#include <algorithm>
#include <cstring>
#include <doctest/doctest.h>
#include <random>

using namespace varro;
using verdict = picture_result::verdict;

namespace {

constexpr picture_target usual{1568, 768u << 10, 384u << 10, true};

picture_result look(picture_process& process, const std::string& bytes, picture_target target = usual) {
  picture_job job;
  job.target = target;
  job.data = bytes;
  auto result = process.look(job);
  REQUIRE_MESSAGE(result, text_of(result.error()));
  return *result;
}

picture_result look_at_document(picture_process& process, const std::string& bytes, uint32_t text_bytes_max = 0,
                                uint16_t pages_drawn_max = 0) {
  picture_job job;
  job.target = {1568, 0, 256u << 10, false, text_bytes_max, pages_drawn_max};
  job.what = picture_job::kind::document;
  job.data = bytes;
  auto result = process.look(job);
  REQUIRE_MESSAGE(result, text_of(result.error()));
  return *result;
}

std::string bytes_of(const picture_result& result) {
  return base64_decode(result.data).value_or("");
}

} // namespace

TEST_CASE("A small sound picture stays as it is, under its true type") {
  picture_process process;
  auto result = look(process, test::png_picture(640, 480));
  CHECK(result.what == verdict::whole);
  CHECK(result.media_type == "image/png");
  CHECK(result.data.empty());
}

TEST_CASE("A plot of 300 dpi is made smaller, and the same each time") {
  picture_process first, second;
  auto plot = test::png_picture(2905, 1977);
  auto result = look(first, plot);
  CHECK(result.what == verdict::changed);
  CHECK(result.media_type == "image/png");
  auto header = read_picture_header(bytes_of(result));
  CHECK(header.width == 1568);
  CHECK(header.height == 1067);
  CHECK(look(second, plot).data == result.data);
  CHECK(look(first, bytes_of(result)).what == verdict::whole);
}

TEST_CASE("A picture of too many bytes becomes a JPEG of few enough") {
  picture_process process;
  auto result = look(process, test::png_picture(1200, 900, true));
  CHECK(result.what == verdict::changed);
  CHECK(result.media_type == "image/jpeg");
  CHECK(bytes_of(result).size() <= usual.changed_bytes_max);
  auto tiny = look(process, test::png_picture(1200, 900, true), {1568, 3u << 10, 3u << 10, true});
  CHECK(tiny.what == verdict::changed);
  CHECK(bytes_of(tiny).size() <= 3u << 10);
}

TEST_CASE("A cut JPEG is made anew, and a cut PNG is no picture") {
  picture_process process;
  auto jpeg = bytes_of(look(process, test::png_picture(300, 200, true), {1568, 1, 60u << 10, true}));
  REQUIRE(read_picture_header(jpeg).type == picture_format::jpeg);
  CHECK(look(process, jpeg).what == verdict::whole);
  auto half = look(process, jpeg.substr(0, jpeg.size() / 2));
  CHECK(half.what == verdict::changed);
  CHECK(look(process, bytes_of(half)).what == verdict::whole);

  auto png = test::png_picture(300, 200, true);
  CHECK(look(process, png.substr(0, png.size() / 2)).what == verdict::unreadable);
  CHECK(look(process, png.substr(0, png.size() - 12)).what != verdict::whole); // without its end
}

TEST_CASE("Bytes that are no picture are none, and the next picture is looked at as before") {
  picture_process process;
  for (const auto& bytes : {std::string{"cut off"}, std::string{}, std::string{"<svg/>"}, test::pdf_document(1)})
    CHECK(look(process, bytes).what == verdict::unreadable);
  CHECK(look(process, test::png_picture(8, 8)).what == verdict::whole);
}

TEST_CASE("A picture that claims more pixels than are decoded is none, and costs no memory") {
  picture_process process;
  CHECK(look(process, test::lying_png(60'000, 60'000)).what == verdict::unreadable);
  CHECK(look(process, test::lying_png(8'000, 8'000)).what == verdict::unreadable);
  CHECK(look(process, test::png_picture(8'000, 8'000)).what == verdict::changed);
}

TEST_CASE("Damaged pictures of every kind end their own look only") {
  picture_process process;
  std::minstd_rand random{3};
  auto jpeg = bytes_of(look(process, test::png_picture(60, 60, true), {1568, 1, 8u << 10, true}));
  REQUIRE(read_picture_header(jpeg).type == picture_format::jpeg);
  auto tiff = std::string{"II*\0\x08\0\0\0\2\0\0\1\3\0\1\0\0\0\x10\0\0\0\1\1\4\0\1\0\0\0\x20\0\0\0", 34};
  auto webp = std::string{"RIFF\x40\0\0\0WEBPVP8L\x0a\0\0\0\x2f\x0f\xc0\x07\0\0\0\0\0\0", 30} + std::string(40, 'w');
  for (const auto& sound : {test::png_picture(60, 60, true), jpeg, tiff, webp})
    for (int i = 0; i < 25; ++i) {
      auto bytes = sound;
      for (int k = 0; k < 8; ++k)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      look(process, bytes);
    }
  CHECK(look(process, test::png_picture(8, 8)).what == verdict::whole);
}

TEST_CASE("The pages of a PDF are counted") {
  picture_process process;
  auto result = look_at_document(process, test::pdf_document(17));
  CHECK(result.what == verdict::document);
  CHECK(result.pages == 17);
  CHECK(result.data.empty());
  CHECK(look_at_document(process, "%PDF-1.4 and nothing else").what == verdict::unreadable);
  CHECK(look_at_document(process, test::png_picture(8, 8)).what == verdict::unreadable);
}

TEST_CASE("The text of a PDF is read where it is wanted, up to a size and by whole characters") {
  picture_process process;
  auto document = test::pdf_document(3, "Umsatz \\344 2026"); // octal: a-umlaut
  auto result = look_at_document(process, document, 1'000);
  CHECK(result.pages == 3);
  CHECK(result.data.find("Umsatz \u00e4 2026") == 0);
  CHECK(std::count(result.data.begin(), result.data.end(), 'U') == 3);
  const auto clipped = look_at_document(process, document, 8).data;
  CHECK(clipped.find("Umsatz") == 0);
  CHECK(clipped.size() <= 8);
  CHECK(clipped.find('\xC3') == std::string::npos);
}

TEST_CASE("The first pages of a PDF are drawn where that is wanted, and fit as pictures do") {
  picture_process process;
  const std::string square = "1 0 0 rg 20 20 100 50 re f";
  auto result = look_at_document(process, test::pdf_document(5, "Umsatz", square), 1'000, 3);
  CHECK(result.what == verdict::document);
  CHECK(result.pages == 5);
  CHECK(result.data.find("Umsatz") == 0);
  REQUIRE(result.drawn.size() == 3);
  const auto page = base64_decode(result.drawn[0].data).value_or("");
  const auto header = read_picture_header(page);
  CHECK(result.drawn[0].media_type == "image/png");
  CHECK(header.width == 417); // 200 points at 150 dpi
  CHECK(header.height == 417);
  CHECK(look(process, page).what == verdict::whole);
  const auto blank = look_at_document(process, test::pdf_document(1, "Umsatz"), 0, 3);
  REQUIRE(blank.drawn.size() == 1);
  CHECK(blank.drawn[0].data != result.drawn[0].data);
  CHECK(blank.data.empty());
}

TEST_CASE("Pages of any size that a PDF claims are drawn within the limits or not at all") {
  picture_process process;
  for (const std::string box : {"0 0 100000000 200", "0 0 0 0", "0 0 200 0.001", "-50 -50 14400 14400", "7 7 3 3"}) {
    auto document = test::pdf_document(2, "Umsatz", "0 0 0 rg 0 0 50 50 re f");
    for (auto at = document.find("0 0 200 200"); at != std::string::npos; at = document.find("0 0 200 200"))
      document.replace(at, 11, box); // its table is wrong now, and poppler mends it
    auto result = look_at_document(process, document, 1'000, 2);
    CAPTURE(box);
    CHECK(result.what == verdict::document);
    for (const auto& page : result.drawn) {
      const auto header = read_picture_header(base64_decode(page.data).value_or(""));
      CHECK(std::max(header.width, header.height) <= 1568);
      CHECK(base64_decode(page.data)->size() <= 256u << 10);
    }
  }
}

TEST_CASE("Pages that take too long to draw cost their document neither text nor count") {
  picture_process process;
  for (const int areas : {4'000, 40'000}) { // some pages are drawn; the first one takes too long already
    std::string slow;
    for (int i = 0; i < areas; ++i)
      slow += "0 0 200 200 re f\n";
    auto result = look_at_document(process, test::pdf_document(40, "Umsatz", slow), 1'000, 40);
    CHECK(result.what == verdict::document);
    CHECK(result.pages == 40);
    CHECK(result.data.find("Umsatz") == 0);
    CHECK(result.drawn.size() < 40);
  }
}

TEST_CASE("Damaged documents end their own look only") {
  picture_process process;
  std::minstd_rand random{5};
  const auto sound = test::pdf_document(3, "Umsatz", "1 0 0 rg 20 20 100 50 re f");
  for (int i = 0; i < 40; ++i) {
    auto bytes = sound;
    for (int k = 0; k < 8; ++k)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    CHECK(look_at_document(process, bytes, 1'000, 3).drawn.size() <= 3);
  }
  CHECK(look_at_document(process, sound, 1'000, 3).drawn.size() == 3);
}

TEST_CASE("Pictures come as base64 of either alphabet, and other text is no picture") {
  picture_process process;
  auto png = test::png_picture(30, 30, true);
  auto look_at_text = [&](const std::string& text) {
    picture_job job;
    job.target = usual;
    job.data = text;
    job.is_base64 = true;
    return process.look(job)->what;
  };
  CHECK(look_at_text(base64_encode(png)) == verdict::whole);
  CHECK(look_at_text(base64url_encode(png)) == verdict::whole);
  CHECK(look_at_text("no base64!") == verdict::unreadable);
}

TEST_CASE("Without the program nobody looks, and that is an error") {
  picture_process process{"/nowhere/varro-pictures"};
  picture_job job;
  job.data = "x";
  CHECK_FALSE(process.look(job));
}
