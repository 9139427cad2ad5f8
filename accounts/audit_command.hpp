// `varro audit …`: who did what, from the command line. Works while a server runs.
//
// Every function returns the process's exit code: 0, or 1 with one sentence on `err`.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace varro {

// As they were typed.
struct audit_filter {
  std::string user = {};   // who did it, or whom it is about; "user 7" by the id; empty: anybody
  std::string since = {};  // a day, "2026-01-31" (UTC); empty: from the beginning
  std::string action = {}; // "login" is "login.refused" as well; empty: any
  bool csv = false;
};

// A line for each row, oldest first: time (UTC), who, way, address, action, about what, details.
int show_audit(const std::filesystem::path& data_dir, const audit_filter& filter, std::ostream& out, std::ostream& err);

// The end of the chain, to be kept elsewhere: "ID:HASH".
int show_audit_head(const std::filesystem::path& data_dir, std::ostream& out, std::ostream& err);

// Walks the chain. 1 with what is wrong with the first broken row; `known`: what show_audit_head printed once, or
// empty.
int check_audit(const std::filesystem::path& data_dir, const std::string& known, std::ostream& out, std::ostream& err);

} // namespace varro
