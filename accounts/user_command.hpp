// `varro user …`: accounts from the command line. Works while a server runs (a connection of its own that waits its
// turn).
//
// Every function returns the process's exit code: 0, or 1 with one sentence on `err`. The password is the first line of
// `in` with `password_stdin`, else it is asked for twice on the terminal, without echo; it is never printed.
#pragma once

#include "config/config.hpp"

#include <filesystem>
#include <iosfwd>
#include <string>

namespace varro {

int user_add(const std::filesystem::path& data_dir, const std::string& name, bool password_stdin, std::istream& in,
             std::ostream& out, std::ostream& err, const auth_config& limits = {});

// Ends the user's browser sessions.
int user_passwd(const std::filesystem::path& data_dir, const std::string& name, bool password_stdin, std::istream& in,
                std::ostream& out, std::ostream& err, const auth_config& limits = {});

// One line for each user: name, "active" or "disabled", the day of creation (UTC), separated by tabs.
int user_list(const std::filesystem::path& data_dir, std::ostream& out, std::ostream& err);

// Ends the user's browser sessions and lets nobody log in as them; their chats stay.
int user_disable(const std::filesystem::path& data_dir, const std::string& name, std::ostream& out, std::ostream& err);

int user_enable(const std::filesystem::path& data_dir, const std::string& name, std::ostream& out, std::ostream& err);

} // namespace varro
