// `varro usage`: who used what, and what it cost, from the command line. Works while a server runs.
#pragma once

#include "storage/usage_row.hpp"

#include <filesystem>
#include <iosfwd>
#include <string>

namespace varro {

struct usage_question {
  std::string by = "user"; // "user" | "day" | "model"
  std::string since;       // "2026-01-31", from 0:00 UTC of that day; empty: all
  bool csv = false;        // RFC 4180, with every column; else a table for people
};

// Returns the process's exit code: 0, or 1 with one sentence on `err`.
int show_usage(const std::filesystem::path& data_dir, const usage_question& question, std::ostream& out,
               std::ostream& err);

} // namespace varro
