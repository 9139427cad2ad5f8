// What a reload makes of a configuration that was read anew.
//
// Besides the keys with takes_force::at_reload these are taken: [[model]], [provider.NAME], [[price]],
// [limits.group.NAME], [retention.group.NAME], and the token of /metrics. [shell.python.NAME], oidc.client_secret
// and trace.otlp_headers are for the next start. Values and pure functions, any thread.
#pragma once

#include "config/load.hpp"

#include <map>
#include <string>
#include <vector>

namespace varro {

struct config_changes {
  config next;                      // the one in force, with what can be taken of the one that was read
  std::vector<std::string> taken;   // what differs by that: "limits.chats", "price acme:large"; names only, no values
  std::vector<std::string> waiting; // what differs in the file and takes force with the next start
};

config_changes changes_between(const config& in_force, const config& read);

// Reads the configuration as load_config does and compares it. errc::config_invalid in the words of a start, and where
// the file that is in force is not there any more: `in_force` stays. origins: as of load_config. Blocks for the file
// and sources.discover.
caf::expected<config_changes> read_changes(const load_sources& sources, const config& in_force,
                                           std::map<std::string, std::string>& origins);

// Of all names together as one text; the rest of them is a number.
inline constexpr size_t changed_names_bytes_max = 600;

// "limits.chats, price acme:large and 3 more"
std::string names_in_words(const std::vector<std::string>& names);

} // namespace varro
