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
  restore,
  user_add,
  user_list,
  user_disable,
  user_enable,
  user_passwd,
  user_role,
  user_erase,
  user_invite,
  user_reset_link,
  group_list,
  group_add,
  group_remove,
  usage,
  audit_list,
  audit_head,
  audit_verify,
  link_list,
  link_revoke,
  token_create,
  token_list,
  token_revoke,
  limit_list,
  limit_set,
  limit_clear,
  retention_preview,
  retention_run,
};

// Of token_…: as they stand there.
struct token_arguments {
  std::string label;           // of create
  std::string user;            // a name, of create and list; of list empty: everybody
  std::string scopes = "read"; // of create
  std::string lasts;           // of create; empty: the default
  std::string id;              // of revoke: an id, or a token
};

struct command_line {
  command what = command::print;
  std::string text; // of print; to stdout when exit_code is 0, else to stderr
  int exit_code = 0;
  std::filesystem::path config_file;     // --config; empty: none given
  std::vector<override_value> overrides; // what the other options set
  std::filesystem::path backup_place;    // of backup and restore
  bool backup_full = false;              // --full, of backup
  size_t backup_keep = 0;                // --keep, of backup; 0: all
  bool check_only = false;               // --check, of restore
  std::filesystem::path restored_data;   // --data, of restore; empty: with --check
  std::string user_name;                 // of user_…, but user_list and user_invite; of group_add, group_remove
  std::string group;                     // of group_add, group_remove
  std::string user_role;                 // of user_role: "user" or "admin"
  bool confirmed = false;                // --yes, of user_erase: nobody is asked
  bool each_chat = false;                // --chats, of retention_preview
  bool admin = false;                    // --admin, of user_add and user_invite
  std::string usage_by = "user";         // of usage: "user" | "day" | "model"
  std::string since;                     // of usage and audit_list: a day, "2026-01-31"; empty: from the beginning
  bool csv = false;                      // of usage and audit_list
  std::string audit_user;                // of audit_list: a name, or "user 7"; empty: anybody
  std::string audit_action;              // of audit_list; empty: any
  std::string link_number;               // of link_revoke
  std::string audit_known;               // of audit_verify: what audit_head printed; empty: nothing
  token_arguments token;                 // of token_…
  std::string limit_subject;             // of limit_set and limit_clear: "user" | "group" | "everybody"
  std::string limit_who;                 // the user or group; empty: everybody
  std::string limit_name;                // a key of [limits]
  std::string limit_value;               // of limit_set
  bool keep_shells = false;              // --keep-shells
  bool password_stdin = false;           // the password is the first line of stdin, not asked for on the terminal

  // For load_config: these options, with this process's environment.
  load_sources sources() const;
};

command_line parse_command_line(int argc, const char* const* argv);

} // namespace varro
