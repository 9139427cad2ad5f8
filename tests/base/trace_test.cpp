#include "base/trace.hpp"

#include <doctest/doctest.h>

using namespace varro;

TEST_CASE("ids are as many hexadecimal digits as the protocol has bytes") {
  CHECK(hex_of(trace_id{0x0af7651916cd43dd, 0x8448eb211c80319c}) == "0af7651916cd43dd8448eb211c80319c");
  CHECK(hex_of(uint64_t{0xb7}) == "00000000000000b7");
  CHECK_FALSE(new_trace_id() == new_trace_id());
  CHECK(new_span_id() != 0);
}

TEST_CASE("a traceparent is read as its specification has it, and anything else is none") {
  const auto parent = parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  REQUIRE(parent);
  CHECK(hex_of(parent->trace) == "0af7651916cd43dd8448eb211c80319c");
  CHECK(hex_of(parent->span) == "b7ad6b7169203331");
  CHECK(parent->sampled);
  CHECK_FALSE(parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")->sampled);
  CHECK(parse_traceparent("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"));
  for (const auto* none : {"", "00", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
                           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                           "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
                           "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01"})
    CHECK_MESSAGE(!parse_traceparent(none), none);
}

TEST_CASE("a share of all traces is chosen by the last 56 bits of their ids") {
  constexpr uint64_t half = uint64_t{1} << 55;
  CHECK(is_sampled({1, half - 1}, 0.5));
  CHECK_FALSE(is_sampled({1, half}, 0.5));
  CHECK(is_sampled({1, ~uint64_t{0}}, 1));
  CHECK_FALSE(is_sampled({1, 0}, 0));
  CHECK(is_sampled({1, uint64_t{0xff} << 56}, 0.001)); // the first 8 of 64 do not count
}

TEST_CASE("what vendors call things is cut at a whole character") {
  CHECK(attribute_text("gpt-5") == "gpt-5");
  CHECK(attribute_text(std::string(attribute_bytes_max, 'a')).size() == attribute_bytes_max);
  CHECK(attribute_text(std::string(attribute_bytes_max + 1, 'a')).size() == attribute_bytes_max);
  const auto cut = attribute_text(std::string(attribute_bytes_max - 1, 'a') + "é");
  CHECK(cut == std::string(attribute_bytes_max - 1, 'a'));
}
