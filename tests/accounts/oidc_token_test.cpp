#include "accounts/accounts.hpp"
#include "accounts/oidc_token.hpp"
#include "tests/support/signed_tokens.hpp"

using namespace varro;
using namespace varro::test;

namespace {

constexpr int64_t now = 1'800'000'000; // in seconds
constexpr int64_t second = 1'000'000;

oidc_config settings() {
  oidc_config result;
  result.issuer = "https://login.example";
  result.client_id = "varro";
  result.clock_skew = std::chrono::seconds{60};
  return result;
}

json good() {
  return {{"iss", "https://login.example"},
          {"sub", "ada"},
          {"aud", "varro"},
          {"exp", now + 300},
          {"iat", now - 1},
          {"nonce", "n1"}};
}

// Whether the claims are good with this member changed, or without it where it is null.
bool passes(const char* name = "iss", const json& value = "https://login.example",
            const id_token_rules& rules = {"n1", "", now* second}) {
  auto claims = good();
  if (value.is_null())
    claims.erase(name);
  else
    claims[name] = value;
  auto problem = check_id_token(claims, settings(), rules);
  if (problem)
    CHECK(code_of(problem) == errc::unauthorized);
  return !problem;
}

json good_logout() {
  return {{"iss", "https://login.example"},
          {"sub", "ada"},
          {"aud", "varro"},
          {"exp", now + 120},
          {"iat", now - 1},
          {"jti", "l1"},
          {"events", {{"http://schemas.openid.net/event/backchannel-logout", json::object()}}}};
}

bool orders(const char* name = "jti", const json& value = "l1", int64_t at = now) {
  auto claims = good_logout();
  if (value.is_null())
    claims.erase(name);
  else
    claims[name] = value;
  return read_logout_token(claims, settings(), at * second).engaged();
}

} // namespace

TEST_CASE("an ID token is good with the issuer, exactly") {
  CHECK(passes());
  for (const json& other : {json("https://login.example/"), json("https://LOGIN.example"), json("http://login.example"),
                            json("https://login.example.evil.example"), json(""), json(7), json(nullptr)})
    CHECK_FALSE_MESSAGE(passes("iss", other), other.dump());
}

TEST_CASE("an ID token is for us, and was given to us") {
  CHECK(passes("aud", {"varro"}));
  CHECK(passes("azp", "varro"));
  for (const json& other : {json("other"), json(""), json::array(), json({"other"}), json(7), json(nullptr),
                            json({{"varro", 1}}), json("varro "), json({"varro", "other"})})
    CHECK_FALSE_MESSAGE(passes("aud", other), other.dump());
  CHECK_FALSE(passes("azp", "other"));
  CHECK_FALSE(passes("azp", 7));
  auto several = good();
  several["aud"] = {"varro", "other"};
  several["azp"] = "varro";
  CHECK_FALSE(check_id_token(several, settings(), {"n1", "", now * second}));
}

TEST_CASE("an ID token holds until it expires, and from when it is valid, within the skew of clocks") {
  CHECK(passes("exp", now - 59));
  CHECK_FALSE(passes("exp", now - 60));
  CHECK_FALSE(passes("exp", "never"));
  CHECK_FALSE(passes("exp", nullptr));
  CHECK(passes("iat", now + 60));
  CHECK_FALSE(passes("iat", now + 61));
  CHECK_FALSE(passes("iat", nullptr));
  CHECK(passes("nbf", now + 60));
  CHECK_FALSE(passes("nbf", now + 61));
  CHECK_FALSE(passes("nbf", "soon"));
  CHECK(passes("exp", static_cast<double>(now) + 0.5));
}

TEST_CASE("an ID token is of this login, and of this person where that is known") {
  for (const json& other : {json("n2"), json(""), json(1), json(nullptr)})
    CHECK_FALSE_MESSAGE(passes("nonce", other), other.dump());
  CHECK(passes("nonce", nullptr, {"", "ada", now * second}));
  CHECK_FALSE(passes("nonce", nullptr, {"", "bob", now * second}));
  for (const json& other : {json(""), json(1), json(nullptr), json(std::string(oidc_subject_bytes_max + 1, 'x'))})
    CHECK_FALSE_MESSAGE(passes("sub", other), other.dump());
  CHECK(passes("sub", std::string(oidc_subject_bytes_max, 'x')));
}

TEST_CASE("an access token is the one that the ID token came with, where that says so") {
  // OpenID Connect Core, appendix A.3.
  const std::string access = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
  auto claims = good();
  CHECK_FALSE(check_access_token(claims, "RS256", access));
  claims["at_hash"] = "77QmUPtjPfzWtF2AnpK9RQ";
  CHECK_FALSE(check_access_token(claims, "RS256", access));
  CHECK(check_access_token(claims, "RS256", access + "x"));
  CHECK(check_access_token(claims, "RS512", access));
  claims["at_hash"] = 7;
  CHECK(check_access_token(claims, "RS256", access));
}

TEST_CASE("a logout token ends the sessions that it names") {
  auto order = read_logout_token(good_logout(), settings(), now * second);
  REQUIRE(order);
  CHECK(order->subject == "ada");
  CHECK(order->session.empty());
  CHECK(order->id == "l1");
  CHECK(order->remember_until >= (now + 600) * second);
  CHECK(orders("sid", "s1"));
  auto by_session = good_logout();
  by_session.erase("sub");
  CHECK_FALSE(read_logout_token(by_session, settings(), now * second));
  by_session["sid"] = "s1";
  CHECK(read_logout_token(by_session, settings(), now * second)->session == "s1");
}

TEST_CASE("what is no logout token ends nothing") {
  CHECK_FALSE(read_logout_token(good(), settings(), now * second)); // an ID token
  CHECK_FALSE(orders("nonce", "n1"));
  CHECK_FALSE(orders("events", nullptr));
  CHECK_FALSE(orders("events", {{"http://schemas.openid.net/event/other", json::object()}}));
  CHECK_FALSE(orders("events", {{"http://schemas.openid.net/event/backchannel-logout", "yes"}}));
  CHECK_FALSE(orders("events", {"http://schemas.openid.net/event/backchannel-logout"}));
  CHECK_FALSE(orders("jti", nullptr));
  CHECK_FALSE(orders("jti", ""));
  CHECK_FALSE(orders("iss", "https://other.example"));
  CHECK_FALSE(orders("aud", "other"));
  CHECK_FALSE(orders("exp", now - 60));
  CHECK_FALSE(orders("iat", now + 61));
  CHECK_FALSE(orders("iat", nullptr));
}

TEST_CASE("a logout token that is old is not believed, however long it says that it holds") {
  auto claims = good_logout();
  claims["exp"] = now + 1'000'000;
  claims["iat"] = now - 659;
  CHECK(read_logout_token(claims, settings(), now * second));
  claims["iat"] = now - 660;
  CHECK_FALSE(read_logout_token(claims, settings(), now * second));
}
