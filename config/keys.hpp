// The table of every key that a configuration file, an environment variable or the command line can set.
//
// One row is one key: parsing, the names of the environment variables, ranges, error texts and the tests of
// config/varro.toml all come from it. Values only; any thread may call.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"

#include <span>
#include <string_view>
#include <variant>

namespace varro {

// Where a key's value lies, by its C++ type. A duration is written as an integer of its own unit.
using setting
  = std::variant<std::string*, bool*, int*, uint16_t*, int64_t*, size_t*, std::optional<double>*,
                 std::optional<int64_t>*, std::chrono::hours*, std::chrono::minutes*, std::chrono::seconds*,
                 std::chrono::milliseconds*, std::vector<std::string>*, std::optional<std::vector<std::string>>*,
                 std::filesystem::path*, auth_mode*, json_object_text*>;

// A value as somebody wrote it, before it is checked. A table comes as the text of its JSON.
using written_value = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

// When a value that was changed in the file takes force.
enum class takes_force {
  at_start,  // of the next server: something was sized, bound or handed on by it
  at_reload, // with SIGHUP (actors/reloader.hpp)
};

// What a key allows, whatever structure it belongs to.
struct key_rule {
  std::string_view path; // "server.port": section and key; without a dot, a key of the top level
  int64_t min = 0;       // of a number; of a text: its bytes; of a list: its entries
  int64_t max = 0;
  std::string_view choices;                 // "local|accounts|proxy": the only texts that are allowed; empty for any
  std::string_view refused;                 // not empty: the key is never accepted, and this says why
  takes_force when = takes_force::at_start; // of config_keys(); what the other tables are of is in config_changes.hpp
};

template <class T>
struct key_row : key_rule {
  setting (*locate)(T&) = nullptr;
};

// A [provider.NAME] section as written.
struct provider_entry {
  std::string name;
  std::string kind;
  std::string base_url;
  std::string api_key_env;
  std::string api_key_file;
  std::string refused; // where a literal key would go, were it accepted
  std::string origin;  // "FILE:LINE"
};

// A [[model]] section as written.
struct model_entry {
  model_config model; // id, provider, name, label and what it can do; the rest comes from its provider
  std::string origin;
};

std::span<const key_row<config>> config_keys();
std::span<const key_row<provider_entry>> provider_keys();
std::span<const key_row<model_entry>> model_keys();
std::span<const key_row<interpreter_config>> interpreter_keys(); // of [shell.python.NAME]
std::span<const key_row<user_limits>> limit_keys();              // of [limits.group.NAME], and of `varro limit`
std::span<const key_row<retention_rule>> retention_keys();       // of [retention.group.NAME]

// Two keys of which the first must not be greater than the second.
struct key_order {
  std::string_view smaller;
  std::string_view greater;
};
std::span<const key_order> config_key_orders();

// "server.port" → "VARRO_SERVER_PORT".
std::string environment_name(std::string_view path);

// "an integer from 0 to 65535", "one of: local, accounts, proxy"…
std::string allowed_values(const key_rule& rule, const setting& target);

// Checks and stores. The error says what is allowed and what was written; the caller puts file, line and key in front.
caf::error assign(const key_rule& rule, const setting& target, const written_value& value);

// A value out of an environment variable or an option. The error says what is allowed.
caf::error assign_text(const key_rule& rule, const setting& target, std::string_view text);

// The value as TOML writes it; an optional one that is not there as 0 or an empty list, and no [[model]] has such a
// key.
std::string to_toml(const setting& value);

// A number for comparing two keys of the same unit; 0 of what is no number, and of one that is not there.
int64_t magnitude(const setting& value);

// The candidate that `name` was probably meant to be, or nothing when none is near.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

} // namespace varro
