#include "config/keys.hpp"
#include "tests/config/support.hpp"

using namespace varro;
using namespace varro::test;

TEST_CASE("without any source every value is its default and the model is offline") {
  scratch_dir empty;
  auto loaded = load_config(load_sources{{}, {{"VARRO_DATA_DIR", empty.path().string()}}, {}, {}});
  REQUIRE(loaded);
  config defaults;
  CHECK(loaded->server.port == defaults.server.port);
  CHECK(loaded->file.empty());
  REQUIRE(loaded->models.size() == 1);
  CHECK(loaded->models[0].kind == provider_kind::offline);
  CHECK(loaded->default_model == "offline");
}

TEST_CASE("varro.toml in the data directory is read without being asked for") {
  scratch_dir dir;
  auto file = dir.write("varro.toml", "[server]\nport = 4242\n");
  auto loaded = load_config(load_sources{{}, {}, {{"data_dir", dir.path().string(), "--data"}}, {}});
  REQUIRE(loaded);
  CHECK(loaded->server.port == 4242);
  CHECK(loaded->file == file);
  CHECK(loaded->data_dir == dir.path());
}

TEST_CASE("a file given by --config replaces the one in the data directory and must exist") {
  scratch_dir dir;
  dir.write("varro.toml", "[server]\nport = 4242\n");
  auto other = dir.write("other.toml", "log_level = \"debug\"\n");
  load_sources sources{other, {}, {{"data_dir", dir.path().string(), "--data"}}, {}};
  auto loaded = load_config(sources);
  REQUIRE(loaded);
  CHECK(loaded->server.port == config{}.server.port);
  CHECK(loaded->log_level == "debug");
  sources.file = dir.path() / "missing.toml";
  auto missing = load_config(sources);
  REQUIRE_FALSE(missing);
  CHECK(contains(text_of(missing.error()), "missing.toml: cannot be read"));
  sources.file = dir.path();
  CHECK_FALSE(load_config(sources));
}

TEST_CASE("every type of value is read from its section") {
  auto loaded = written_config{R"(
data_dir = "elsewhere"
discover_local_models = false
[server]
host = "::1"
port = 0
allowed_hosts = ["a.example", "b.example"]
head_max_ms = 100
[auth]
mode = "accounts"
session_max_hours = 5
attempts_window_seconds = 6
[agent]
tokens_max = 7
instructions = """
two
lines"""
[shell]
sandbox = false
idle_minutes = 8
memory_bytes_max = 1_073_741_824
[chat]
idle_minutes = 9
)"}
                  .load();
  CHECK(loaded.data_dir == "elsewhere");
  CHECK_FALSE(loaded.discover_local_models);
  CHECK(loaded.server.host == "::1");
  CHECK(loaded.server.port == 0);
  CHECK(loaded.server.allowed_hosts == std::vector<std::string>{"a.example", "b.example"});
  CHECK(loaded.server.head_max == std::chrono::milliseconds{100});
  CHECK(loaded.auth.mode == auth_mode::accounts);
  CHECK(loaded.auth.session_max == std::chrono::hours{5});
  CHECK(loaded.auth.attempts_window == std::chrono::seconds{6});
  CHECK(loaded.agent.tokens_max == 7);
  CHECK(loaded.agent.instructions == "two\nlines");
  CHECK_FALSE(loaded.shell.sandbox);
  CHECK(loaded.shell.idle == std::chrono::minutes{8});
  CHECK(loaded.shell.memory_bytes_max == 1u << 30);
  CHECK(loaded.chat.idle == std::chrono::minutes{9});
}

TEST_CASE("a wrong key names file, line, key, the nearest key and the section's keys") {
  auto text = error_of("[server]\nhost = \"::1\"\nprot = 1\n");
  CHECK(contains(text, "test.toml:3: server.prot: no such key; did you mean server.port?"));
  CHECK(contains(text, "Keys of [server]: host, port,"));
}

TEST_CASE("a key that is near to nothing is refused without a guess") {
  auto text = error_of("[server]\nxylophone = 1\n");
  CHECK(contains(text, "test.toml:2: server.xylophone: no such key."));
  CHECK_FALSE(contains(text, "did you mean"));
}

TEST_CASE("a wrong section and a wrong key of the top level are refused") {
  CHECK(
    contains(error_of("\n[servr]\nport = 1\n"), "test.toml:2: servr: no such section or key; did you mean server?"));
  CHECK(contains(error_of("log_levle = \"info\"\n"),
                 "test.toml:1: log_levle: no such section or key; did you mean "
                 "log_level?"));
  CHECK(contains(error_of("server = 3\n"), "test.toml:1: server: expected a section, written [server]"));
  CHECK(contains(error_of("[[server]]\n"), "server: expected a section"));
}

TEST_CASE("a wrong type is refused with what is allowed and what was written") {
  CHECK(contains(error_of("[server]\nport = \"x\"\n"),
                 "test.toml:2: server.port: expected an integer from 0 to 65535, got the text \"x\""));
  CHECK(contains(error_of("[server]\nport = 1.5\n"), "expected an integer from 0 to 65535, got 1.5"));
  CHECK(
    contains(error_of("[shell]\nsandbox = \"no\"\n"), "shell.sandbox: expected true or false, got the text \"no\""));
  CHECK(contains(error_of("[shell]\nsandbox = 0\n"), "expected true or false, got 0"));
  CHECK(contains(error_of("[shell]\npython = 3\n"), "shell.python: expected a text of 1 to 4096 bytes"));
  CHECK(contains(error_of("[server]\nallowed_hosts = \"a\"\n"), "expected a list of at most 100 texts"));
  CHECK(contains(error_of("[server]\nallowed_hosts = [1]\n"), "expected a list of at most 100 texts"));
  CHECK(contains(error_of("[server]\nport = 1979-05-27\n"), "got something else"));
  CHECK(contains(error_of("[server]\nport = {a = 1}\n"), "server.port: expected an integer"));
  CHECK(contains(error_of("[auth]\nmode = \"none\"\n"),
                 "auth.mode: expected one of: local, accounts, proxy, oidc, got the text \"none\""));
  CHECK(contains(error_of("[shell]\nidle_minutes = 0\n"), "(minutes), got 0"));
}

TEST_CASE("a text with control characters is refused") {
  CHECK(contains(error_of("[server]\nhost = \"a\\u0000b\"\n"), "without control characters"));
}

TEST_CASE("what is not TOML names its line") {
  CHECK(contains(error_of("[server]\nport = = 1\n"), "test.toml:2: not valid TOML: "));
  CHECK(contains(error_of("[server]\nport = 1\nport = 2\n"), "test.toml:3: not valid TOML: "));
}

TEST_CASE("a file above its size limit is refused and one at the limit is read") {
  std::string at_limit(1u << 20, '#');
  written_config{at_limit}.load();
  CHECK(contains(error_of(at_limit + "#"), "larger than the limit of 1 MiB"));
}

TEST_CASE("every number is accepted at both ends of its range and refused beyond them") {
  for (const auto& row : config_keys()) {
    config settings;
    auto target = row.locate(settings);
    auto number = !std::holds_alternative<std::string*>(target) && !std::holds_alternative<bool*>(target)
      && !std::holds_alternative<std::vector<std::string>*>(target)
      && !std::holds_alternative<std::optional<std::vector<std::string>>*>(target)
      && !std::holds_alternative<std::filesystem::path*>(target) && !std::holds_alternative<auth_mode*>(target);
    if (!number)
      continue;
    CAPTURE(row.path);
    CHECK(row.min < row.max);
    CHECK(magnitude(target) >= row.min);
    CHECK(magnitude(target) <= row.max);
    for (auto edge : {row.min, row.max}) {
      CHECK_FALSE(assign(row, target, edge));
      CHECK(magnitude(target) == edge);
    }
    CHECK(assign(row, target, row.min - 1));
    CHECK(assign(row, target, row.max + 1));
    CHECK(magnitude(target) == row.max);
  }
}

TEST_CASE("limits that contradict each other are refused with both places") {
  auto text = error_of("[model_client]\nbackoff_first_ms = 5000\nbackoff_max_ms = 4000\n");
  CHECK(contains(text, "test.toml:2: model_client.backoff_first_ms: is 5000 and must not be greater than"));
  CHECK(contains(text, "test.toml:3: model_client.backoff_max_ms, which is 4000"));
  CHECK(error_of("[model_client]\nbackoff_first_ms = 4000\nbackoff_max_ms = 4000\n") == "no error");
}

TEST_CASE("further Pythons are sections, and the default one is one of them") {
  auto loaded = written_config{R"(
[shell]
default_python = "science"
[shell.python.science]
interpreter = "/opt/science/bin/python3"
preload = ["scipy"]
)"}
                  .load();
  auto all = loaded.shell.all_interpreters();
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "default");
  CHECK(all[0].path == config{}.shell.python);
  CHECK(all[1].name == "science");
  CHECK(all[1].preload == std::vector<std::string>{"scipy"});
  CHECK(contains(written_config{"[shell]\ndefault_python = \"science\"\n"}.error(), "not one of the configured"));
  CHECK(contains(written_config{"[shell.python.x]\npreload = []\n"}.error(), "interpreter is missing"));
  CHECK(contains(written_config{"[shell.python.x]\ninterpreter = \"python3\"\n"}.error(), "absolute"));
  CHECK(contains(written_config{"[shell.python.x]\npath = \"/p\"\n"}.error(), "no such key"));
}

TEST_CASE("an environment variable is stronger than the file, and the command line stronger than both") {
  written_config given{"log_level = \"error\"\n[server]\nport = 1\nworkers = 2\nhost = \"127.0.0.5\"\n"};
  given.sources.environment = {{"VARRO_SERVER_PORT", "3"}, {"VARRO_SERVER_WORKERS", "4"}};
  given.sources.command_line = {{"server.port", "5", "--listen"}};
  auto loaded = given.load();
  CHECK(loaded.server.port == 5);
  CHECK(loaded.server.workers == 4);
  CHECK(loaded.server.host == "127.0.0.5");
  CHECK(loaded.log_level == "error");
}

TEST_CASE("every type of value is read from the environment") {
  written_config given{""};
  given.sources.environment
    = {{"VARRO_DATA_DIR", "/tmp/somewhere"}, {"VARRO_SHELL_SANDBOX", "false"},
       {"VARRO_AUTH_MODE", "accounts"},      {"VARRO_SERVER_ALLOWED_HOSTS", "a.example,b.example"},
       {"VARRO_SHELL_IDLE_MINUTES", "7"},    {"VARRO_MODEL_CLIENT_RETRIES_MAX", "0"}};
  auto loaded = given.load();
  CHECK(loaded.data_dir == "/tmp/somewhere");
  CHECK_FALSE(loaded.shell.sandbox);
  CHECK(loaded.auth.mode == auth_mode::accounts);
  CHECK(loaded.server.allowed_hosts == std::vector<std::string>{"a.example", "b.example"});
  CHECK(loaded.shell.idle == std::chrono::minutes{7});
  CHECK(loaded.model_client.retries_max == 0);
}

TEST_CASE("a wrong value in the environment names its variable") {
  written_config given{""};
  given.sources.environment = {{"VARRO_SERVER_PORT", "70000"}};
  CHECK(
    contains(given.error(), "environment variable VARRO_SERVER_PORT: expected an integer from 0 to 65535, got 70000"));
  given.sources.environment = {{"VARRO_SERVER_PORT", ""}};
  CHECK(contains(given.error(), "VARRO_SERVER_PORT: expected an integer"));
  given.sources.environment = {{"VARRO_SHELL_SANDBOX", "off"}};
  CHECK(contains(given.error(), "VARRO_SHELL_SANDBOX: expected true or false, got the text \"off\""));
}

TEST_CASE("a misspelt variable is refused, and another program's is left alone") {
  written_config given{""};
  given.sources.environment = {{"VARRO_SERVER_PROT", "1"}};
  CHECK(contains(given.error(), "VARRO_SERVER_PROT: no such setting; did you mean VARRO_SERVER_PORT?"));
  given.sources.environment = {{"VARRO_SERVR_PORT", "1"}};
  CHECK(contains(given.error(), "did you mean VARRO_SERVER_PORT?"));
  given.sources.environment
    = {{"VARRO_HOME_PAGE", "x"}, {"VARRO_BIN", "x"}, {"VARR_SERVER_PORT", "1"}, {"VARRO_CRASH_AT", "turn_commit:1"}};
  CHECK(given.error() == "no error");
}

TEST_CASE("a wrong value on the command line names its option") {
  written_config given{""};
  given.sources.command_line = {{"auth.mode", "everyone", "--auth"}};
  CHECK(contains(given.error(), "--auth: expected one of: local, accounts, proxy, oidc"));
}

TEST_CASE("without passwords only loopback addresses are served") {
  for (auto host : {"127.0.0.1", "127.8.9.10", "::1", "localhost"}) {
    CAPTURE(host);
    CHECK(error_of("[server]\nhost = \"" + std::string{host} + "\"\n") == "no error");
  }
  for (auto host :
       {"0.0.0.0", "::", "192.168.1.2", "localhost.example.org", "127.0.0.1.example.org", "::ffff:10.0.0.1"}) {
    CAPTURE(host);
    auto text = error_of("[server]\nhost = \"" + std::string{host} + "\"\n");
    CHECK(contains(text, "test.toml:2: server.host: "));
    CHECK(contains(text, "use --auth accounts"));
    CHECK(error_of("[auth]\nmode = \"accounts\"\n[server]\nhost = \"" + std::string{host} + "\"\n") == "no error");
  }
}

TEST_CASE("a public address is one of HTTP, and who may sign up is one of three") {
  auto text = error_of("[server]\npublic_url = \"varro.example.org\"\n");
  CHECK(contains(text, "test.toml:2: server.public_url: expected http:// or https://"));
  CHECK(contains(error_of("[auth]\nsign_up = \"all\"\n"), "auth.sign_up: expected one of: closed, invitation, open"));
  auto right
    = written_config{"[server]\npublic_url = \"https://varro.example.org\"\n[auth]\nsign_up = \"open\"\n"}.load();
  CHECK(right.server.public_url == "https://varro.example.org");
  CHECK(right.auth.sign_up == "open");
}

TEST_CASE("the oidc mode needs to know the provider") {
  CHECK(contains(error_of("[auth]\nmode = \"oidc\"\n"), "oidc.issuer: is missing"));
}

TEST_CASE("the file of the data directory cannot move the data directory") {
  scratch_dir dir;
  dir.write("varro.toml", "data_dir = \"/elsewhere\"\n");
  auto loaded = load_config(load_sources{{}, {{"VARRO_DATA_DIR", dir.path().string()}}, {}, {}});
  REQUIRE_FALSE(loaded);
  CHECK(contains(text_of(loaded.error()), "varro.toml:1: data_dir: cannot be set in the file of the data directory"));
}
