#include "base/address.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

std::string normal(std::string_view text) {
  auto address = parse_address(text);
  return address ? to_text(*address) : "none";
}

bool holds(std::string_view range, std::string_view address) {
  auto parsed = parse_range(range);
  REQUIRE(parsed);
  auto looked_for = parse_address(address);
  REQUIRE(looked_for);
  return parsed->contains(*looked_for);
}

std::string refusal(std::string_view range) {
  auto parsed = parse_range(range);
  return parsed ? "none" : text_of(parsed.error());
}

} // namespace

TEST_CASE("an address is read in any of its forms and written in the usual one") {
  CHECK(normal("192.0.2.1") == "192.0.2.1");
  CHECK(normal("2001:DB8:0:0::1") == "2001:db8::1");
  CHECK(normal("::1") == "::1");
  CHECK(normal("::ffff:192.0.2.1") == "192.0.2.1"); // as a socket of both kinds has it
  CHECK(parse_address("::ffff:192.0.2.1") == parse_address("192.0.2.1"));
  CHECK(parse_address("192.0.2.1")->is_v4());
  CHECK_FALSE(parse_address("::1")->is_v4());
}

TEST_CASE("what is no address is none") {
  for (std::string_view text : {"", " ", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1 ", "192.0.2.1:80", "[::1]",
                                "fe80::1%eth0", "::1::", "localhost", "0x7f000001", "2130706433", "192.0.2.1/32"}) {
    CAPTURE(text);
    CHECK(normal(text) == "none");
  }
  CHECK_FALSE(parse_address(std::string_view{"192.0.2.1\0x", 11}));
  CHECK_FALSE(parse_address("192.0.2.1" + std::string(100, '0')));
}

TEST_CASE("a range holds the addresses with its prefix, and no other") {
  CHECK(holds("10.0.0.0/8", "10.255.255.255"));
  CHECK_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  CHECK_FALSE(holds("10.0.0.0/8", "9.255.255.255"));
  CHECK(holds("192.0.2.128/25", "192.0.2.128"));
  CHECK_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
  CHECK(holds("192.0.2.1", "192.0.2.1"));
  CHECK(holds("192.0.2.1/32", "192.0.2.1"));
  CHECK_FALSE(holds("192.0.2.1", "192.0.2.2"));
  CHECK(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
  CHECK(holds("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  CHECK(holds("::1", "::1"));
}

TEST_CASE("a range of one kind holds no address of the other, however wide it is") {
  CHECK_FALSE(holds("::/1", "10.0.0.1"));
  CHECK_FALSE(holds("::/80", "10.0.0.1"));
  CHECK_FALSE(holds("0.0.0.0/1", "::1"));
  CHECK(holds("::/1", "::1"));
}

TEST_CASE("a range that cannot be meant is refused with what is the matter") {
  for (std::string_view text : {"", "proxy", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/ 8",
                                "2001:db8::/129", "10.0.0.0/8/8", "/8", "10.0.0.0-10.0.0.9"}) {
    CAPTURE(text);
    CHECK(refusal(text) != "none");
  }
  CHECK(refusal("10.1.2.3/8").ends_with("it is written 10.0.0.0/8"));
  CHECK(refusal("2001:db8::1/32").ends_with("it is written 2001:db8::/32"));
  CHECK(refusal("0.0.0.0/0").ends_with("would hold everybody"));
  CHECK(refusal("::/0").ends_with("would hold everybody"));
}
