// varro-load --scenario: one run, or a search for the capacity, and what is written of it.
#pragma once

#include "bench/http_client.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace varro::bench {

struct scenario_command {
  server_address server;
  std::string scenario_file;
  std::optional<int64_t> seed;                 // instead of the scenario's
  std::string accounts_file;                   // lines of a name, white space, and a password
  std::string json_file, hlog_file, html_file; // empty: none is written
  bool find_capacity = false;
  bool progress = true;
};

// The exit code: 0 passed; 1 a threshold is broken, or something failed or was lost; 2 it could not be done; 3 the
// generator was late, so nothing is known.
int run_scenario_command(const scenario_command& command);

} // namespace varro::bench
