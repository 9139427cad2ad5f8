#include "base/base64.hpp"

#include <utility>

#include <doctest/doctest.h>

using namespace varro;

TEST_CASE("the vectors of RFC 4648 are encoded and decoded") {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(base64_encode(bytes) == text);
    CHECK(base64_decode(text) == bytes);
    CHECK(base64_decode(text.substr(0, text.find('='))) == bytes); // padding is optional
  }
}

TEST_CASE("both alphabets are read, but not mixed") {
  CHECK(base64_encode("\xfb\xff") == "+/8=");
  CHECK(base64url_encode("\xfb\xff") == "-_8=");
  CHECK(base64_decode("+/8=") == "\xfb\xff");
  CHECK(base64_decode("-_8=") == "\xfb\xff");
  CHECK(!base64_decode("+_8="));
}

TEST_CASE("what is no base64 is refused") {
  for (std::string_view text : {"A", "A===", "AAAA=", "AB==C", "A A=", "AB=", "A\xc3\xa9="})
    CHECK_MESSAGE(!base64_decode(text), text);
  CHECK(!base64_decode("Zh==")); // bits that belong to no byte
}
