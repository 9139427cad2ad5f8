#include "config/config_changes.hpp"

#include "config/config_in_force.hpp"
#include "config/keys.hpp"
#include "tests/config/support.hpp"

#include <algorithm>
#include <type_traits>

using namespace varro;
using namespace varro::test;

namespace {

using names = std::vector<std::string>;

config loaded(std::string_view toml) {
  return written_config{toml}.load();
}

config_changes change(std::string_view before, std::string_view after) {
  return changes_between(loaded(before), loaded(after));
}

takes_force when_of(std::string_view path) {
  const auto keys = config_keys();
  const auto row = std::find_if(keys.begin(), keys.end(), [&](const auto& each) { return each.path == path; });
  REQUIRE_MESSAGE(row != keys.end(), path);
  return row->when;
}

constexpr auto one_price = R"(
[[price]]
model = "acme:large"
from = 2026-01-01
input = 3
output = 15
)";
constexpr auto a_provider = R"(
[provider.acme]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
)";
constexpr auto large = "[[model]]\nprovider = \"acme\"\nname = \"large\"\n";
constexpr auto small = "[[model]]\nprovider = \"acme\"\nname = \"small\"\n";

} // namespace

TEST_CASE("models of this machine that are not found in the moment of a reload stay; others that are gone go") {
  const auto offline = loaded("");
  auto found = offline;
  model_config local;
  local.id = local.name = "llama";
  local.kind = provider_kind::openai;
  local.provider = "ollama";
  found.models.insert(found.models.begin(), local);
  found.default_model = "llama";
  auto changes = changes_between(found, offline);
  CHECK(changes.taken.empty());
  CHECK(changes.next.models == found.models);
  CHECK(changes.next.default_model == "llama");
  auto without_looking = offline;
  without_looking.discover_local_models = false;
  CHECK(changes_between(found, without_looking).next.models == offline.models);
  const auto other = loaded(std::string{a_provider} + large);
  CHECK(changes_between(other, offline).next.models == offline.models);
}

TEST_CASE("the same file changes nothing") {
  const auto changes = change(one_price, one_price);
  CHECK(changes.taken.empty());
  CHECK(changes.waiting.empty());
}

TEST_CASE("a key that a reload takes is taken and named, and goes back to its default when it leaves the file") {
  const auto changes = change("", "log_level = \"debug\"\n[limits]\ntokens_per_day = 7\n");
  CHECK(changes.taken == names{"log_level", "limits.tokens_per_day"});
  CHECK(changes.waiting.empty());
  CHECK(changes.next.log_level == "debug");
  CHECK(changes.next.limits.everybody.tokens_per_day == 7);
  const auto back = changes_between(changes.next, loaded(""));
  CHECK(back.taken == changes.taken);
  CHECK(back.next.log_level == "info");
  CHECK_FALSE(back.next.limits.everybody.tokens_per_day);
}

TEST_CASE("a key for the next start keeps its value and is named each time") {
  const auto changes = change("", "[server]\nport = 9000\n[shell]\nlive_max = 9\n[agent]\nruns_max = 3\n");
  CHECK(changes.taken.empty());
  CHECK(changes.waiting == names{"server.port", "agent.runs_max", "shell.live_max"});
  CHECK(changes.next.server.port == 8000);
  CHECK(changes.next.shell.live_max == 1'000);
  CHECK(changes_between(changes.next, loaded("[server]\nport = 9000\n")).waiting == names{"server.port"});
}

TEST_CASE("each key is taken by a reload exactly if its row says so") {
  const config before{};
  for (const auto& row : config_keys()) {
    config read;
    std::visit(
      [](auto* value) {
        using type = std::remove_pointer_t<decltype(value)>;
        if constexpr (std::is_same_v<type, bool>)
          *value = !*value;
        else if constexpr (std::is_same_v<type, auth_mode>)
          *value = auth_mode::proxy;
        else if constexpr (std::is_same_v<type, std::string> || std::is_same_v<type, std::filesystem::path>)
          *value = "another";
        else if constexpr (std::is_same_v<type, json_object_text>)
          value->text = "another";
        else if constexpr (std::is_same_v<type, std::vector<std::string>>)
          *value = {"another"};
        else if constexpr (std::is_same_v<type, std::optional<std::vector<std::string>>>)
          *value = std::vector<std::string>{"another"};
        else
          *value = type{77'777 % 32'768};
      },
      row.locate(read));
    const auto changes = changes_between(before, read);
    const bool by_reload = row.when == takes_force::at_reload;
    const names name{std::string{row.path}};
    CHECK_MESSAGE(changes.taken == (by_reload ? name : names{}), row.path);
    CHECK_MESSAGE(changes.waiting == (by_reload ? names{} : name), row.path);
    // Taken for good: afterwards nothing differs any more.
    CHECK_MESSAGE(changes_between(changes.next, read).taken.empty(), row.path);
  }
}

TEST_CASE("two keys that are held against each other take force together") {
  for (const auto& order : config_key_orders())
    CHECK_MESSAGE(when_of(order.smaller) == when_of(order.greater), order.smaller);
}

TEST_CASE("prices and groups are named by their model and name") {
  const auto priced = change("", one_price);
  CHECK(priced.taken == names{"price acme:large"});
  CHECK(priced.next.prices.rows.size() == 1);
  const auto dearer = std::string{one_price} + "[[price]]\nmodel = \"acme:large\"\nfrom = 2026-05-01\ninput = 4\n"
    + "output = 15\n[[price]]\nmodel = \"acme:small\"\nfrom = 2026-05-01\ninput = 4\noutput = 15\n";
  CHECK(change(one_price, dearer).taken == names{"price acme:large", "price acme:small"});
  CHECK(change(dearer, one_price).next.prices.rows.size() == 1);
  const auto groups = change("[limits.group.a]\nchats = 1\n[retention.group.a]\nchats_unused_days = 1\n",
                             "[limits.group.b]\nchats = 1\n[retention.group.a]\nchats_unused_days = 2\n");
  CHECK(groups.taken == names{"limits.group.a", "limits.group.b", "retention.group.a"});
  REQUIRE(groups.next.limits.groups.size() == 1);
  CHECK(groups.next.limits.groups.front().name == "b");
  CHECK(groups.next.retention.groups.front().rule.chats_unused_days == 2);
}

TEST_CASE("models and providers are taken with their keys, which no name shows") {
  written_config before{std::string{a_provider} + "api_key_env = \"ACME_KEY\"\n" + large};
  before.sources.environment["ACME_KEY"] = "sk-before";
  written_config after{std::string{a_provider} + "api_key_env = \"ACME_KEY\"\n" + large + small};
  after.sources.environment["ACME_KEY"] = "sk-after";
  const auto changes = changes_between(before.load(), after.load());
  CHECK(changes.next.find_model("acme:small") != nullptr);
  CHECK(changes.next.find_model("acme:large")->api_key == "sk-after");
  CHECK(changes.waiting.empty());
  const auto told = names_in_words(changes.taken);
  CHECK(contains(told, "provider.acme"));
  CHECK(contains(told, "model acme:large, model acme:small"));
  CHECK_FALSE(contains(told, "sk-"));
}

TEST_CASE("another order of the models is a change") {
  const auto changes = change(std::string{a_provider} + "[[model]]\nprovider=\"acme\"\nname=\"large\"\n" + small,
                              std::string{a_provider} + small + large + "\n");
  CHECK(std::find(changes.taken.begin(), changes.taken.end(), "the order of models") != changes.taken.end());
  CHECK(changes.next.models.front().name == "small");
}

TEST_CASE("secrets and Pythons: the token of metrics is taken, the others wait") {
  config before, read;
  read.metrics.token = "a-token-of-metrics";
  read.oidc.client_secret = "a-secret";
  read.trace.otlp_headers = "authorization=another";
  read.shell.interpreters = {{"science", "/opt/python3", {}}};
  const auto changes = changes_between(before, read);
  CHECK(changes.taken == names{"metrics.token"});
  CHECK(changes.waiting == names{"oidc.client_secret", "trace.otlp_headers", "shell.python.science"});
  CHECK(changes.next.metrics.token == "a-token-of-metrics");
  CHECK(changes.next.oidc.client_secret.empty());
  CHECK(changes.next.shell.interpreters.empty());
}

TEST_CASE("what the command line says of the running server stays") {
  config before;
  before.keep_shells = true;
  CHECK(changes_between(before, config{}).next.keep_shells);
}

TEST_CASE("a wrong file is refused in the words of a start, and so is one that is gone") {
  written_config written{"[limits]\nchats = 3\n"};
  const auto in_force = written.load();
  std::map<std::string, std::string> origins;
  for (const auto* wrong :
       {"[limits\n", "[limits]\nchat = 3\n", "[limits]\nchats = -1\n", "[server]\nport = 99999\n"}) {
    written.dir.write("test.toml", wrong);
    auto changes = read_changes(written.sources, in_force, origins);
    REQUIRE_FALSE(changes);
    CHECK(code_of(changes.error()) == errc::config_invalid);
    CHECK(contains(text_of(changes.error()), written.error()));
  }
  written.dir.write("test.toml", "[limits]\nchats = 4\n");
  CHECK(read_changes(written.sources, in_force, origins)->taken == names{"limits.chats"});
  CHECK(origins.at("limits.chats").ends_with("test.toml:2"));
}

TEST_CASE("a file of the data directory that was there at the start may not be missing") {
  scratch_dir dir;
  load_sources sources;
  sources.environment["VARRO_DATA_DIR"] = dir.path().string();
  std::map<std::string, std::string> origins;
  const auto without = load_config(sources);
  REQUIRE(without);
  CHECK(read_changes(sources, *without, origins)->taken.empty());
  const auto file = dir.write("varro.toml", "[limits]\nchats = 3\n");
  const auto with = read_changes(sources, *without, origins); // one that is new is taken
  REQUIRE(with);
  CHECK(with->taken == names{"limits.chats"});
  std::filesystem::remove(file);
  auto gone = read_changes(sources, with->next, origins);
  REQUIRE_FALSE(gone);
  CHECK(contains(text_of(gone.error()), "varro.toml: cannot be read as a configuration file"));
}

TEST_CASE("names are told up to their bound, and the rest is counted") {
  CHECK(names_in_words({}).empty());
  CHECK(names_in_words({"a", "b"}) == "a, b");
  const std::string most(changed_names_bytes_max, 'x');
  CHECK(names_in_words({most}) == most);
  CHECK(names_in_words({most, "y", "z"}) == most + " and 2 more");
  CHECK(names_in_words({most + "x"}) == "1 more");
}

TEST_CASE("an exchange is seen by the next look, and who has taken one keeps it") {
  auto first = std::make_shared<config>();
  config_in_force in_force{first, {{"limits.chats", "varro.toml:2"}, {"server.port", "varro.toml:1"}}};
  const auto taken = in_force.now();
  auto next = std::make_shared<config>();
  next->limits.everybody.chats = 9;
  in_force.exchange(next, {{"limits.tokens_per_day", "varro.toml:3"}});
  CHECK_FALSE(taken->limits.everybody.chats);
  CHECK(in_force.now()->limits.everybody.chats == 9);
  std::map<std::string, shown_setting> shown;
  for (const auto& each : in_force.shown())
    shown[each.key] = each;
  CHECK(shown["limits.chats"].value == "9");
  CHECK(shown["limits.chats"].origin.empty());
  CHECK(shown["limits.chats"].by_reload);
  CHECK(shown["limits.tokens_per_day"].origin == "varro.toml:3");
  // Its value is that of the start, and so is where it came from.
  CHECK(shown["server.port"].origin == "varro.toml:1");
  CHECK_FALSE(shown["server.port"].by_reload);
}
