// `varro user …`: accounts from the command line. Works while a server runs (a connection of its own that waits its
// turn).
//
// Every function returns the process's exit code: 0, or 1 with one sentence on `err`. The password is the first line of
// `in` with `password_stdin`, else it is asked for twice on the terminal, without echo; it is never printed.
#pragma once

#include "config/config.hpp"
#include "storage/login_way.hpp"
#include "storage/records.hpp"

#include <filesystem>
#include <iosfwd>
#include <string>

namespace varro {

// `role`: user_role::user or user_role::admin.
int user_add(const std::filesystem::path& data_dir, const std::string& name, bool password_stdin, std::istream& in,
             std::ostream& out, std::ostream& err, const auth_config& limits = {},
             const std::string& role = user_role::user);

// Ends the user's browser sessions.
int user_passwd(const std::filesystem::path& data_dir, const std::string& name, bool password_stdin, std::istream& in,
                std::ostream& out, std::ostream& err, const auth_config& limits = {});

// A link for one further account with this role, on `out`; how long it can be used, on `err`. errc::config_invalid
// where nobody may join.
int user_invite(const config& settings, const std::string& role, std::ostream& out, std::ostream& err);

// A link by which the user chooses another password; as above. The one before is void.
int user_reset_link(const config& settings, const std::string& name, std::ostream& out, std::ostream& err);

// The last enabled admin stays one. Here and below: who can log in by `way`, as the configuration has it that the
// command reads.
int user_set_role(const std::filesystem::path& data_dir, const std::string& name, const std::string& role,
                  std::ostream& out, std::ostream& err, const login_way& way = {});

// One line for each user: name, "active" or "disabled", the day of creation (UTC), the role, the day on
// which they were seen last, or "never", separated by tabs.
int user_list(const std::filesystem::path& data_dir, std::ostream& out, std::ostream& err);

// Ends the user's browser sessions and lets nobody log in as them; their chats stay. Not the last enabled admin.
int user_disable(const std::filesystem::path& data_dir, const std::string& name, std::ostream& out, std::ostream& err,
                 const login_way& way = {});

int user_enable(const std::filesystem::path& data_dir, const std::string& name, std::ostream& out, std::ostream& err);

} // namespace varro
