#include "http/file_types.hpp"

#include <doctest/doctest.h>

using namespace varro;

TEST_CASE("only raster images are shown, and a file's name cannot break its header") {
  CHECK(is_shown_inline(media_type_of("a.PNG")));
  for (std::string name : {"a.svg", "a.html", "a.pdf", "a", "a.exe"})
    CHECK_FALSE(is_shown_inline(media_type_of(name)));
  CHECK(content_disposition("attachment", "a\"\r\nX: é.csv")
        == "attachment; filename=\"a___X: __.csv\"; filename*=UTF-8''a%22%0D%0AX%3A%20%C3%A9.csv");
}
