#include "actors/live_runs.hpp"

#include <doctest/doctest.h>

using namespace varro;

TEST_CASE("a run is listed as long as its pass lives, the oldest first") {
  auto table = std::make_shared<live_runs>();
  CHECK(table->list().empty());
  auto first = table->enter({7, 42, "offline", 1});
  auto second = table->enter({8, 43, "offline", 2});
  auto copy = first;
  first.reset();
  REQUIRE(table->list().size() == 2);
  CHECK(table->list()[0].chat == 42);
  CHECK(table->list()[1].user == 8);
  copy.reset();
  REQUIRE(table->list().size() == 1);
  CHECK(table->list()[0].chat == 43);
  // A pass may outlive who gave it.
  table.reset();
  second.reset();
}
