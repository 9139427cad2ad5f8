#include "accounts/oidc_flow.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

constexpr int64_t second = 1'000'000;

bool finishes(oidc_flows& flows, std::string_view cookie, std::string_view state, unix_us now) {
  auto flow = flows.finish(cookie, state, now);
  if (!flow)
    CHECK(code_of(flow.error()) == errc::unauthorized);
  return flow.engaged();
}

} // namespace

TEST_CASE("a login ends in the browser in which it began, once, with what it began with") {
  oidc_flows flows;
  const auto begun = flows.begin("/chat/7", second);
  CHECK(begun.flow.state != begun.flow.nonce);
  CHECK(begun.flow.nonce != begun.flow.verifier);
  CHECK(begun.cookie.find(begun.flow.verifier) == std::string::npos);
  auto flow = flows.finish(begun.cookie, begun.flow.state, 2 * second);
  REQUIRE(flow);
  CHECK(flow->nonce == begun.flow.nonce);
  CHECK(flow->verifier == begun.flow.verifier);
  CHECK(flow->page == "/chat/7");
  // A second time, with the same cookie and state.
  CHECK_FALSE(finishes(flows, begun.cookie, begun.flow.state, 2 * second));
}

TEST_CASE("another browser's state, a state of nobody, and a cookie of nobody begin no session") {
  oidc_flows flows;
  const auto mine = flows.begin("/", second);
  const auto others = flows.begin("/", second);
  CHECK_FALSE(finishes(flows, mine.cookie, others.flow.state, second));
  CHECK_FALSE(finishes(flows, mine.cookie, "", second));
  CHECK_FALSE(finishes(flows, "", mine.flow.state, second));
  CHECK_FALSE(finishes(flows, "garbage", mine.flow.state, second));
  CHECK_FALSE(finishes(flows, std::string(oidc_flow_cookie_bytes_max + 1, 'A'), mine.flow.state, second));
  auto changed = mine.cookie;
  changed[10] = changed[10] == 'A' ? 'B' : 'A';
  CHECK_FALSE(finishes(flows, changed, mine.flow.state, second));
  // Of another server, or of this one before a restart.
  oidc_flows elsewhere;
  CHECK_FALSE(finishes(elsewhere, mine.cookie, mine.flow.state, second));
  // None of this has used mine up.
  CHECK(finishes(flows, mine.cookie, mine.flow.state, second));
}

TEST_CASE("to look at a login under way does not use it up") {
  oidc_flows flows;
  const auto mine = flows.begin("/chat/7", second);
  for (int i = 0; i < 3; ++i) {
    auto found = flows.find(mine.cookie, mine.flow.state, second);
    REQUIRE(found);
    CHECK(found->page == "/chat/7");
  }
  CHECK_FALSE(flows.find(mine.cookie, flows.begin("/", second).flow.state, second));
  CHECK_FALSE(flows.find("", mine.flow.state, second));
  CHECK(finishes(flows, mine.cookie, mine.flow.state, second));
  CHECK_FALSE(finishes(flows, mine.cookie, mine.flow.state, second));
}

TEST_CASE("a login may take so long and no longer") {
  oidc_flows flows;
  const auto limit = std::chrono::microseconds{oidc_flow_max}.count();
  const auto first = flows.begin("/", second);
  const auto other = flows.begin("/", second);
  CHECK(finishes(flows, first.cookie, first.flow.state, second + limit - 1));
  CHECK_FALSE(finishes(flows, other.cookie, other.flow.state, second + limit));
}

TEST_CASE("marks are remembered until their time, and so many of them") {
  seen_marks marks{3};
  CHECK(marks.add("a", 10, 1));
  CHECK_FALSE(marks.add("a", 10, 9));
  CHECK(marks.add("a", 20, 10));
  CHECK(marks.add("b", 20, 10));
  CHECK(marks.add("c", 20, 10));
  CHECK_FALSE(marks.add("c", 20, 10));
  CHECK(marks.add("d", 20, 10));
  CHECK_FALSE(marks.add("d", 20, 10));
}

TEST_CASE("the challenge is that of the standard's example") {
  // RFC 7636, appendix B.
  CHECK(code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST_CASE("what is sealed opens with the same key for the same purpose, and not otherwise") {
  const auto key = sealing_key::derived("secret", "tokens");
  const auto sealed = key.seal("text", "session");
  CHECK(sealed != key.seal("text", "session"));
  CHECK(key.open(sealed, "session") == "text");
  CHECK(sealing_key::derived("secret", "tokens").open(sealed, "session") == "text");
  CHECK_FALSE(key.open(sealed, "another session"));
  CHECK_FALSE(sealing_key::derived("secret", "others").open(sealed, "session"));
  CHECK_FALSE(sealing_key::derived("secrets", "tokens").open(sealed, "session"));
  CHECK_FALSE(sealing_key::random().open(sealed, "session"));
  for (const auto& other : {std::string{}, std::string{"x"}, sealed.substr(1), sealed + "AAAA", sealed.substr(0, 20)})
    CHECK_FALSE(key.open(other, "session"));
  CHECK(key.open(key.seal("", ""), "") == "");
}
