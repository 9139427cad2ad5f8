// What lies in a chat's workspace, against its quota. Any thread may call.
#pragma once

#include "base/descriptor.hpp"
#include "config/config.hpp"

#include <chrono>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>

namespace varro {

struct workspace_usage {
  size_t bytes = 0; // of disk space
  size_t files = 0; // and directories; counting ends beyond the quota
};

// Looks through a workspace a little at a time, at any depth, with at most open_directories_max descriptors. Links are
// not followed, and a file with several names counts its bytes once. A directory that its owner may not read is opened
// nevertheless: for the time of the look its rights are changed. One thread at a time.
class workspace_walk {
public:
  static constexpr size_t open_directories_max = 32;

  // The directory is not taken over. Counting ends after one more than `files_max`.
  workspace_walk(const descriptor& workspace, size_t files_max);
  ~workspace_walk();
  workspace_walk(workspace_walk&&) noexcept;
  workspace_walk& operator=(workspace_walk&&) noexcept;

  // Goes on until then; true when all has been seen.
  bool step(std::chrono::steady_clock::time_point until);
  // So far.
  const workspace_usage& usage() const noexcept;

private:
  struct progress;
  std::unique_ptr<progress> now_;
};

// All at once. What cannot be read counts as nothing.
workspace_usage measure_workspace(const std::filesystem::path& workspace, const shell_config& limits);
// Counting up to one more than this, as workspace_walk does.
workspace_usage measure_workspace(const std::filesystem::path& workspace, size_t files_max);

bool is_over_quota(const workspace_usage& usage, const shell_config& limits) noexcept;

// The step in which a growing workspace is told to the server, which adds up what all chats of a user hold.
inline constexpr size_t usage_step_bytes = 1u << 20;

// What is left for one chat, in bytes.
struct quota_left {
  size_t of_user = std::numeric_limits<size_t>::max(); // of all that the user may hold
  size_t of_chat = std::numeric_limits<size_t>::max(); // of what the chat's messages may hold
  std::string user_quota
    = {}; // which one of_user is of, where it is not shell.user_bytes_max: "… 100 MiB (disk_bytes)"
};
// What a chat whose messages hold so much may still show.
size_t left_for_history(size_t history_bytes, const chat_config& limits) noexcept;
// What the user's quota leaves for a workspace when the user's other ones hold so much.
size_t left_for_user(size_t others_bytes, const shell_config& limits) noexcept;
inline bool is_over_user_quota(const workspace_usage& usage, size_t left) noexcept {
  return usage.bytes > left;
}
// "all chats of a user may hold 10240 MiB together (shell.user_bytes_max), and the others leave 64 MiB for this one"
// Of another quota: "all … 100 MiB (disk_bytes), and all else leaves 64 MiB for the files of this one"
std::string user_quota_text(size_t left, const shell_config& limits, const std::string& user_quota = {});

// "80 MiB", rounded up.
std::string mebibytes(size_t bytes);

// "80 MiB in 12 files; the quota is 64 MiB and 100000 files"
std::string quota_text(const workspace_usage& usage, const shell_config& limits);

} // namespace varro
