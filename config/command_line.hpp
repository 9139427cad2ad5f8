// The command line as a value. No side effects: main.cpp prints, loads and runs.
#pragma once

#include "config/load.hpp"

#include <string>
#include <vector>

namespace varro {

enum class command {
  print, // --help, --version or a mistake: `text` says it, `exit_code` ends the program
  serve,
  doctor,
  backup,
  user_add,
  user_list,
  user_disable,
  user_enable,
  user_passwd,
};

struct command_line {
  command what = command::print;
  std::string text; // of print; to stdout when exit_code is 0, else to stderr
  int exit_code = 0;
  std::filesystem::path config_file;     // --config; empty: none given
  std::vector<override_value> overrides; // what the other options set
  std::filesystem::path backup_file;     // of backup
  std::string user_name;                 // of user_…, but user_list
  bool keep_shells = false;              // --keep-shells
  bool password_stdin = false;           // the password is the first line of stdin, not asked for on the terminal

  // For load_config: these options, with this process's environment.
  load_sources sources() const;
};

command_line parse_command_line(int argc, const char* const* argv);

} // namespace varro
