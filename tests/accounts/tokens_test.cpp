#include "accounts/accounts.hpp"
#include "accounts/tokens.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace varro;

namespace {

constexpr auto text_is
  = [](const caf::error& error, std::string_view part) { return text_of(error).find(part) != std::string::npos; };

} // namespace

TEST_CASE("a token has a form by which it is found, 32 random bytes, and an id that is no secret") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto made = make_api_token();
    CHECK(made.token.starts_with("varro_" + made.id + "_"));
    CHECK(made.token.size() == 6 + 12 + 1 + 64);
    CHECK(id_of_token(made.token) == made.id);
    CHECK(made.hash == hash_session_token(made.token));
    CHECK(made.token.find(made.id, 18) == std::string::npos); // the secret does not begin with it
    seen.insert(made.token.substr(19));
  }
  CHECK(seen.size() == 100);
}

TEST_CASE("what has not the form of a token has no id") {
  const auto made = make_api_token().token;
  auto changed = [&](size_t at, char to) {
    auto text = made;
    text[at] = to;
    return text;
  };
  for (const auto& text : {std::string{}, made.substr(1), made + "0", made.substr(0, made.size() - 1), changed(0, 'V'),
                           changed(5, '-'), changed(6, 'g'), changed(18, '-'), changed(19, 'A'), changed(82, '\n'),
                           changed(40, '\0'), std::string(made.size(), 'a')})
    CHECK_MESSAGE(!id_of_token(text), text);
}

TEST_CASE("a time is a number and a unit") {
  using namespace std::chrono_literals;
  CHECK(*parse_token_lifetime("90d") == 90 * 24h);
  CHECK(*parse_token_lifetime("12h") == 12h);
  CHECK(*parse_token_lifetime("30m") == 30min);
  CHECK(*parse_token_lifetime("45s") == 45s);
  CHECK(*parse_token_lifetime("1000000d") == 1'000'000 * 24h);
  for (auto text : {"", "d", "90", "0d", "-1d", "+1d", " 1d", "1d ", "1.5d", "1w", "1dd", "1 d", "1000001s",
                    "99999999999999999999d", "1D", "0x1d"})
    CHECK_MESSAGE(!parse_token_lifetime(text), text);
}

TEST_CASE("a token is made of what was asked for, within the limits") {
  using namespace std::chrono_literals;
  auth_config limits;
  limits.token_max = 48h;
  user_record ada{1, "ada", "", false, 0, user_role::admin}, bob{2, "bob", "", false, 0, user_role::user};
  constexpr token_scopes reads{true, false, false}, administers{false, false, true};
  auto made = make_wished_token(ada, {"  A script\t", reads, 48h}, limits, 1'000);
  REQUIRE(made);
  CHECK(made->record.label == "A script");
  CHECK(made->record.user_id == 1);
  CHECK(made->record.scopes == reads);
  CHECK(made->record.created_at == 1'000);
  CHECK(made->record.expires_at == 1'000 + 48 * 3'600'000'000);
  CHECK(made->record.token_hash == hash_of_token(made->token));
  CHECK(made->record.id == id_of_token(made->token));
  auto refused = [&](const user_record& user, const token_wish& wish, std::string_view why) {
    auto result = make_wished_token(user, wish, limits, 1'000);
    REQUIRE_FALSE(result);
    CHECK(code_of(result.error()) == errc::invalid_input);
    CHECK_MESSAGE(text_is(result.error(), why), text_of(result.error()));
  };
  refused(ada, {"x", reads, 48h + 1s}, "48 hours");
  refused(ada, {"x", reads, 0s}, "hours");
  refused(ada, {"", reads, 1h}, "name");
  refused(ada, {" \t", reads, 1h}, "name");
  refused(ada, {"a\nb", reads, 1h}, "name");
  refused(ada, {"\xff", reads, 1h}, "name");
  refused(ada, {std::string(token_label_bytes_max + 1, 'x'), reads, 1h}, "name");
  CHECK(make_wished_token(ada, {std::string(token_label_bytes_max, 'x'), reads, 1h}, limits, 1'000));
  refused(ada, {"x", std::nullopt, 1h}, "scopes");
  refused(bob, {"x", administers, 1h}, "admin");
  CHECK(make_wished_token(ada, {"x", administers, 1h}, limits, 1'000));
}

TEST_CASE("the scope of an admin is worth what its user is") {
  token_found found;
  found.token.scopes = {true, true, true};
  CHECK_FALSE(may_administer(found));
  found.user.role = user_role::admin;
  CHECK(may_administer(found));
  found.token.scopes.admin = false;
  CHECK_FALSE(may_administer(found));
}
