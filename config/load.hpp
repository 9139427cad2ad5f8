// Builds the configuration from its sources: command line > environment > file > defaults.
//
// Reads files, nothing else; the network only through load_sources::discover. Errors are errc::config_invalid and name
// file and line (or variable, or option), key and what is allowed. Call it from one thread, at the start and for a
// reload.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace varro {

// A key that an option of the command line sets.
struct override_value {
  std::string path; // "server.port"
  std::string text;
  std::string option; // "--listen", for errors
};

struct load_sources {
  std::filesystem::path file; // of --config; empty: DATA_DIR/varro.toml when that exists
  std::map<std::string, std::string> environment;
  std::vector<override_value> command_line;
  // Asked once when no model is configured and none is asked for; may be empty. local_models.hpp has the real one.
  std::function<std::vector<model_config>()> discover;
};

// The finished configuration: every value checked, base URLs normalised, keys read, default_model the id of one of the
// models, or empty where the providers' lists shall decide; offline last.
// origins: gets where each key that is set comes from ("varro.toml:7", "--listen").
caf::expected<config> load_config(const load_sources& sources, std::map<std::string, std::string>* origins = nullptr);

// The variables of this process.
std::map<std::string, std::string> process_environment();

} // namespace varro
