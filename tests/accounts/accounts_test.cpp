#include "accounts/accounts.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace varro;

namespace {

constexpr unix_us second = 1'000'000;

auth_config limits_of(int attempts, std::chrono::seconds window) {
  auth_config limits;
  limits.attempts_max = attempts;
  limits.attempts_window = window;
  return limits;
}

std::string numbered_address(int n) {
  return "10." + std::to_string(n / 65'536) + "." + std::to_string(n / 256 % 256) + "." + std::to_string(n % 256);
}

} // namespace

TEST_CASE("a user name is letters, digits and a few signs, and has no case") {
  CHECK(*normalised_user_name("Ada.Lovelace_1-x@example.org") == "ada.lovelace_1-x@example.org");
  CHECK(*normalised_user_name(std::string(64, 'a')) == std::string(64, 'a'));
  for (auto bad : {std::string{}, std::string(65, 'a'), std::string{"a b"}, std::string{"a/b"}, std::string{"ä"},
                   std::string{"a\n"}, std::string{"a\0b", 3}})
    CHECK(code_of(normalised_user_name(bad).error()) == errc::invalid_input);
}

TEST_CASE("a password is verified by its own hash only") {
  auto hash = hash_password("correct horse", {});
  REQUIRE(hash);
  CHECK(hash->rfind("$argon2id$", 0) == 0);
  CHECK(hash->find("correct") == std::string::npos);
  CHECK(verify_password(*hash, "correct horse"));
  CHECK_FALSE(verify_password(*hash, "correct horsf"));
  CHECK_FALSE(verify_password(*hash, ""));
  CHECK_FALSE(verify_password(*hash, std::string{"correct horse\0", 14}));
  CHECK(*hash_password("correct horse", {}) != *hash);
}

TEST_CASE("what is no hash verifies nothing") {
  // The local user has none.
  CHECK_FALSE(verify_password("", ""));
  CHECK_FALSE(verify_password("", "x"));
  CHECK_FALSE(verify_password("plain text", "plain text"));
  CHECK_FALSE(verify_password("$argon2id$", ""));
  CHECK_FALSE(verify_password("$argon2id$" + std::string(500, 'x'), "x"));
  verify_nothing("x");
}

TEST_CASE("a password has a least and a greatest length") {
  auth_config limits;
  CHECK(code_of(hash_password(std::string(limits.password_bytes_min - 1, 'x'), limits).error()) == errc::invalid_input);
  CHECK(hash_password(std::string(limits.password_bytes_min, 'x'), limits));
  CHECK(hash_password(std::string(limits.password_bytes_max, 'x'), limits));
  CHECK(code_of(hash_password(std::string(limits.password_bytes_max + 1, 'x'), limits).error()) == errc::too_large);
}

TEST_CASE("session tokens are 64 hex digits, differ, and are stored as their hash") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    auto made = make_session_token();
    CHECK(made.token.size() == 64);
    CHECK(made.token.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(made.hash == hash_session_token(made.token));
    CHECK(made.hash != made.token);
    seen.insert(made.token);
    seen.insert(make_csrf_token());
  }
  CHECK(seen.size() == 200);
  CHECK(hash_session_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("texts are compared whole") {
  CHECK(equal_in_constant_time("", ""));
  CHECK(equal_in_constant_time("token", "token"));
  CHECK_FALSE(equal_in_constant_time("token", "tokem"));
  CHECK_FALSE(equal_in_constant_time("token", "toke"));
  CHECK_FALSE(equal_in_constant_time("", "t"));
}

TEST_CASE("a name is throttled after its attempts, from every address, until the window has passed") {
  login_throttle throttle{limits_of(3, std::chrono::seconds{60})};
  for (int i = 0; i < 3; ++i) {
    CHECK(throttle.allowed("ada", "10.0.0.9", i * second));
    throttle.failed("ada", numbered_address(i), i * second);
  }
  CHECK_FALSE(throttle.allowed("ada", "10.0.0.9", 3 * second));
  CHECK_FALSE(throttle.allowed("ADA", "10.0.0.9", 3 * second));
  CHECK(throttle.allowed("bob", "10.0.0.9", 3 * second));
  CHECK_FALSE(throttle.allowed("ada", "10.0.0.9", 60 * second - 1));
  CHECK(throttle.allowed("ada", "10.0.0.9", 60 * second));
  // The window slides: the second failure still counts.
  throttle.failed("ada", "10.0.0.9", 60 * second);
  CHECK_FALSE(throttle.allowed("ada", "10.0.0.8", 60 * second));
  CHECK(throttle.allowed("ada", "10.0.0.8", 61 * second));
}

TEST_CASE("an address is throttled after its attempts, for every name") {
  login_throttle throttle{limits_of(3, std::chrono::seconds{60})};
  for (int i = 0; i < 3; ++i)
    throttle.failed("user" + std::to_string(i), "10.0.0.1", 0);
  CHECK_FALSE(throttle.allowed("ada", "10.0.0.1", second));
  CHECK(throttle.allowed("ada", "10.0.0.2", second));
}

TEST_CASE("a success forgets the name's failures and keeps the address's") {
  login_throttle throttle{limits_of(3, std::chrono::seconds{60})};
  for (int i = 0; i < 3; ++i)
    throttle.failed("ada", "10.0.0.1", 0);
  throttle.succeeded("Ada");
  CHECK(throttle.allowed("ada", "10.0.0.2", second));
  CHECK_FALSE(throttle.allowed("ada", "10.0.0.1", second));
}

TEST_CASE("the addresses of one IPv6 network count as one") {
  login_throttle throttle{limits_of(2, std::chrono::seconds{60})};
  throttle.failed("a", "2001:db8:1:2::1", 0);
  throttle.failed("b", "2001:db8:1:2:ffff::2", 0);
  CHECK_FALSE(throttle.allowed("c", "2001:db8:1:2:3:4:5:6", second));
  CHECK(throttle.allowed("c", "2001:db8:1:3::1", second));
  throttle.failed("a", "::ffff:10.0.0.1", 0);
  throttle.failed("b", "::ffff:10.0.0.1", 0);
  CHECK_FALSE(throttle.allowed("c", "::ffff:10.0.0.1", second));
  CHECK(throttle.allowed("c", "::ffff:10.0.0.2", second));
}

TEST_CASE("a flood of names and addresses forgets the oldest ones and keeps the newest") {
  login_throttle throttle{limits_of(1, std::chrono::seconds{3'600})};
  throttle.failed("oldest", "192.0.2.1", 0);
  for (int i = 0; i < 10'000; ++i)
    throttle.failed("user" + std::to_string(i), numbered_address(i), 1 + i);
  CHECK(throttle.allowed("oldest", "192.0.2.1", second));
  CHECK_FALSE(throttle.allowed("user0", "192.0.2.2", second));
  CHECK_FALSE(throttle.allowed("user9999", "192.0.2.2", second));
  CHECK_FALSE(throttle.allowed("somebody", numbered_address(9'999), second));
}
