// `varro link …`: the links that can be used, from the command line. Works while a server runs.
//
// Every function returns the process's exit code: 0, or 1 with one sentence on `err`.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace varro {

// One line for each link: its number, what it is for, the user or role, when it was made and when it ends (UTC),
// separated by tabs. The links themselves are nowhere.
int link_list(const std::filesystem::path& data_dir, std::ostream& out, std::ostream& err);

// Takes the link with this number back.
int link_revoke(const std::filesystem::path& data_dir, const std::string& number, std::ostream& out, std::ostream& err);

} // namespace varro
