// Why a shell is gone, in words for the model and the user.
//
// A pure function, any thread.
#pragma once

#include "config/config.hpp"
#include "models/cell.hpp"

#include <string>

namespace varro {

// What follows for the next cell.
inline constexpr auto fresh_shell = " Its variables are gone; the next cell gets a fresh shell.";

struct shell_death {
  cell_status status = cell_status::lost;
  std::string reason;
};

// Why a shell is gone, from the exit status of its first process and what varro-shells says about it ("ended" in
// shell/supervisor/supervisor.hpp), or "silence": it closed its connection and lived on. `user_quota`: as in
// quota_left.
shell_death explain_exit(int wait_status, const std::string& why, const shell_config& settings,
                         const std::string& user_quota = {});

} // namespace varro
