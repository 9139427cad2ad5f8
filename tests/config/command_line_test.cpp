#include "config/command_line.hpp"
#include "tests/config/support.hpp"

using namespace varro;
using namespace varro::test;

namespace {

command_line parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "varro");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

std::string override_of(const command_line& line, std::string_view path) {
  for (const auto& given : line.overrides)
    if (given.path == path)
      return given.text;
  return "(none)";
}

} // namespace

TEST_CASE("serve without options overrides nothing") {
  auto line = parse({"serve"});
  CHECK(line.what == command::serve);
  CHECK(line.overrides.empty());
  CHECK(line.config_file.empty());
  CHECK(line.exit_code == 0);
}

TEST_CASE("serve's options become overrides of their keys") {
  auto line = parse({"serve", "--config", "c.toml", "--listen", "0.0.0.0:9000", "--data", "d", "--auth", "accounts",
                     "--model", "openai:gpt-5"});
  CHECK(line.what == command::serve);
  CHECK(line.config_file == "c.toml");
  CHECK(override_of(line, "server.host") == "0.0.0.0");
  CHECK(override_of(line, "server.port") == "9000");
  CHECK(override_of(line, "data_dir") == "d");
  CHECK(override_of(line, "auth.mode") == "accounts");
  CHECK(override_of(line, "default_model") == "openai:gpt-5");
  auto sources = line.sources();
  CHECK(sources.file == "c.toml");
  CHECK(sources.command_line.size() == 5);
  CHECK(sources.environment.contains("PATH"));
}

TEST_CASE("an address to listen on is HOST:PORT, with brackets around IPv6") {
  auto six = parse({"serve", "--listen", "[::1]:0"});
  CHECK(override_of(six, "server.host") == "::1");
  CHECK(override_of(six, "server.port") == "0");
  CHECK(override_of(parse({"serve", "--listen", "localhost:65535"}), "server.port") == "65535");
  for (auto text :
       {"8000", "localhost", ":8000", "localhost:", "localhost:65536", "localhost:-1", "localhost:8o", "::1:80"}) {
    CAPTURE(text);
    auto line = parse({"serve", "--listen", text});
    CHECK(line.what == command::print);
    CHECK(line.exit_code == 2);
    CHECK(contains(line.text, "expected HOST:PORT"));
  }
}

TEST_CASE("backup takes the directory of the backups, and how many stay") {
  auto line = parse({"backup", "backups", "--data", "d"});
  CHECK(line.what == command::backup);
  CHECK(line.backup_place == "backups");
  CHECK(line.backup_keep == 0);
  CHECK_FALSE(line.backup_full);
  line = parse({"backup", "backups", "--keep", "1", "--full"});
  CHECK(line.backup_keep == 1);
  CHECK(line.backup_full);
  CHECK(parse({"backup"}).exit_code == 2);
  CHECK(parse({"backup", "backups", "--keep", "0"}).exit_code == 2);
  CHECK(parse({"backup", "backups", "--keep", "1000001"}).exit_code == 2);
}

TEST_CASE("restore takes the directory to make, which no default stands in for, unless it only checks") {
  auto line = parse({"restore", "backups", "--data", "new"});
  CHECK(line.what == command::restore);
  CHECK(line.backup_place == "backups");
  CHECK(line.restored_data == "new");
  CHECK_FALSE(line.check_only);
  CHECK(parse({"restore", "backups", "--check"}).check_only);
  CHECK(parse({"restore", "backups"}).exit_code == 2);
  CHECK(parse({"restore", "backups"}).text.find("--data") != std::string::npos);
  CHECK(parse({"restore", "backups", "--check", "--data", "new"}).exit_code == 2);
}

TEST_CASE("doctor takes serve's options") {
  auto line = parse({"doctor", "--data", "d"});
  CHECK(line.what == command::doctor);
  CHECK(override_of(line, "data_dir") == "d");
}

TEST_CASE("user commands take a name, and some a password") {
  struct {
    const char* verb;
    command what;
  } verbs[]{{"add", command::user_add},
            {"disable", command::user_disable},
            {"enable", command::user_enable},
            {"passwd", command::user_passwd}};
  for (const auto& expected : verbs) {
    auto verb = expected.verb;
    CAPTURE(verb);
    auto line = parse({"user", verb, "ada", "--data", "d"});
    CHECK(line.what == expected.what);
    CHECK(line.user_name == "ada");
    CHECK_FALSE(line.password_stdin);
    CHECK(override_of(line, "data_dir") == "d");
    CHECK(parse({"user", verb}).exit_code == 2);
  }
  CHECK(parse({"user", "erase", "ada"}).what == command::user_erase);
  CHECK_FALSE(parse({"user", "erase", "ada"}).confirmed);
  CHECK(parse({"user", "erase", "ada", "--yes"}).confirmed);
  CHECK(parse({"user", "erase"}).exit_code == 2);
  CHECK(parse({"user", "disable", "ada", "--yes"}).exit_code == 2);
  CHECK(parse({"user", "list"}).what == command::user_list);
  CHECK(parse({"user", "add", "ada", "--admin"}).admin);
  CHECK_FALSE(parse({"user", "add", "ada"}).admin);
  CHECK(parse({"user", "disable", "ada", "--admin"}).exit_code == 2);
  CHECK(parse({"user", "invite"}).what == command::user_invite);
  CHECK(parse({"user", "invite", "--admin"}).admin);
  CHECK(parse({"user", "invite", "ada"}).exit_code == 2);
  CHECK(parse({"user", "reset-link", "ada"}).what == command::user_reset_link);
  CHECK(parse({"user", "reset-link"}).exit_code == 2);
  CHECK(parse({"user", "role", "ada", "admin"}).what == command::user_role);
  CHECK(parse({"user", "role", "ada", "admin"}).user_role == "admin");
  CHECK(parse({"user", "role", "ada", "root"}).exit_code == 2);
  CHECK(parse({"user", "role", "ada"}).exit_code == 2);
  CHECK(parse({"user", "list", "ada"}).exit_code == 2);
  CHECK(parse({"user", "add", "ada", "--password-stdin"}).password_stdin);
  CHECK(parse({"user", "passwd", "--password-stdin", "ada"}).password_stdin);
  CHECK(parse({"user", "disable", "ada", "--password-stdin"}).exit_code == 2);
}

TEST_CASE("a token has a name, a user, scopes and a time") {
  auto line
    = parse({"token", "create", "nightly", "--user", "ada", "--scope", "read,chat", "--expires", "2d", "--data", "d"});
  CHECK(line.what == command::token_create);
  CHECK(line.token.label == "nightly");
  CHECK(line.token.user == "ada");
  CHECK(line.token.scopes == "read,chat");
  CHECK(line.token.lasts == "2d");
  CHECK(override_of(line, "data_dir") == "d");
  line = parse({"token", "create", "nightly", "--user", "ada"});
  CHECK(line.token.scopes == "read");
  CHECK(line.token.lasts.empty());
  CHECK(parse({"token", "create", "nightly"}).exit_code == 2);
  CHECK(parse({"token", "create", "--user", "ada"}).exit_code == 2);
  CHECK(parse({"token"}).exit_code == 2);
  CHECK(parse({"token", "list"}).what == command::token_list);
  CHECK(parse({"token", "list", "--user", "ada"}).token.user == "ada");
  line = parse({"token", "revoke", "0123456789ab"});
  CHECK(line.what == command::token_revoke);
  CHECK(line.token.id == "0123456789ab");
  CHECK(parse({"token", "revoke"}).exit_code == 2);
}

TEST_CASE("usage is summed up by user unless something else is asked for") {
  auto line = parse({"usage", "--data", "d"});
  CHECK(line.what == command::usage);
  CHECK(line.usage_by == "user");
  CHECK(line.since.empty());
  CHECK_FALSE(line.csv);
  CHECK(override_of(line, "data_dir") == "d");
  line = parse({"usage", "--by", "day", "--since", "2026-05-01", "--csv"});
  CHECK(line.usage_by == "day");
  CHECK(line.since == "2026-05-01");
  CHECK(line.csv);
  CHECK(parse({"usage", "--by", "colour"}).exit_code == 2);
}

TEST_CASE("--version prints name and version") {
  auto line = parse({"--version"});
  CHECK(line.what == command::print);
  CHECK(line.exit_code == 0);
  CHECK(line.text == "varro " VARRO_VERSION "\n");
}

TEST_CASE("--help prints the commands, and a command's --help its options") {
  auto line = parse({"--help"});
  CHECK(line.exit_code == 0);
  for (auto name : {"serve", "doctor", "user"})
    CHECK(contains(line.text, name));
  auto serve = parse({"serve", "--help"});
  CHECK(serve.exit_code == 0);
  for (auto option : {"--config", "--listen", "--data", "--auth", "--model"})
    CHECK(contains(serve.text, option));
}

TEST_CASE("a mistake is told with exit code 2") {
  for (auto arguments : std::vector<std::vector<const char*>>{{},
                                                              {"serv"},
                                                              {"serve", "--port", "1"},
                                                              {"serve", "--listen"},
                                                              {"user"},
                                                              {"user", "rename"},
                                                              {"serve", "extra"}}) {
    auto line = parse(arguments);
    CHECK(line.what == command::print);
    CHECK(line.exit_code == 2);
    CHECK_FALSE(line.text.empty());
  }
}

TEST_CASE("the command line never asks a passwordless Varro onto the network") {
  written_config given{""};
  given.sources.command_line = parse({"serve", "--listen", "0.0.0.0:8000"}).overrides;
  CHECK(contains(given.error(), "--listen: server.host: 0.0.0.0 can be reached from other machines"));
  given.sources.command_line = parse({"serve", "--listen", "0.0.0.0:8000", "--auth", "accounts"}).overrides;
  CHECK(given.error() == "no error");
}

TEST_CASE("the audit is listed, its end printed and the whole of it checked") {
  auto line = parse({"audit", "list", "--user", "ada", "--since", "2026-05-01", "--action", "login", "--csv"});
  CHECK(line.what == command::audit_list);
  CHECK(line.audit_user == "ada");
  CHECK(line.since == "2026-05-01");
  CHECK(line.audit_action == "login");
  CHECK(line.csv);
  CHECK(parse({"audit", "head", "--data", "d"}).what == command::audit_head);
  CHECK(override_of(parse({"audit", "head", "--data", "d"}), "data_dir") == "d");
  line = parse({"audit", "verify", "--head", "7:abc"});
  CHECK(line.what == command::audit_verify);
  CHECK(line.audit_known == "7:abc");
  CHECK(parse({"audit"}).exit_code == 2);
  CHECK(parse({"audit", "erase"}).exit_code == 2);
}

TEST_CASE("memberships of groups name the group and then the user") {
  auto add = parse({"group", "add", "data", "ada", "--data", "d"});
  CHECK(add.what == command::group_add);
  CHECK(add.group == "data");
  CHECK(add.user_name == "ada");
  CHECK(override_of(add, "data_dir") == "d");
  CHECK(parse({"group", "remove", "data", "ada"}).what == command::group_remove);
  CHECK(parse({"group", "list"}).what == command::group_list);
  for (const auto& wrong : {std::vector<const char*>{"group"},
                            {"group", "add"},
                            {"group", "add", "data"},
                            {"group", "list", "data"},
                            {"group", "rename", "a", "b"}})
    CHECK(parse(wrong).exit_code == 2);
}

TEST_CASE("what nobody uses is previewed and deleted") {
  auto line = parse({"retention", "preview", "--chats", "--data", "d"});
  CHECK(line.what == command::retention_preview);
  CHECK(line.each_chat);
  CHECK(override_of(line, "data_dir") == "d");
  CHECK_FALSE(parse({"retention", "preview"}).each_chat);
  CHECK(parse({"retention", "run", "--config", "c.toml"}).what == command::retention_run);
  for (const auto& wrong :
       {std::vector<const char*>{"retention"}, {"retention", "run", "--chats"}, {"retention", "now"}})
    CHECK(parse(wrong).exit_code == 2);
}
