#include "accounts/identity.hpp"

#include "storage/limits.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace varro;

namespace {

using texts = std::vector<std::string>;

identity ada_of(texts groups = {}) {
  return {"proxy", "ada@example.com", "Ada Lovelace", "ada@example.com", std::move(groups), std::nullopt};
}

} // namespace

TEST_CASE("what a claim lists is taken apart at its separator, without spaces and empty parts") {
  CHECK(split_claim("data, staff ,,", ",") == texts{"data", "staff"});
  CHECK(split_claim("data staff", " ") == texts{"data", "staff"});
  CHECK(split_claim("data||staff|x", "||") == texts{"data", "staff|x"});
  CHECK(split_claim("data, staff", "") == texts{"data, staff"});
  CHECK(split_claim(" , ,", ",").empty());
  CHECK(split_claim("", ",").empty());
}

TEST_CASE("rules are compared with what is told exactly") {
  claim_rules rules{{"Admins", "realm:admin"}, {"data"}};
  CHECK(role_by(rules, {"data", "Admins"}) == user_role::admin);
  CHECK(role_by(rules, {"realm:admin"}) == user_role::admin);
  for (const auto* near : {"admins", "Admin", "Admins ", "Admins,data", ""})
    CHECK(role_by(rules, {near}) == user_role::user);
  CHECK(role_by(rules, {}) == user_role::user);
  CHECK(is_let_in(rules, {"x", "data"}));
  CHECK_FALSE(is_let_in(rules, {"Data", "dat", "data2"}));
  CHECK_FALSE(is_let_in(rules, {}));
  const claim_rules none;
  CHECK(role_by(none, {"Admins"}) == std::nullopt);
  CHECK(is_let_in(none, {}));
}

TEST_CASE("an account's name is made of what somebody is called") {
  CHECK(account_name_for("Ada Lovelace") == "ada-lovelace");
  CHECK(account_name_for("ada@example.com") == "ada@example.com");
  CHECK(account_name_for("--ada--") == "ada");
  CHECK(account_name_for("José  Núñez") == "jos-n-ez");
  CHECK(account_name_for("漢字") == "user");
  CHECK(account_name_for("") == "user");
  CHECK(account_name_for(std::string(200, 'x')).size() == 64);
  std::string cut_off(63, 'x');
  cut_off.append("  y");
  CHECK(account_name_for(cut_off) == std::string(63, 'x'));
}

TEST_CASE("groups are stored under names that fit, each once, and two never become one by a replaced character") {
  CHECK(stored_groups({"Staff", "data", "staff", "data science", "/data", "-x", ""}) == texts{"data", "staff"});
  texts many;
  for (int i = 0; i < user_groups_max + 50; ++i)
    many.push_back("g" + std::to_string(i));
  CHECK(stored_groups(many).size() == user_groups_max);
}

TEST_CASE("who is let in is written as the rules and limits say") {
  auth_config limits;
  limits.users_max = 7;
  auto who = ada_of({"Data", "data science"});
  who.role = user_role::admin;
  auto seen = seen_of(who, {{}, {"data science"}}, limits);
  REQUIRE(seen);
  CHECK(seen->key.issuer == "proxy");
  CHECK(seen->key.subject == "ada@example.com");
  CHECK(seen->name == "ada-lovelace");
  CHECK(seen->mail == "ada@example.com");
  CHECK(seen->groups == texts{"data"});
  CHECK(seen->role == user_role::admin);
  CHECK(seen->users_max == 7);
  CHECK_FALSE(seen->login);
  who.name.clear();
  CHECK(seen_of(who, {}, limits)->name == "ada@example.com");
  CHECK(code_of(seen_of(who, {{}, {"data"}}, limits).error()) == errc::unauthorized);
}

TEST_CASE("what is told in a wrong form lets nobody in") {
  const auth_config limits;
  auto code = [&](const identity& who) { return code_of(seen_of(who, {}, limits).error()); };
  for (const auto& bad : {std::string{}, std::string(256, 'x'), std::string{"a\nb"}, std::string{"a\x7f"},
                          std::string("a\0b", 3), std::string{"\xc3("}}) {
    CAPTURE(bad);
    auto who = ada_of();
    who.subject = bad;
    CHECK(code(who) == errc::invalid_input);
  }
  auto who = ada_of();
  who.mail = std::string(321, 'x');
  CHECK(code(who) == errc::invalid_input);
  who.mail = std::string(320, 'x');
  who.subject = std::string(255, 'x');
  CHECK(seen_of(who, {}, limits));
  who.issuer = std::string(501, 'x');
  CHECK(code(who) == errc::invalid_input);
}

TEST_CASE("a login is another one as soon as anything is told otherwise") {
  std::set<std::string> logins;
  auto add = [&](const identity& who) {
    auto login = identity_login(*seen_of(who, {}, {}));
    CHECK(login.starts_with(identity_login_prefix));
    logins.insert(std::move(login));
  };
  auto who = ada_of({"data", "staff"});
  add(who);
  who.groups = {"staff", "data"}; // the order says nothing
  add(who);
  CHECK(logins.size() == 1);
  who.groups = {"data"};
  add(who);
  who.groups.clear();
  add(who);
  who.role = user_role::user;
  add(who);
  who.role = user_role::admin;
  add(who);
  who.mail.clear();
  add(who);
  who.subject = "ada";
  add(who);
  who.issuer = "another";
  add(who);
  // What ends where does not matter for plain concatenation.
  who.issuer = "anotherad";
  who.subject = "a";
  add(who);
  CHECK(logins.size() == 9);
}
