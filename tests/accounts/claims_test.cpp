#include "accounts/claims.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

using outcome = claim_texts::outcome;
using texts = std::vector<std::string>;

struct shape {
  const char* does;
  const char* path;
  const char* claims;
  outcome what;
  texts values;
};

const char* const keycloak = R"({"realm_access": {"roles": ["user", "admin"]}, "resource_access":
  {"varro": {"roles": ["analyst"]}, "varro.test": {"roles": ["tester"]}}})";
const char* const overage
  = R"({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example"}}})";

const std::vector<shape> shapes{
  {"a list", "groups", R"({"groups": ["b", "a"]})", outcome::told, {"a", "b"}},
  {"a list that is empty", "groups", R"({"groups": []})", outcome::told, {}},
  {"a list with one twice", "groups", R"({"groups": ["a", "a"]})", outcome::told, {"a"}},
  {"names with spaces in a list", "groups", R"({"groups": ["Domain Users"]})", outcome::told, {"Domain Users"}},
  {"a text", "role", R"({"role": "admin"})", outcome::told, {"admin"}},
  {"a text that is empty", "role", R"({"role": ""})", outcome::told, {}},
  {"a text with spaces", "scope", R"({"scope": "read  write"})", outcome::told, {"read", "write"}},
  {"a text with commas", "groups", R"({"groups": "a, Domain Users,,b"})", outcome::told, {"Domain Users", "a", "b"}},
  {"a path", "realm_access.roles", keycloak, outcome::told, {"admin", "user"}},
  {"a longer path", "resource_access.varro.roles", keycloak, outcome::told, {"analyst"}},
  {"a path with a dot in a name", R"(resource_access.varro\.test.roles)", keycloak, outcome::told, {"tester"}},
  {"a name that is an address",
   "https://example.com/roles",
   R"({"https://example.com/roles": ["x"]})",
   outcome::told,
   {"x"}},
  {"an address in a path",
   R"(https://example\.com/app.roles)",
   R"({"https://example.com/app": {"roles": "x"}})",
   outcome::told,
   {"x"}},
  {"the whole name before the path", "a.b", R"({"a.b": "whole", "a": {"b": "path"}})", outcome::told, {"whole"}},
  {"an object of objects",
   "roles",
   R"({"roles": {"admin": {"1": "x"}, "user": {}}})",
   outcome::told,
   {"admin", "user"}},
  {"nothing", "groups", "{}", outcome::missing, {}},
  {"null", "groups", R"({"groups": null})", outcome::missing, {}},
  {"a path that ends early", "realm_access.other.roles", keycloak, outcome::missing, {}},
  {"a path through a text", "a.b", R"({"a": "text"})", outcome::missing, {}},
  {"more than fit", "groups", overage, outcome::overflowed, {}},
  {"others than these do not fit", "roles", overage, outcome::missing, {}},
  {"a number", "groups", R"({"groups": 7})", outcome::malformed, {}},
  {"a truth", "groups", R"({"groups": true})", outcome::malformed, {}},
  {"a list with a number", "groups", R"({"groups": ["a", 7]})", outcome::malformed, {}},
  {"a list with something empty", "groups", R"({"groups": [""]})", outcome::malformed, {}},
  {"an object with a truth", "roles", R"({"roles": {"admin": false}})", outcome::malformed, {}},
  {"control characters", "groups", R"({"groups": ["a\u0000b"]})", outcome::malformed, {}},
};

oidc_config settings() {
  oidc_config result;
  result.issuer = "https://login.example";
  result.groups_claim = "groups";
  result.role_claim = "roles";
  return result;
}

errc verdict(const json& claims, const oidc_config& with) {
  auto seen = seen_of(identity_of(claims, with), with.claims, auth_config{});
  return seen ? errc::none : code_of(seen.error());
}

} // namespace

TEST_CASE("groups and roles are read in whatever shape a provider tells them") {
  for (const auto& each : shapes) {
    CAPTURE(each.does);
    const auto told = texts_at(json::parse(each.claims), each.path);
    CHECK(told.what == each.what);
    CHECK(told.values == each.values);
  }
}

TEST_CASE("so many groups are read, and of more none, as if they did not fit") {
  json claims{{"groups", json::array()}};
  for (size_t i = 0; i < claim_values_max; ++i)
    claims["groups"].push_back("g" + std::to_string(i));
  CHECK(texts_at(claims, "groups").values.size() == claim_values_max);
  claims["groups"].push_back("one more");
  CHECK(texts_at(claims, "groups").what == outcome::overflowed);
  CHECK(texts_at(claims, "groups").values.empty());
  CHECK(texts_at({{"groups", std::string(claim_value_bytes_max, 'x')}}, "groups").what == outcome::told);
  CHECK(texts_at({{"groups", std::string(claim_value_bytes_max + 1, 'x')}}, "groups").what == outcome::malformed);
}

TEST_CASE("who somebody is comes from the claims that are configured") {
  auto with = settings();
  const json claims{{"sub", "s-1"}, {"preferred_username", "ada"}, {"email", "ada@example.com"}, {"groups", {"staff"}}};
  auto who = identity_of(claims, with).who;
  CHECK(who.issuer == "https://login.example");
  CHECK(who.subject == "s-1");
  CHECK(who.name == "ada");
  CHECK(who.mail == "ada@example.com");
  CHECK(who.groups == texts{"staff"});
  CHECK_FALSE(who.role);
  with.name_claim = "nickname";
  CHECK(identity_of(claims, with).who.name == "ada@example.com");
  auto unverified = claims;
  unverified["email_verified"] = false;
  CHECK(identity_of(unverified, with).who.mail.empty());
  CHECK(identity_of(unverified, with).who.name.empty());
}

TEST_CASE("an admin is who has one of the values, in groups or roles, exactly, and nobody else") {
  auto with = settings();
  with.claims.admin_values = {"varro-admins"};
  auto role = [&](const json& claims) { return identity_of(claims, with).who.role; };
  CHECK(role({{"groups", {"varro-admins"}}}) == user_role::admin);
  CHECK(role({{"roles", "varro-admins"}}) == user_role::admin);
  CHECK(role({{"groups", {"Varro-Admins", "varro-admins2"}}}) == user_role::user);
  CHECK(role(json::object()) == user_role::user);
  CHECK(role(json::parse(overage)) == user_role::user);
}

TEST_CASE("who is in none of the groups that are let in stays out, and so does whose groups cannot be read") {
  auto with = settings();
  with.claims.allowed_groups = {"staff"};
  const json somebody{{"sub", "s-1"}};
  auto with_groups = [&](const json& groups) {
    auto claims = somebody;
    claims["groups"] = groups;
    return claims;
  };
  CHECK(verdict(with_groups({"staff", "x"}), with) == errc::none);
  CHECK(verdict(with_groups({"others"}), with) == errc::unauthorized);
  CHECK(verdict(with_groups({"Staff"}), with) == errc::unauthorized);
  CHECK(verdict(somebody, with) == errc::unauthorized);
  CHECK(verdict(with_groups(7), with) == errc::unauthorized);
  auto too_many = json::parse(overage);
  too_many["sub"] = "s-1";
  CHECK(verdict(too_many, with) == errc::unauthorized);
  // It is said what is the matter.
  const auto who = identity_of(too_many, with);
  CHECK(text_of(seen_of(who, with.claims, auth_config{}).error()).find("groups overage") != std::string::npos);
  // A role is no group.
  auto role_only = somebody;
  role_only["roles"] = {"staff"};
  CHECK(verdict(role_only, with) == errc::unauthorized);
  // Without such a rule they come in, without groups, and the log tells why.
  with.claims.allowed_groups.clear();
  CHECK(verdict(too_many, with) == errc::none);
  CHECK(identity_of(too_many, with).problem.find("oidc.groups_claim") != std::string::npos);
  CHECK(identity_of(with_groups({"a"}), with).problem.empty());
}

TEST_CASE("userinfo is asked for claims that are not there, and not for those that the token says do not fit") {
  auto with = settings();
  with.role_claim.clear();
  json claims{{"preferred_username", "ada"}, {"email", "a@b"}, {"groups", json::array()}};
  CHECK_FALSE(lacks_claims(claims, with));
  claims.erase("groups");
  CHECK(lacks_claims(claims, with));
  claims["_claim_names"] = {{"groups", "src1"}};
  CHECK_FALSE(lacks_claims(claims, with));
}
