#include "base/text.hpp"

#include <doctest/doctest.h>

using namespace varro;

TEST_CASE("Only the letters A to Z become small") {
  CHECK(ascii_lower("@AZ[`az{ 09 \xc3\x89") == "@az[`az{ 09 \xc3\x89");
  CHECK(ascii_lower("").empty());
}

TEST_CASE("Everything but unreserved characters is percent-encoded, and what a place allows besides") {
  CHECK(percent_encode("azAZ09-._~") == "azAZ09-._~");
  CHECK(percent_encode("a/b:c@d %\xff") == "a%2Fb%3Ac%40d%20%25%FF");
  CHECK(percent_encode("a/b:c@d e", "/:@") == "a/b:c@d%20e");
}

TEST_CASE("Words stand between separators, and no more are read than wanted") {
  using words = std::vector<std::string_view>;
  CHECK(words_of("-gpt--5.6_sol-", "-_") == words{"gpt", "5.6", "sol"});
  CHECK(words_of("a-b-c", "-", 2) == words{"a", "b"});
  CHECK(words_of("--", "-").empty());
}

TEST_CASE("hexadecimal digits have their values, and nothing else has one") {
  CHECK(hex_value('0') == 0);
  CHECK(hex_value('9') == 9);
  CHECK(hex_value('a') == 10);
  CHECK(hex_value('F') == 15);
  for (const char c : {'/', ':', '@', 'G', '`', 'g', '\0', '\xff'})
    CHECK(hex_value(c) == -1);
}

TEST_CASE("a number has sixteen hexadecimal digits") {
  CHECK(to_hex(uint64_t{0}) == "0000000000000000");
  CHECK(to_hex(uint64_t{0x1f}) == "000000000000001f");
  CHECK(to_hex(~uint64_t{0}) == "ffffffffffffffff");
}

TEST_CASE("tokens of HTTP are letters, digits and some marks, and not empty") {
  CHECK(is_http_token("X-Request_Id"));
  CHECK(is_http_token("!#$%&'*+-.^_`|~09azAZ"));
  for (const auto* text : {"", " ", "a b", "a:", "(a)", "a,b", "a/b", "\"a\"", "a\t", "\x7f", "\xc3\xa4"})
    CHECK_FALSE(is_http_token(text));
  CHECK_FALSE(is_http_token(std::string_view{"a\0", 2}));
}

TEST_CASE("control characters are those of ASCII, wherever they stand") {
  using namespace std::string_view_literals;
  for (auto text : {"a\tb"sv, "\na"sv, "a\r"sv, "a\0b"sv, "\x1f"sv, "\x7f"sv})
    CHECK(has_control_characters(text));
  for (auto text : {""sv, " a~"sv, "\xc3\xa9"sv, "\xc2\x80"sv, "\xff"sv})
    CHECK_FALSE(has_control_characters(text));
}

TEST_CASE("blanks go at both ends only") {
  CHECK(trim(" \t\r\n\f\va b\v ") == "a b");
  CHECK(trim("  ").empty());
  CHECK(trim("xax", "x") == "a");
  CHECK(is_blank(" \t\r\n\f\v"));
  CHECK(is_blank(""));
  CHECK(!is_blank("\xc2\xa0"));
}

TEST_CASE("percent-encoded text is decoded, and what is malformed is refused") {
  CHECK(percent_decode("a%2Fb%20c+d", false) == "a/b c+d");
  CHECK(percent_decode("a+b%2B", true) == "a b+");
  for (auto text : {"%", "%4", "%4g", "a%"})
    CHECK(!percent_decode(text, false));
}

TEST_CASE("bytes have two hexadecimal digits each") {
  CHECK(to_hex(std::string_view{"\0\x0f\xff", 3}) == "000fff");
}

TEST_CASE("a size is read in the largest unit of which it has one") {
  CHECK(byte_count(0) == "0 bytes");
  CHECK(byte_count(1) == "1 byte");
  CHECK(byte_count(1'023) == "1023 bytes");
  CHECK(byte_count(1'024) == "1.0 KiB");
  CHECK(byte_count(1'536 << 10) == "1.5 MiB");
  CHECK(byte_count(uint64_t{5'000} << 40) == "5000.0 TiB");
}
