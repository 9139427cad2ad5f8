#include "accounts/refusal_notes.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace varro;

namespace {

constexpr unix_us hour = 3'600'000'000;

} // namespace

TEST_CASE("of one address so many refused logins are written within an hour, then they are counted") {
  refusal_notes notes;
  for (int i = 0; i < refusals_written_per_hour_and_address_max; ++i)
    CHECK(notes.note("192.0.2.1", hour + i) == 0);
  CHECK_FALSE(notes.note("192.0.2.1", hour + 100));
  CHECK_FALSE(notes.note("192.0.2.1", 2 * hour - 1));
  CHECK(notes.note("192.0.2.2", 2 * hour - 1) == 2); // the next one that is written tells how many there were
  CHECK(notes.note("192.0.2.2", 2 * hour - 1) == 0);
  CHECK(notes.note("192.0.2.1", 2 * hour) == 0); // another hour
}

TEST_CASE("a flood from everywhere is bounded, too, and counted to the last one") {
  refusal_notes notes;
  int written = 0;
  constexpr int flood = 100'000;
  for (int i = 0; i < flood; ++i)
    if (notes.note("10.0." + std::to_string(i % 1'000), hour))
      ++written;
  CHECK(written == refusals_written_per_hour_max);
  CHECK(notes.note("192.0.2.1", 2 * hour) == flood - written);
}
