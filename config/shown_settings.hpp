// The configuration as it is in force, for who looks after the server: without secrets.
#pragma once

#include "config/config.hpp"

#include <map>
#include <string>
#include <vector>

namespace varro {

struct shown_setting {
  std::string key;        // "server.port"
  std::string value;      // as TOML writes it; of a secret "set" or "not set"
  std::string origin;     // "varro.toml:7", "environment variable VARRO_SERVER_PORT", "--listen"; empty: the default
  bool by_reload = false; // a reload takes up what is changed in the file; else the next start does
};

// origins: by key, as load_config tells them. Then providers and models, whose keys are never shown.
std::vector<shown_setting> shown_settings(const config& settings, const std::map<std::string, std::string>& origins);

} // namespace varro
