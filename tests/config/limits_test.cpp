#include "config/keys.hpp"
#include "tests/config/support.hpp"

using namespace varro;
using namespace varro::test;

TEST_CASE("limits of everybody and of groups are read from the configuration") {
  auto settings = written_config{R"(
[limits]
contact = "it@example.org"
tokens_per_day = 1000
money_per_month = 0.5
models = ["anthropic:*", "openai:gpt-4o"]
[limits.group.analysts]
money_per_month = 50
chats = 0
[limits.group."the board"]
runs_at_once = 3
)"}
                    .load();
  const auto& limits = settings.limits;
  CHECK(limits.contact == "it@example.org");
  CHECK(limits.everybody.tokens_per_day == 1'000);
  CHECK(limits.everybody.money_per_month == 0.5);
  CHECK(limits.everybody.models == std::vector<std::string>{"anthropic:*", "openai:gpt-4o"});
  CHECK_FALSE(limits.everybody.chats);
  REQUIRE(limits.groups.size() == 2);
  CHECK(limits.groups[0].name == "analysts");
  CHECK(limits.groups[0].limits.money_per_month == 50);
  CHECK(limits.groups[0].limits.chats == 0);
  CHECK_FALSE(limits.groups[0].limits.tokens_per_day);
  CHECK(limits.groups[1].name == "the board");
}

TEST_CASE("a limit that is none stops the start with its place and what is allowed") {
  CHECK(error_of("[limits]\ntokens_per_day = -1\n")
        == "test.toml:2: limits.tokens_per_day: expected an integer from 0 to 1000000000000000, got -1");
  CHECK(error_of("[limits]\ntokens_a_day = 1\n")
          .starts_with("test.toml:2: limits.tokens_a_day: no such key; did you mean "
                       "limits.tokens_per_day?"));
  CHECK(
    error_of("[limits.group.a]\nmoney_per_month = \"much\"\n")
    == "test.toml:2: limits.group.a.money_per_month: expected a number from 0 to 1000000000, got the text \"much\"");
  CHECK(contains(error_of("[limits.group.a]\ncontact = \"x\"\n"), "no such key"));
  CHECK(contains(error_of("[limits.group]\na = 1\n"), "expected a section, written [limits.group.a]"));
  CHECK(contains(error_of("[limits.group.\"\"]\nchats = 1\n"), "1 to 200 bytes"));
}

TEST_CASE("limits of everybody can be set by variables, too, also with decimals") {
  written_config from{""};
  from.sources.environment = {{"VARRO_LIMITS_MONEY_PER_MONTH", "2.25"}, {"VARRO_LIMITS_MODELS", "a:b,c:*"}};
  auto limits = from.load().limits.everybody;
  CHECK(limits.money_per_month == 2.25);
  CHECK(limits.models == std::vector<std::string>{"a:b", "c:*"});
  for (const auto* text : {"much", "1.5x", "", "nan", "inf", "-1", "1e3"}) {
    from.sources.environment = {{"VARRO_LIMITS_MONEY_PER_MONTH", text}};
    CHECK_MESSAGE(contains(from.error(), "expected a number from 0 to 1000000000"), text);
  }
}

TEST_CASE("each limit of a group is one of everybody, with the same bounds") {
  for (const auto& key : limit_keys()) {
    CAPTURE(key.path);
    auto path = "limits." + std::string{key.path};
    bool found = false;
    for (const auto& row : config_keys())
      if (row.path == path) {
        found = true;
        CHECK(row.min == key.min);
        CHECK(row.max == key.max);
      }
    CHECK(found);
  }
}
