// `varro group …`: who is in which group, from the command line. Works while a server runs.
//
// Every function returns the process's exit code: 0, or 1 with one sentence on `err`. A name of a group has the form of
// a user's name. What a login says of groups is shown, and changed only where the login comes from.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace varro {

// One line for each membership: group, user, "local" or "login", separated by tabs.
int group_list(const std::filesystem::path& data_dir, std::ostream& out, std::ostream& err);

int group_add(const std::filesystem::path& data_dir, const std::string& group, const std::string& user,
              std::ostream& out, std::ostream& err);
int group_remove(const std::filesystem::path& data_dir, const std::string& group, const std::string& user,
                 std::ostream& out, std::ostream& err);

} // namespace varro
