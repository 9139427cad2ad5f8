#include "shell/takeover.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace varro;

TEST_CASE("a server speaks each protocol from the oldest to its own, and none beside them") {
  static_assert(oldest_protocol_version < protocol_version);
  CHECK_FALSE(speaks_protocol(oldest_protocol_version - 1));
  CHECK(speaks_protocol(oldest_protocol_version));
  CHECK(speaks_protocol(protocol_version));
  CHECK_FALSE(speaks_protocol(protocol_version + 1));
  CHECK_FALSE(speaks_protocol(0));
  CHECK_FALSE(speaks_protocol(-1));
  CHECK_FALSE(speaks_protocol(std::numeric_limits<int64_t>::max()));
  CHECK_FALSE(speaks_protocol((int64_t{1} << 32) + protocol_version)); // it is not cut to fewer bits
}

TEST_CASE("a hello says its protocol, and where it knows them its version and settings") {
  auto hello = hello_in({{"op", "hello"}, {"protocol", 3}, {"version", "0.2.0"}, {"settings", {{"sandbox", true}}}});
  REQUIRE(hello);
  CHECK(hello->protocol == 3);
  CHECK(hello->version == "0.2.0");
  REQUIRE(hello->settings);
  CHECK(hello->settings->dump() == R"({"sandbox":true})");
}

TEST_CASE("the hello of protocol 2 has neither version nor settings and is one") {
  auto hello = hello_in({{"op", "hello"}, {"protocol", 2}, {"fingerprint", "6b86b273ff34fce1"}, {"pid", 17}});
  REQUIRE(hello);
  CHECK(speaks_protocol(hello->protocol));
  CHECK(hello->version.empty());
  CHECK_FALSE(hello->settings);
}

TEST_CASE("what has no protocol version, or is of another shape, is no hello") {
  CHECK_FALSE(hello_in({{"op", "hello"}}));
  CHECK_FALSE(hello_in({{"op", "hello"}, {"protocol", "3"}}));
  CHECK_FALSE(hello_in({{"op", "hello"}, {"protocol", 3.5}}));
  CHECK_FALSE(hello_in({{"op", "hello"}, {"protocol", nullptr}}));
  CHECK_FALSE(hello_in({{"op", "hello"}, {"protocol", {3}}}));
  CHECK_FALSE(hello_in({{"op", "census"}, {"protocol", 3}}));
  CHECK_FALSE(hello_in({{"op", 7}, {"protocol", 3}}));
  CHECK_FALSE(hello_in(json::object()));
  CHECK_FALSE(hello_in(json::array({"hello", 3})));
  CHECK_FALSE(hello_in(json("hello")));
  auto odd = hello_in({{"op", "hello"}, {"protocol", 3}, {"version", 7}, {"settings", "none"}});
  REQUIRE(odd); // it speaks the protocol; what it says beside that is left out
  CHECK(odd->version.empty());
  CHECK_FALSE(odd->settings);
  auto huge = hello_in({{"op", "hello"}, {"protocol", std::numeric_limits<uint64_t>::max()}});
  CHECK((!huge || !speaks_protocol(huge->protocol)));
}

TEST_CASE("settings are the same when all that both know is") {
  const json one{{"sandbox", true}, {"memory_bytes_max", 1'000}, {"interpreters", {{{"name", "default"}}}}};
  CHECK(are_same_settings(one, one));
  auto later = one;
  later["a_limit_of_later_max"] = 5;
  CHECK(are_same_settings(one, later));
  CHECK(are_same_settings(later, one));
  auto other = one;
  other["memory_bytes_max"] = 1'001;
  CHECK_FALSE(are_same_settings(one, other));
  auto python = one;
  python["interpreters"][0]["name"] = "science";
  CHECK_FALSE(are_same_settings(one, python));
  CHECK_FALSE(are_same_settings(one, json("settings")));
}
