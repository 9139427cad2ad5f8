#include "actors/resident_histories.hpp"

#include <doctest/doctest.h>

using namespace varro;

TEST_CASE("what the chats in memory hold is added up, and replaced when a chat has another size") {
  resident_histories held;
  CHECK(held.bytes() == 0);
  held.hold(1, 7, 100);
  held.hold(2, 7, 20);
  held.hold(3, 8, 3);
  CHECK(held.bytes() == 123);
  held.hold(1, 7, 50);
  CHECK(held.bytes() == 73);
  CHECK(held.bytes_of(1) == 50);
  held.release(1);
  held.release(1);
  held.release(99);
  CHECK(held.bytes() == 23);
  CHECK(held.bytes_of(1) == 0);
  held.hold(2, 7, 0);
  held.release(3);
  CHECK(held.bytes() == 0);
}

TEST_CASE("there is room until a user has the share of one, or more than an equal part of all there is") {
  chat_config limits;
  limits.resident_bytes_max = 1'000;
  resident_histories held;
  held.hold(1, 7, 2'000); // one chat always has room
  CHECK_FALSE(held.refusal(7, limits));
  held.hold(1, 7, 498);
  held.hold(2, 7, 1);
  CHECK_FALSE(held.refusal(7, limits));
  held.hold(2, 7, 2);
  CHECK(code_of(held.refusal(7, limits)) == errc::limit_reached);
  CHECK(text_of(held.refusal(7, limits)).find("Your chats") == 0);
  CHECK(held.bytes_of_user(7) == 500);
  CHECK_FALSE(held.refusal(8, limits));
  // Three users have it all. An equal part is 333 for each.
  held.hold(3, 8, 333);
  held.hold(4, 8, 1);
  held.hold(5, 9, 160);
  held.hold(6, 9, 6);
  REQUIRE(held.bytes() == 1'000);
  CHECK(text_of(held.refusal(8, limits)).find("The server") == 0);
  CHECK_FALSE(held.refusal(9, limits));
  CHECK_FALSE(held.refusal(10, limits));
  held.release(4);
  CHECK_FALSE(held.refusal(8, limits));
}
