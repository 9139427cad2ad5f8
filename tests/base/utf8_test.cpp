#include "base/utf8.hpp"

#include <doctest/doctest.h>

using namespace varro;

TEST_CASE("only well-formed characters are UTF-8, and none of them is NUL") {
  for (std::string_view text : {"", "a", "é", "€", "\xf0\x9f\x98\x80", "\x7f", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"})
    CHECK(is_utf8(text));
  // A stray continuation, overlong forms, a surrogate, what lies beyond Unicode, and what is cut off.
  for (std::string_view text : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xed\xa0\x80",
                                "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xc3", "\xe2\x82", "a\xff"})
    CHECK(!is_utf8(text));
  CHECK(!is_utf8(std::string_view{"a\0b", 3}));
}

TEST_CASE("what is decoded is appended again as it was") {
  for (std::string_view text : {"a", "é", "€", "\xf0\x9f\x98\x80"}) {
    char32_t character = 0;
    CHECK(decode_utf8(text, character) == text.size());
    std::string again;
    append_utf8(again, character);
    CHECK(again == text);
  }
  char32_t character = 0;
  CHECK(decode_utf8("\xe2\x82", character) == 0);
}

TEST_CASE("text is cut between characters, and they are counted") {
  CHECK(clip_utf8("aé", 3) == "aé");
  CHECK(clip_utf8("aé", 2) == "a");
  CHECK(clip_utf8("aé", 1) == "a");
  CHECK(clip_utf8("é", 1).empty());
  CHECK(clip_utf8("", 0).empty());
  CHECK(code_points("aé€") == 3);
  CHECK(code_points("") == 0);
}
