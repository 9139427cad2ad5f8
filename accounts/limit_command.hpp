// `varro limit …`: what users and groups may use, set while a server runs. A running server follows within seconds.
//
// Every function returns the process's exit code: 0, or 1 with one sentence on `err`.
#pragma once

#include "storage/limit_book.hpp"

#include <filesystem>
#include <iosfwd>

namespace varro {

// errc::invalid_input where there is no limit of this name, or the value is none of it. Pure, any thread.
caf::error check_limit(const limit_row& row);

// One line for each limit that was set: who ("everybody", "group NAME", "user NAME"), its name and its value, separated
// by tabs.
int limit_list(const std::filesystem::path& data_dir, std::ostream& out, std::ostream& err);

// Sets it, or replaces its value, which is checked as in [limits] of the configuration.
int limit_set(const std::filesystem::path& data_dir, const limit_row& row, std::ostream& out, std::ostream& err);

// Takes it back: from then on the next more general rule says it.
int limit_clear(const std::filesystem::path& data_dir, const limit_row& row, std::ostream& out, std::ostream& err);

} // namespace varro
