#include "config/command_line.hpp"

#include <charconv>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

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

struct limit_verb {
  const char* name;
  const char* help;
  command what;
  bool named;
  bool with_value;
};
constexpr limit_verb limit_verbs[]{
  {"list", "List the limits that were set", command::limit_list, false, false},
  {"set", "Set a limit; it is in force within seconds", command::limit_set, true, true},
  {"clear", "Take a limit back: the next more general rule says it", command::limit_clear, true, false},
};

// What CLI11 writes into while it parses.
struct options {
  std::string config_file, listen, data, auth, model, backup_place, user_name, user_role, usage_by = "user", since;
  std::string audit_user, audit_action, audit_known, link_number, group;
  std::string limit_user, limit_group, limit_name, limit_value;
  bool limit_everybody = false, backup_full = false, check_only = false;
  size_t backup_keep = 0;
  bool password_stdin = false, confirmed = false, keep_shells = false, admin = false, csv = false, each_chat = false;
  token_arguments token;

  void add_config(CLI::App& to) {
    to.add_option("--config", config_file, "Configuration file instead of DATA_DIR/varro.toml")->type_name("FILE");
  }
  void add_data(CLI::App& to) {
    to.add_option("--data", data, "Data directory (default: ./data)")->type_name("DIR");
  }
  void add_token(CLI::App& app, command& what) {
    auto group = app.add_subcommand("token", "Manage the tokens by which programs act for users");
    group->require_subcommand(1);
    auto add = [&](const char* name, const char* help, command verb) {
      auto sub = group->add_subcommand(name, help);
      add_config(*sub);
      add_data(*sub);
      sub->callback([&what, verb] { what = verb; });
      return sub;
    };
    auto create = add("create", "Make a token and print it, once", command::token_create);
    create->add_option("NAME", token.label, "What it is for")->required();
    create->add_option("--user", token.user, "Whose it is")->type_name("NAME")->required();
    create->add_option("--scope", token.scopes, "read (default), chat and admin, with commas between them")
      ->type_name("SCOPES");
    create->add_option("--expires", token.lasts, "After so long: 90d (default), 12h, 30m")->type_name("TIME");
    auto list = add("list", "List the tokens, without their secrets", command::token_list);
    list->add_option("--user", token.user, "Only this user's")->type_name("NAME");
    auto revoke = add("revoke", "Refuse a token from now on", command::token_revoke);
    revoke->add_option("ID", token.id, "Its id, or the token itself")->required();
  }
  void add_limit_verb(CLI::App& to, const limit_verb& verb, command& what) {
    auto sub = to.add_subcommand(verb.name, verb.help);
    if (verb.named) {
      auto who = sub->add_option_group("who");
      who->add_option("--user", limit_user, "Of this user")->type_name("NAME");
      who->add_option("--group", limit_group, "Of the members of this group")->type_name("NAME");
      who->add_flag("--everybody", limit_everybody, "Of all users");
      who->require_option(1);
      sub->add_option("LIMIT", limit_name, "A key of [limits], such as tokens_per_day")->required();
    }
    if (verb.with_value)
      sub->add_option("VALUE", limit_value, "A number; of models a list with commas; 0: no limit")->required();
    add_config(*sub);
    add_data(*sub);
    sub->callback([&what, verb] { what = verb.what; });
  }
  void add_serving(CLI::App& to) {
    add_config(to);
    to.add_option("--listen", listen, "Address to listen on (default: 127.0.0.1:8000); port 0 picks a free one")
      ->type_name("HOST:PORT");
    add_data(to);
    to.add_option("--auth", auth,
                  "local: one user, no password, loopback only (default); accounts: names and passwords; "
                  "proxy: the proxy in front says who it is; oidc: a provider of OpenID Connect does")
      ->type_name("local|accounts|proxy|oidc");
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
  bool with_admin;
  bool with_role;
  bool with_yes = false;
};
constexpr user_verb user_verbs[]{
  {"add", "Add a user; asks for the password", command::user_add, true, true, true, false},
  {"list", "List the users", command::user_list, false, false, false, false},
  {"disable", "Refuse a user's logins, and end the open ones", command::user_disable, true, false, false, false},
  {"enable", "Accept a disabled user's logins again", command::user_enable, true, false, false, false},
  {"passwd", "Set a user's password, and end the open logins", command::user_passwd, true, true, false, false},
  {"invite", "Print a link for one further account", command::user_invite, false, false, true, false},
  {"reset-link", "Print a link for another password", command::user_reset_link, true, false, false, false},
  {"erase", "Remove a user with everything that is theirs, for good", command::user_erase, true, false, false, false,
   true},
  {"role", "Say what a user may do: user, or admin", command::user_role, true, false, false, true},
};

void add_backup_commands(CLI::App& app, options& given, command& what) {
  auto backup = app.add_subcommand("backup", "Copy database and files into a directory, also while a server runs");
  backup->add_option("DIR", given.backup_place, "Holds the backups; each gets a directory of its own there")
    ->required();
  backup->add_flag("--full", given.backup_full, "Copy also what did not change since the backup before");
  backup->add_option("--keep", given.backup_keep, "Remove the oldest backups beyond so many")
    ->type_name("N")
    ->check(CLI::Range(1, 1'000'000));
  given.add_config(*backup);
  given.add_data(*backup);
  backup->callback([&what] { what = command::backup; });
  auto restore = app.add_subcommand("restore", "Make a data directory of a backup");
  restore->add_option("DIR", given.backup_place, "A backup, or the directory of several: the newest one")->required();
  auto only = restore->add_flag("--check", given.check_only, "Only compare each file with its hash");
  // Not the default directory, which is the one that serves.
  auto data = restore->add_option("--data", given.data, "The data directory to make; nothing may be in it");
  data->type_name("DIR")->excludes(only);
  restore->callback([&given, &what] {
    if (given.data.empty() && !given.check_only)
      throw CLI::RequiredError("--data DIR, or --check,");
    what = command::restore;
  });
}

void add_group_commands(CLI::App& app, options& given, command& what) {
  auto group = app.add_subcommand("group", "Say which users are in which groups");
  group->require_subcommand(1);
  auto list = group->add_subcommand("list", "List who is in which group, and whether a login says so");
  auto add = group->add_subcommand("add", "Put a user into a group");
  auto remove = group->add_subcommand("remove", "Take a user out of a group into which `add` put them");
  for (auto sub : {add, remove}) {
    sub->add_option("GROUP", given.group, "The group's name: of the form of a user's")->required();
    sub->add_option("NAME", given.user_name, "The user's name")->required();
  }
  for (auto [sub, meant] : {std::pair{list, command::group_list}, std::pair{add, command::group_add},
                            std::pair{remove, command::group_remove}}) {
    given.add_config(*sub);
    given.add_data(*sub);
    sub->callback([&what, meant = meant] { what = meant; });
  }
}

void add_retention_commands(CLI::App& app, options& given, command& what) {
  auto retention
    = app.add_subcommand("retention", "See, and delete, what nobody has used for as long as the rules say");
  retention->require_subcommand(1);
  auto preview = retention->add_subcommand("preview", "Show what would go now, by user");
  preview->add_flag("--chats", given.each_chat, "A line for each chat, without its title");
  auto run = retention->add_subcommand("run", "Delete it now, also while a server runs");
  for (auto [sub, meant] : {std::pair{preview, command::retention_preview}, std::pair{run, command::retention_run}}) {
    given.add_config(*sub);
    given.add_data(*sub);
    sub->callback([&what, meant = meant] { what = meant; });
  }
}

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

  auto user = app.add_subcommand("user", "Manage the users of --auth accounts");
  user->require_subcommand(1);
  for (const auto& verb : user_verbs) {
    auto sub = user->add_subcommand(verb.name, verb.help);
    if (verb.named)
      sub->add_option("NAME", given.user_name, "The user's name")->required();
    if (verb.with_role)
      sub->add_option("ROLE", given.user_role, "user or admin")->required()->check(CLI::IsMember({"user", "admin"}));
    if (verb.with_admin)
      sub->add_flag("--admin", given.admin, "The account may look after the server");
    if (verb.with_yes)
      sub->add_flag("--yes", given.confirmed, "Do not ask");
    if (verb.with_password)
      sub->add_flag("--password-stdin", given.password_stdin, "Read the password from the first line of stdin");
    given.add_config(*sub);
    given.add_data(*sub);
    sub->callback([&what, verb] { what = verb.what; });
  }

  add_backup_commands(app, given, what);
  add_group_commands(app, given, what);
  add_retention_commands(app, given, what);

  auto usage = app.add_subcommand("usage", "Show who used what, and what it cost");
  usage->add_option("--by", given.usage_by, "A line for each user (default), day (UTC) or model")
    ->check(CLI::IsMember({"user", "day", "model"}));
  usage->add_option("--since", given.since, "From this day (UTC) on")->type_name("YYYY-MM-DD");
  usage->add_flag("--csv", given.csv, "Every column, for spreadsheets");
  given.add_config(*usage);
  given.add_data(*usage);
  usage->callback([&] { what = command::usage; });

  auto link = app.add_subcommand("link", "Manage the links for accounts that nobody has used");
  link->require_subcommand(1);
  auto links = link->add_subcommand("list", "A line for each link, with its number");
  links->callback([&] { what = command::link_list; });
  auto revoke = link->add_subcommand("revoke", "Take a link back");
  revoke->add_option("NUMBER", given.link_number, "As `varro link list` has it")->required();
  revoke->callback([&] { what = command::link_revoke; });
  auto audit = app.add_subcommand("audit", "Show who did what, and check that nobody changed it");
  audit->require_subcommand(1);
  auto list = audit->add_subcommand("list", "A line for each thing that was done, oldest first");
  list->add_option("--user", given.audit_user, "Done by this user, or about them")->type_name("NAME");
  list->add_option("--since", given.since, "From this day (UTC) on")->type_name("YYYY-MM-DD");
  list->add_option("--action", given.audit_action, "Of this kind: login, user, chat.deleted …");
  list->add_flag("--csv", given.csv, "For spreadsheets, with the hashes");
  list->callback([&] { what = command::audit_list; });
  auto head = audit->add_subcommand("head", "Print the newest row's number and hash, to be kept on another machine");
  head->callback([&] { what = command::audit_head; });
  auto verify = audit->add_subcommand("verify", "Check each row against the one before it");
  verify->add_option("--head", given.audit_known, "What `varro audit head` printed once: is it still there?");
  verify->callback([&] { what = command::audit_verify; });
  for (auto* sub : {links, revoke, list, head, verify}) {
    given.add_config(*sub);
    given.add_data(*sub);
  }
  given.add_token(app, what);
  auto limit = app.add_subcommand("limit", "Say what users and groups may use, also while a server runs");
  limit->require_subcommand(1);
  for (const auto& verb : limit_verbs)
    given.add_limit_verb(*limit, verb, what);

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
  result.backup_place = given.backup_place;
  result.backup_full = given.backup_full;
  result.backup_keep = given.backup_keep;
  result.check_only = given.check_only;
  result.restored_data = given.data;
  result.user_name = given.user_name;
  result.user_role = given.user_role;
  result.group = given.group;
  result.admin = given.admin;
  result.each_chat = given.each_chat;
  result.confirmed = given.confirmed;
  result.password_stdin = given.password_stdin;
  result.usage_by = given.usage_by;
  result.since = given.since;
  result.link_number = given.link_number;
  result.audit_user = given.audit_user;
  result.audit_action = given.audit_action;
  result.audit_known = given.audit_known;
  result.csv = given.csv;
  result.token = given.token;
  result.limit_subject = !given.limit_user.empty() ? "user" : !given.limit_group.empty() ? "group" : "everybody";
  result.limit_who = given.limit_user + given.limit_group; // one of them
  result.limit_name = given.limit_name;
  result.limit_value = given.limit_value;
  result.keep_shells = given.keep_shells;
  return result;
}

} // namespace varro
