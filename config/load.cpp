#include "config/load.hpp"

#include "config/keys.hpp"
#include "config/metrics_checks.hpp"
#include "config/oidc_checks.hpp"
#include "config/price_rows.hpp"
#include "config/providers.hpp"
#include "config/proxy_checks.hpp"
#include "config/secrets.hpp"
#include "config/trace_checks.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include <arpa/inet.h>
#include <unistd.h>

#include <toml++/toml.h>

namespace varro {

namespace {

constexpr size_t file_bytes_max = 1u << 20;
constexpr size_t sections_max = 1'000;  // providers, models
constexpr size_t interpreters_max = 16; // each is a process that stays
constexpr size_t group_bytes_max = 200; // of a group's name

// One load: the configuration so far, and where each of its keys was set.
struct loader {
  const load_sources& sources;
  config settings;
  model_sources models;
  std::map<std::string_view, std::string> origins;
  std::string file_name;

  caf::error read_file(const std::filesystem::path& path, bool must_exist);
  caf::error read_top_level(const toml::table& root);
  caf::error read_section(const std::string& section, const toml::node& node);
  caf::error read_providers(const toml::node& node);
  caf::error read_models(const toml::node& node);
  caf::error read_interpreters(const toml::table& all);
  // [SECTION.group.NAME], each with these keys.
  template <class T>
  caf::error read_groups(const toml::table& all, const std::string& section, std::span<const key_row<T>> keys,
                         std::vector<std::pair<std::string, T>>& groups);
  std::optional<caf::error> read_groups_of(const std::string& path, const toml::node& value);
  caf::error read_environment();
  caf::error read_command_line();
  caf::error check_orders() const;
  caf::error check_python() const;
  caf::error check_currency() const;
  caf::error check_exposure() const;

  std::string at(const toml::source_region& source) const {
    return file_name + ":" + std::to_string(source.begin.line);
  }
  // Where a key was set; its default is no place.
  std::string origin_of(std::string_view path) const {
    auto found = origins.find(path);
    return found == origins.end() ? std::string{path} : found->second + ": " + std::string{path};
  }
};

caf::error refuse(const std::string& where, const std::string& what) {
  return fail(errc::config_invalid, where + ": " + what);
}

// "no such key; did you mean server.port? Allowed: …"
std::string no_such(const std::string& what, std::string_view name, std::span<const std::string> near,
                    const std::string& rest) {
  auto nearest = nearest_name(name, near);
  return "no such " + what + (nearest.empty() ? ". " : "; did you mean " + nearest + "? ") + rest;
}

template <class Row>
const Row* find_row(std::span<const Row> rows, std::string_view path) {
  auto row = std::find_if(rows.begin(), rows.end(), [path](const Row& x) { return x.path == path; });
  return row == rows.end() ? nullptr : &*row;
}

std::string_view section_of(std::string_view path) {
  auto dot = path.find('.');
  return dot == std::string_view::npos ? "" : path.substr(0, dot);
}

std::vector<std::string> sections() {
  std::vector<std::string> names;
  for (const auto& row : config_keys())
    if (auto name = section_of(row.path); !name.empty() && (names.empty() || names.back() != name))
      names.emplace_back(name);
  names.insert(names.end(), {"provider", "model", "price"});
  return names;
}

template <class Row>
std::vector<std::string> paths(std::span<const Row> rows) {
  std::vector<std::string> names;
  for (const auto& row : rows)
    if (row.refused.empty())
      names.emplace_back(row.path);
  return names;
}

std::string joined(std::span<const std::string> names) {
  std::string text;
  for (const auto& name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text;
}

// A value of a kind that no key has (a date, a list of lists) has no written form.
std::optional<written_value> written(const toml::node& node) {
  if (auto x = node.as_boolean())
    return written_value{x->get()};
  if (auto x = node.as_integer())
    return written_value{x->get()};
  if (auto x = node.as_floating_point())
    return written_value{x->get()};
  if (auto x = node.as_string())
    return written_value{x->get()};
  if (auto x = node.as_table()) {
    std::ostringstream text;
    text << toml::json_formatter{*x};
    return written_value{text.str()};
  }
  auto list = node.as_array();
  if (!list)
    return std::nullopt;
  std::vector<std::string> entries;
  for (const auto& entry : *list) {
    auto text = entry.as_string();
    if (!text)
      return std::nullopt;
    entries.push_back(text->get());
  }
  return written_value{entries};
}

caf::error assign_node(const key_rule& rule, const setting& target, const toml::node& node, const std::string& where) {
  auto value = written(node);
  auto problem = value
    ? assign(rule, target, *value)
    : fail(errc::config_invalid, "expected " + allowed_values(rule, target) + ", got something else");
  return problem ? refuse(where, text_of(problem)) : caf::none;
}

// Reads one table whose keys are exactly the rows of T.
template <class T>
caf::error read_rows(const loader& load, const toml::table& table, std::span<const key_row<T>> rows, T& target,
                     const std::string& title) {
  for (const auto& [key, node] : table) {
    auto where = load.at(key.source()) + ": " + title + "." + std::string{key.str()};
    auto row = find_row(rows, key.str());
    if (!row)
      return refuse(where, no_such("key", key.str(), paths(rows), "Allowed: " + joined(paths(rows))));
    if (auto problem = assign_node(*row, row->locate(target), node, where))
      return problem;
  }
  return caf::none;
}

// The directory decides which file is read, so it is known before the file is.
std::filesystem::path data_dir_outside_the_file(const load_sources& sources) {
  for (const auto& given : sources.command_line)
    if (given.path == "data_dir")
      return given.text;
  auto variable = sources.environment.find(environment_name("data_dir"));
  return variable == sources.environment.end() ? config{}.data_dir : std::filesystem::path{variable->second};
}

bool is_loopback(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1)
    return ntohl(v4.s_addr) >> 24 == 127;
  return host == "localhost" || (inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
}

caf::error loader::read_file(const std::filesystem::path& path, bool must_exist) {
  std::error_code status;
  if (!must_exist && !std::filesystem::exists(path, status))
    return caf::none;
  file_name = path.string();
  auto size = std::filesystem::is_regular_file(path, status) ? std::filesystem::file_size(path, status) : 0;
  std::ifstream stream{path, std::ios::binary};
  if (status || !std::filesystem::is_regular_file(path, status) || !stream)
    return refuse(file_name, "cannot be read as a configuration file; check that it exists and that you may read it");
  if (size > file_bytes_max)
    return refuse(file_name, "is larger than the limit of 1 MiB for a configuration file");
  std::stringstream text;
  text << stream.rdbuf();
  settings.file = path;
  // Debian's build of the library reports by exceptions only.
  toml::table root;
  try {
    root = toml::parse(text.view(), file_name);
  } catch (const toml::parse_error& problem) {
    return refuse(at(problem.source()), "not valid TOML: " + std::string{problem.description()});
  }
  return read_top_level(root);
}

caf::error loader::read_top_level(const toml::table& root) {
  auto names = sections();
  for (const auto& [key, node] : root) {
    std::string name{key.str()};
    auto where = at(key.source()) + ": " + name;
    if (name == "provider" || name == "model") {
      if (auto problem = name == "model" ? read_models(node) : read_providers(node))
        return problem;
    } else if (name == "price") {
      auto place = [this](const toml::source_region& source) { return at(source); };
      if (auto problem = read_price_rows(node, place, settings.prices))
        return problem;
    } else if (std::find(names.begin(), names.end(), name) != names.end()) {
      if (auto problem = read_section(name, node))
        return problem;
    } else if (auto row = find_row(config_keys(), name)) {
      // A directory that moves itself by a file inside it would be searched for the file again.
      if (name == "data_dir" && sources.file.empty())
        return refuse(where, "cannot be set in the file of the data directory itself; use --data or VARRO_DATA_DIR");
      if (auto problem = assign_node(*row, row->locate(settings), node, where))
        return problem;
      origins[row->path] = at(key.source());
    } else {
      auto known = names;
      for (const auto& path : paths(config_keys()))
        if (section_of(path).empty())
          known.push_back(path);
      return refuse(where, no_such("section or key", name, known, "Allowed: " + joined(known)));
    }
  }
  return caf::none;
}

caf::error loader::read_section(const std::string& section, const toml::node& node) {
  auto table = node.as_table();
  if (!table)
    return refuse(at(node.source()) + ": " + section, "expected a section, written [" + section + "]");
  for (const auto& [key, value] : *table) {
    auto path = section + "." + std::string{key.str()};
    if (path == "shell.python" && value.is_table()) {
      if (auto problem = read_interpreters(*value.as_table()))
        return problem;
      continue;
    }
    if (auto groups = read_groups_of(path, value)) {
      if (*groups)
        return *groups;
      continue;
    }
    auto row = find_row(config_keys(), path);
    if (const auto* secret = secret_of_key(path))
      return refuse(
        at(key.source()) + ": " + path,
        "a secret is not written into this file, which is easily shared; put it into the environment variable "
          + std::string{secret->variable} + ", or into a file that " + std::string{secret->file_variable} + " names");
    if (!row) {
      std::vector<std::string> here;
      auto all = paths(config_keys());
      for (const auto& known : all)
        if (section_of(known) == section)
          here.push_back(known.substr(section.size() + 1));
      return refuse(at(key.source()) + ": " + path,
                    no_such("key", path, all, "Keys of [" + section + "]: " + joined(here)));
    }
    if (auto problem = assign_node(*row, row->locate(settings), value, at(key.source()) + ": " + path))
      return problem;
    origins[row->path] = at(key.source());
  }
  return caf::none;
}

caf::error loader::read_providers(const toml::node& node) {
  auto all = node.as_table();
  if (!all)
    return refuse(at(node.source()) + ": provider", "expected sections, written [provider.NAME]");
  for (const auto& [key, value] : *all) {
    provider_entry entry;
    entry.name = key.str();
    entry.origin = at(key.source());
    auto title = "provider." + entry.name;
    auto table = value.as_table();
    if (!table)
      return refuse(entry.origin + ": " + title, "expected a section, written [" + title + "]");
    if (models.providers.size() == sections_max)
      return refuse(entry.origin, "more than 1000 providers");
    if (auto problem = read_rows(*this, *table, provider_keys(), entry, title))
      return problem;
    models.providers.push_back(entry);
  }
  return caf::none;
}

// A file has either shell.python, a text, or sections [shell.python.NAME]: TOML does not allow both.
caf::error loader::read_interpreters(const toml::table& all) {
  for (const auto& [key, value] : all) {
    interpreter_config python;
    python.name = key.str();
    auto title = "shell.python." + python.name;
    auto where = at(key.source()) + ": " + title;
    auto table = value.as_table();
    if (!table)
      return refuse(where, "expected a section, written [" + title + "]");
    if (settings.shell.interpreters.size() == interpreters_max)
      return refuse(where, "more than 16 Pythons");
    if (auto problem = read_rows(*this, *table, interpreter_keys(), python, title))
      return problem;
    if (python.path.empty() || python.path.front() != '/')
      return refuse(where, "interpreter is missing or not an absolute path");
    settings.shell.interpreters.push_back(std::move(python));
  }
  return caf::none;
}

template <class T>
caf::error loader::read_groups(const toml::table& all, const std::string& section, std::span<const key_row<T>> keys,
                               std::vector<std::pair<std::string, T>>& groups) {
  for (const auto& [key, value] : all) {
    std::pair<std::string, T> group{std::string{key.str()}, T{}};
    auto title = section + ".group." + group.first;
    auto where = at(key.source()) + ": " + title;
    auto table = value.as_table();
    if (!table)
      return refuse(where, "expected a section, written [" + title + "]");
    if (group.first.empty() || group.first.size() > group_bytes_max)
      return refuse(where, "a group's name has 1 to 200 bytes");
    if (groups.size() == sections_max)
      return refuse(where, "more than 1000 groups");
    if (auto problem = read_rows(*this, *table, keys, group.second, title))
      return problem;
    groups.push_back(std::move(group));
  }
  return caf::none;
}

// Whether the key is a section of groups, and then what became of it.
std::optional<caf::error> loader::read_groups_of(const std::string& path, const toml::node& value) {
  const auto* all = value.as_table();
  if (path == "limits.group" && all != nullptr) {
    std::vector<std::pair<std::string, user_limits>> groups;
    auto problem = read_groups(*all, "limits", limit_keys(), groups);
    for (auto& [name, limits] : groups)
      settings.limits.groups.push_back({name, std::move(limits)});
    return problem;
  }
  if (path == "retention.group" && all != nullptr) {
    std::vector<std::pair<std::string, retention_rule>> groups;
    auto problem = read_groups(*all, "retention", retention_keys(), groups);
    for (auto& [name, rule] : groups)
      settings.retention.groups.push_back({name, rule});
    return problem;
  }
  return std::nullopt;
}

caf::error loader::read_models(const toml::node& node) {
  auto list = node.as_array();
  for (size_t i = 0; list && i < list->size(); ++i) {
    auto table = list->get(i)->as_table();
    if (!table)
      list = nullptr;
    if (!table)
      break;
    model_entry entry;
    entry.origin = at(table->source());
    if (models.models.size() == sections_max)
      return refuse(entry.origin, "more than 1000 models");
    if (auto problem = read_rows(*this, *table, model_keys(), entry, "model"))
      return problem;
    models.models.push_back(entry);
  }
  return list ? caf::none : refuse(at(node.source()) + ": model", "expected sections, each written [[model]]");
}

// Other programs' variables may begin with VARRO_ too: one is refused only where it is meant for us, that is where it
// begins like a section or is nearly the name of a key.
caf::error loader::read_environment() {
  std::map<std::string, const key_row<config>*> rows;
  std::vector<std::string> names; // without the prefix, which would make all of them look alike
  constexpr std::string_view prefix = "VARRO_";
  for (const auto& row : config_keys()) {
    rows[environment_name(row.path)] = &row;
    names.push_back(environment_name(row.path).substr(prefix.size()));
  }
  for (const auto& [name, text] : sources.environment) {
    if (!name.starts_with(prefix) || is_secret_variable(name))
      continue;
    auto where = "environment variable " + name;
    if (auto row = rows.find(name); row != rows.end()) {
      if (auto problem = assign_text(*row->second, row->second->locate(settings), text))
        return refuse(where, text_of(problem));
      origins[row->second->path] = where;
      continue;
    }
    auto ours = std::any_of(config_keys().begin(), config_keys().end(), [&variable = name](const auto& row) {
      auto section = section_of(row.path);
      return !section.empty() && variable.starts_with(environment_name(section) + "_");
    });
    auto nearest = nearest_name(std::string_view{name}.substr(prefix.size()), names);
    if (ours || !nearest.empty())
      return refuse(where,
                    "no such setting" + (nearest.empty() ? "." : "; did you mean VARRO_" + nearest + "?")
                      + " A setting's variable is VARRO_, its section and its key, in capitals");
  }
  return caf::none;
}

caf::error loader::read_command_line() {
  for (const auto& given : sources.command_line) {
    auto row = find_row(config_keys(), given.path);
    if (!row)
      return refuse(given.option, "sets " + given.path + ", which is no key");
    if (auto problem = assign_text(*row, row->locate(settings), given.text))
      return refuse(given.option, text_of(problem));
    origins[row->path] = given.option;
  }
  return caf::none;
}

caf::error loader::check_orders() const {
  for (const auto& order : config_key_orders()) {
    auto values = settings;
    auto smaller = magnitude(find_row(config_keys(), order.smaller)->locate(values));
    auto greater = magnitude(find_row(config_keys(), order.greater)->locate(values));
    if (smaller > greater)
      return refuse(origin_of(order.smaller),
                    "is " + std::to_string(smaller) + " and must not be greater than " + origin_of(order.greater)
                      + ", which is " + std::to_string(greater));
  }
  return caf::none;
}

caf::error loader::check_python() const {
  std::string names;
  for (const auto& each : settings.shell.all_interpreters()) {
    if (each.name == settings.shell.default_python)
      return caf::none;
    names += (names.empty() ? "" : ", ") + each.name;
  }
  return refuse(origin_of("shell.default_python"),
                settings.shell.default_python + " is not one of the configured Pythons: " + names);
}

caf::error loader::check_currency() const {
  const auto& currency = settings.prices.currency;
  if (std::all_of(currency.begin(), currency.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
    return caf::none;
  return refuse(origin_of("prices.currency"),
                "expected three capital letters such as \"EUR\", got \"" + currency + "\"");
}

caf::error loader::check_exposure() const {
  const auto& address = settings.server.public_url;
  if (!address.empty() && !address.starts_with("https://") && !address.starts_with("http://"))
    return refuse(origin_of("server.public_url"), "expected http:// or https:// and a host, got " + address);
  if (auto problem = problem_of_oidc(settings))
    return refuse(origin_of(problem->path), problem->what);
  if (auto problem = proxy_problem(settings))
    return refuse(origin_of(problem->path), problem->what);
  if (auto problem = metrics_problem(settings.metrics))
    return refuse(origin_of(problem->path), problem->what);
  if (auto problem = trace_problem(settings.trace))
    return refuse(origin_of(problem->path), problem->what);
  if (settings.auth.mode == auth_mode::local && !is_loopback(settings.server.host))
    return refuse(origin_of("server.host"),
                  settings.server.host
                    + " can be reached from other machines, and --auth local asks nobody for a password; listen on "
                      "127.0.0.1, or use --auth accounts");
  return caf::none;
}

} // namespace

caf::expected<config> load_config(const load_sources& sources, std::map<std::string, std::string>* origins) {
  loader load{sources, {}, {}, {}, {}};
  auto file = sources.file.empty() ? data_dir_outside_the_file(sources) / "varro.toml" : sources.file;
  if (auto problem = load.read_file(file, !sources.file.empty()))
    return problem;
  if (auto problem = load.read_environment())
    return problem;
  if (auto problem = load.read_command_line())
    return problem;
  for (const auto& names : all_secrets()) {
    auto secret = read_secret(names, sources.environment);
    if (!secret)
      return secret.error();
    (names.key == "metrics.token"          ? load.settings.metrics.token
       : names.key == "trace.otlp_headers" ? load.settings.trace.otlp_headers
                                           : load.settings.oidc.client_secret)
      = std::move(*secret);
  }
  if (auto problem = load.check_orders())
    return problem;
  if (auto problem = load.check_python())
    return problem;
  if (auto problem = load.check_currency())
    return problem;
  if (auto problem = load.check_exposure())
    return problem;
  auto chosen = load.origins.find("default_model");
  load.models.default_origin = chosen == load.origins.end() ? "default_model" : chosen->second;
  if (auto problem = choose_models(load.settings, load.models, sources))
    return problem;
  if (origins != nullptr)
    origins->insert(load.origins.begin(), load.origins.end());
  return std::move(load.settings);
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> variables;
  for (auto entry = environ; entry && *entry; ++entry) {
    std::string_view text{*entry};
    auto equals = text.find('=');
    if (equals != std::string_view::npos)
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

} // namespace varro
