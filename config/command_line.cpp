#include "config/command_line.hpp"

#include <charconv>
#include <optional>
#include <sstream>
#include <tuple>

#include <CLI/CLI.hpp>

namespace varro {

namespace {

constexpr int usage_error = 2;

constexpr auto footer
  = "Settings: the command line is stronger than VARRO_… variables, those are stronger than the file\n"
    "(DATA_DIR/varro.toml or --config FILE). config/varro.toml documents every key.";

// HOST:PORT or [HOST]:PORT into the keys that it sets.
struct listen_address {
  std::string host;
  std::string port;
};

std::optional<listen_address> parse_listen(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  auto host = text.substr(0, colon);
  auto port = text.substr(colon + 1);
  auto bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  uint16_t number = 0;
  auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (host.empty() || (!bracketed && host.find(':') != std::string_view::npos) || problem != std::errc{}
      || end != port.data() + port.size())
    return std::nullopt;
  return listen_address{std::string{host}, std::to_string(number)};
}

// What CLI11 writes into while it parses.
struct options {
  std::string config_file, listen, data, auth, model, backup_file, user_name;
  bool password_stdin = false, keep_shells = false;

  void add_config(CLI::App& to) {
    to.add_option("--config", config_file, "Configuration file instead of DATA_DIR/varro.toml")->type_name("FILE");
  }
  void add_data(CLI::App& to) {
    to.add_option("--data", data, "Data directory (default: ./data)")->type_name("DIR");
  }
  void add_serving(CLI::App& to) {
    add_config(to);
    to.add_option("--listen", listen, "Address to listen on (default: 127.0.0.1:8000); port 0 picks a free one")
      ->type_name("HOST:PORT");
    add_data(to);
    to.add_option("--auth", auth,
                  "local: one user, no password, loopback only (default); accounts: names and passwords")
      ->type_name("local|accounts|proxy");
    to.add_option("--model", model, "Default model: anthropic:NAME, openai:NAME, another provider's, or offline")
      ->type_name("PROVIDER:NAME");
  }

  std::vector<override_value> overrides() const {
    std::vector<override_value> result;
    for (auto [path, text, option] : {std::tuple{"data_dir", &data, "--data"}, std::tuple{"auth.mode", &auth, "--auth"},
                                      std::tuple{"default_model", &model, "--model"}})
      if (!text->empty())
        result.push_back({path, *text, option});
    if (auto address = parse_listen(listen)) {
      result.push_back({"server.host", address->host, "--listen"});
      result.push_back({"server.port", address->port, "--listen"});
    }
    return result;
  }
};

struct user_verb {
  const char* name;
  const char* help;
  command what;
  bool named;
  bool with_password;
};
constexpr user_verb user_verbs[]{
  {"add", "Add a user; asks for the password", command::user_add, true, true},
  {"list", "List the users", command::user_list, false, false},
  {"disable", "Refuse a user's logins, and end the open ones", command::user_disable, true, false},
  {"enable", "Accept a disabled user's logins again", command::user_enable, true, false},
  {"passwd", "Set a user's password, and end the open logins", command::user_passwd, true, true},
};

command_line printed(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream out, err;
  command_line result;
  result.exit_code = app.exit(error, out, err) == 0 ? 0 : usage_error;
  result.text = result.exit_code == 0 ? out.str() : err.str();
  return result;
}

} // namespace

load_sources command_line::sources() const {
  return load_sources{config_file, process_environment(), overrides, {}};
}

command_line parse_command_line(int argc, const char* const* argv) {
  CLI::App app{"Varro: a chat for working with data. Each chat has its own sandboxed Python.", "varro"};
  app.set_version_flag("--version", "varro " VARRO_VERSION);
  app.footer(footer);
  app.require_subcommand(1);
  options given;
  auto what = command::print;

  auto serve = app.add_subcommand("serve", "Serve the chat until SIGTERM or SIGINT");
  given.add_serving(*serve);
  serve->add_flag("--keep-shells", given.keep_shells, "Leave the chats' shells to the next server when this one stops");
  serve->callback([&] { what = command::serve; });
  auto doctor = app.add_subcommand("doctor", "Check sandbox, Python, providers and disk, and say how to fix them");
  given.add_serving(*doctor);
  doctor->callback([&] { what = command::doctor; });

  auto backup = app.add_subcommand("backup", "Copy the database as it is at this moment, also while a server runs");
  backup->add_option("FILE", given.backup_file, "The copy; it must not exist yet")->required();
  given.add_config(*backup);
  given.add_data(*backup);
  backup->callback([&] { what = command::backup; });

  auto user = app.add_subcommand("user", "Manage the users of --auth accounts");
  user->require_subcommand(1);
  for (const auto& verb : user_verbs) {
    auto sub = user->add_subcommand(verb.name, verb.help);
    if (verb.named)
      sub->add_option("NAME", given.user_name, "The user's name")->required();
    if (verb.with_password)
      sub->add_flag("--password-stdin", given.password_stdin, "Read the password from the first line of stdin");
    given.add_config(*sub);
    given.add_data(*sub);
    sub->callback([&what, verb] { what = verb.what; });
  }

  try {
    app.parse(argc, argv);
    if (!given.listen.empty() && !parse_listen(given.listen))
      throw CLI::ValidationError("--listen",
                                 "expected HOST:PORT with a port from 0 to 65535, or [IPV6]:PORT, got " + given.listen);
  } catch (const CLI::ParseError& error) {
    return printed(app, error);
  }
  command_line result;
  result.what = what;
  result.config_file = given.config_file;
  result.overrides = given.overrides();
  result.backup_file = given.backup_file;
  result.user_name = given.user_name;
  result.password_stdin = given.password_stdin;
  result.keep_shells = given.keep_shells;
  return result;
}

} // namespace varro
