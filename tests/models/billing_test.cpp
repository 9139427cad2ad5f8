#include "models/billing.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace varro;

namespace {

token_usage usage_of(int64_t input, int64_t read, int64_t written, int64_t output) {
  token_usage usage;
  usage.input_tokens = input;
  usage.cache_read_tokens = read;
  usage.cache_write_tokens = written;
  usage.output_tokens = output;
  return usage;
}

} // namespace

TEST_CASE("each token is billed in one class") {
  CHECK(billed(usage_of(1'000, 600, 100, 50), "5m") == billed_tokens{300, 50, 600, 100, 0});
  CHECK(billed(usage_of(1'000, 0, 0, 0), "5m") == billed_tokens{1'000, 0, 0, 0, 0});
}

TEST_CASE("what is written to a cache is billed by the lifetime that the vendor tells, else by what was asked for") {
  auto usage = usage_of(1'000, 0, 400, 50);
  CHECK(billed(usage, "5m").cache_write_5m == 400);
  CHECK(billed(usage, "1h").cache_write_1h == 400);
  usage.cache_write_1h_tokens = 100;
  CHECK(billed(usage, "1h") == billed_tokens{600, 50, 0, 300, 100});
  usage.cache_write_1h_tokens = 0;
  CHECK(billed(usage, "1h") == billed_tokens{600, 50, 0, 400, 0});
}

TEST_CASE("counts that contradict each other never make a class negative") {
  CHECK(billed(usage_of(100, 300, 200, -5), "5m") == billed_tokens{0, 0, 100, 0, 0});
  CHECK(billed(usage_of(-1, -1, -1, -1), "1h") == billed_tokens{});
  auto usage = usage_of(100, 0, 50, 1);
  usage.cache_write_1h_tokens = std::numeric_limits<int64_t>::max();
  CHECK(billed(usage, "5m") == billed_tokens{50, 1, 0, 0, 50});
  usage.cache_write_1h_tokens = -1;
  CHECK(billed(usage, "1h") == billed_tokens{50, 1, 0, 50, 0});
}

TEST_CASE("a usage that holds nothing was not told") {
  CHECK_FALSE(is_told(token_usage{}));
  CHECK(is_told(usage_of(1, 0, 0, 0)));
  CHECK(is_told(usage_of(0, 0, 0, 1)));
}
