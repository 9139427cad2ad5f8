// What lies in a chat's workspace, against its quota. Any thread may call.
#pragma once

#include "config/config.hpp"

#include <filesystem>
#include <string>

namespace varro {

struct workspace_usage {
  size_t bytes = 0; // of disk space
  size_t files = 0; // and directories; counting ends beyond the quota
};

// Links are not followed. What cannot be read counts as nothing.
workspace_usage measure_workspace(const std::filesystem::path& workspace, const shell_config& limits);

bool is_over_quota(const workspace_usage& usage, const shell_config& limits) noexcept;

// "80 MiB in 12 files; the quota is 64 MiB and 100000 files"
std::string quota_text(const workspace_usage& usage, const shell_config& limits);

} // namespace varro
