#include "base/day.hpp"

#include <doctest/doctest.h>

using namespace varro;

TEST_CASE("a day is written as it is read") {
  for (auto text : {"1970-01-01", "2026-01-31", "2028-02-29", "2026-11-09"})
    CHECK(date_text(*days_of(text)) == text);
}

TEST_CASE("days are those of the calendar") {
  CHECK(days_of("1970-01-01") == 0);
  CHECK(days_of("1970-01-02") == 1);
  CHECK(days_of("2026-01-31") == 20'484);
  CHECK(days_of("2028-02-29").has_value());
  for (auto text : {"2027-02-29", "2026-00-10", "2026-01-00", "2026-13-01", "2026-1-10", "26-01-10", "2026/01/10",
                    "2026-01-1x", "2026-01--1", "2026-01-10 ", "2026-01-10T00:00:00Z", ""})
    CHECK_FALSE(days_of(text).has_value());
}
