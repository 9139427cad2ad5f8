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

// The step in which a growing workspace is told to the server, which adds up what all chats of a user hold.
inline constexpr size_t usage_step_bytes = 1u << 20;

// What the user's quota leaves for a workspace when the user's other ones hold so much.
size_t left_for_user(size_t others_bytes, const shell_config& limits) noexcept;
inline bool is_over_user_quota(const workspace_usage& usage, size_t left) noexcept {
  return usage.bytes > left;
}
// "all chats of a user may hold 10240 MiB together (shell.user_bytes_max), and the others leave 64 MiB for this one"
std::string user_quota_text(size_t left, const shell_config& limits);

// "80 MiB in 12 files; the quota is 64 MiB and 100000 files"
std::string quota_text(const workspace_usage& usage, const shell_config& limits);

} // namespace varro
