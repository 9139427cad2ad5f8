#include "workspace/usage.hpp"

#include "workspace/directory.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace varro {

namespace {

constexpr size_t block_bytes = 512; // stat's unit
constexpr size_t depth_max = 64;    // deeper directories are not entered

struct measuring {
  const shell_config& limits;
  workspace_usage usage{};

  // Takes the descriptor.
  void add(descriptor directory, size_t depth) {
    DIR* entries = fdopendir(directory.get());
    if (entries == nullptr)
      return;
    directory.release();
    std::vector<std::string> inner;
    while (const dirent* entry = readdir(entries)) {
      std::string name = entry->d_name;
      struct stat status {};
      if (name == "." || name == ".." || fstatat(dirfd(entries), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        continue;
      usage.bytes += static_cast<size_t>(status.st_blocks) * block_bytes;
      if (++usage.files > limits.workspace_files_max)
        break;
      if (S_ISDIR(status.st_mode) && depth < depth_max)
        inner.push_back(std::move(name));
    }
    for (const auto& name : inner) {
      if (usage.files > limits.workspace_files_max)
        break;
      auto next = open_directory(dirfd(entries), name);
      if (next)
        add(std::move(next), depth + 1);
    }
    closedir(entries);
  }
};

std::string mebibytes(size_t bytes) {
  return std::to_string((bytes + (1u << 20) - 1) >> 20) + " MiB";
}

} // namespace

workspace_usage measure_workspace(const std::filesystem::path& workspace, const shell_config& limits) {
  measuring all{limits};
  auto directory = open_directory(AT_FDCWD, workspace.string());
  if (directory)
    all.add(std::move(directory), 0);
  return all.usage;
}

bool is_over_quota(const workspace_usage& usage, const shell_config& limits) noexcept {
  return usage.bytes > limits.workspace_bytes_max || usage.files > limits.workspace_files_max;
}

size_t left_for_user(size_t others_bytes, const shell_config& limits) noexcept {
  if (limits.user_bytes_max == 0)
    return std::numeric_limits<size_t>::max();
  return limits.user_bytes_max - std::min(others_bytes, limits.user_bytes_max);
}

std::string user_quota_text(size_t left, const shell_config& limits) {
  return "all chats of a user may hold " + mebibytes(limits.user_bytes_max)
    + " together (shell.user_bytes_max), and the others leave " + std::to_string(left >> 20) + " MiB for this one";
}

std::string quota_text(const workspace_usage& usage, const shell_config& limits) {
  auto files = usage.files > limits.workspace_files_max ? "more than " + std::to_string(limits.workspace_files_max)
                                                        : std::to_string(usage.files);
  return mebibytes(usage.bytes) + " in " + files + " files; the quota is " + mebibytes(limits.workspace_bytes_max)
    + " and " + std::to_string(limits.workspace_files_max) + " files";
}

} // namespace varro
