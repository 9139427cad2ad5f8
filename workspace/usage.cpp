#include "workspace/usage.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace varro {

namespace {

constexpr size_t block_bytes = 512;    // stat's unit
constexpr size_t entries_at_once = 64; // between two looks at the clock
constexpr mode_t search_rights = S_IRUSR | S_IXUSR;

using file_identity = std::pair<dev_t, ino_t>;

// A directory on the way from the top to where the walk is.
struct visited_directory {
  visited_directory() = default;
  visited_directory(visited_directory&& from) noexcept
    : list(std::exchange(from.list, nullptr)), identity(from.identity), inner(std::move(from.inner)),
      is_listed(from.is_listed), former_rights(std::exchange(from.former_rights, no_rights)) {}
  visited_directory& operator=(visited_directory&&) = delete;
  ~visited_directory() {
    if (list == nullptr)
      return;
    if (former_rights != no_rights)
      (void)!fchmod(dirfd(list), former_rights);
    closedir(list);
  }

  static constexpr mode_t no_rights = ~mode_t{0};

  DIR* list = nullptr; // none while it is closed, because there are too many
  file_identity identity;
  std::vector<std::string> inner; // directories in it that have not been entered
  bool is_listed = false;
  mode_t former_rights = no_rights; // where they were changed
};

// Of a place that was opened with O_PATH, which one comes to without any right to it.
descriptor open_place(const descriptor& place, mode_t& former_rights) {
  auto path = "/proc/self/fd/" + std::to_string(place.get());
  struct stat status{};
  if (fstat(place.get(), &status) != 0)
    return {};
  bool may_search = geteuid() == 0 || (status.st_mode & search_rights) == search_rights;
  if (!may_search && status.st_uid == geteuid() && chmod(path.c_str(), (status.st_mode & 07777) | search_rights) == 0)
    former_rights = status.st_mode & 07777;
  return descriptor{open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)};
}

descriptor open_place(int at, const char* name, mode_t& former_rights) {
  descriptor place{openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  return place ? open_place(place, former_rights) : descriptor{};
}

} // namespace

struct workspace_walk::progress {
  std::vector<visited_directory> path;
  std::set<file_identity> seen; // that have several names
  size_t files_max = 0;
  workspace_usage usage{};

  void enter(visited_directory next, descriptor opened) {
    struct stat status{};
    if (!opened || fstat(opened.get(), &status) != 0 || (next.list = fdopendir(opened.get())) == nullptr)
      return;
    opened.release();
    next.identity = {status.st_dev, status.st_ino};
    path.push_back(std::move(next));
    if (path.size() > open_directories_max)
      close_far(path[path.size() - 1 - open_directories_max]);
  }

  // It keeps the rights that it was given: one comes back through it.
  static void close_far(visited_directory& which) {
    if (which.list != nullptr)
      closedir(std::exchange(which.list, nullptr));
  }

  void take_entry(visited_directory& in) {
    const auto* entry = readdir(in.list);
    if (entry == nullptr) {
      in.is_listed = true;
      return;
    }
    std::string name = entry->d_name;
    struct stat status{};
    if (name == "." || name == ".." || fstatat(dirfd(in.list), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return;
    ++usage.files;
    bool is_directory = S_ISDIR(status.st_mode);
    if (is_directory || status.st_nlink == 1 || seen.emplace(status.st_dev, status.st_ino).second)
      usage.bytes += static_cast<size_t>(status.st_blocks) * block_bytes;
    if (is_directory)
      in.inner.push_back(std::move(name));
  }

  // Back to the directory above. One that was closed is found through the one below; where somebody has moved that
  // meanwhile, the walk ends with what it has seen.
  void leave() {
    auto* above = path.size() < 2 ? nullptr : &path[path.size() - 2];
    bool is_lost = false;
    if (above != nullptr && above->list == nullptr) {
      descriptor opened{
        openat(dirfd(path.back().list), "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
      struct stat status{};
      is_lost = !opened || fstat(opened.get(), &status) != 0
        || above->identity != file_identity{status.st_dev, status.st_ino}
        || (above->list = fdopendir(opened.get())) == nullptr;
      if (!is_lost)
        opened.release();
    }
    path.pop_back();
    if (is_lost)
      path.clear();
  }

  void advance() {
    auto& here = path.back();
    if (!here.is_listed) {
      take_entry(here);
      if (usage.files > files_max)
        path.clear();
    } else if (here.inner.empty()) {
      leave();
    } else {
      auto name = std::move(here.inner.back());
      here.inner.pop_back();
      visited_directory next;
      auto opened = open_place(dirfd(here.list), name.c_str(), next.former_rights);
      enter(std::move(next), std::move(opened));
    }
  }
};

workspace_walk::workspace_walk(const descriptor& workspace, size_t files_max) : now_(std::make_unique<progress>()) {
  now_->files_max = files_max;
  visited_directory top;
  auto opened = open_place(workspace, top.former_rights);
  now_->enter(std::move(top), std::move(opened));
}

workspace_walk::~workspace_walk() = default;
workspace_walk::workspace_walk(workspace_walk&&) noexcept = default;
workspace_walk& workspace_walk::operator=(workspace_walk&&) noexcept = default;

bool workspace_walk::step(std::chrono::steady_clock::time_point until) {
  for (size_t i = 1; !now_->path.empty(); ++i) {
    now_->advance();
    if (i % entries_at_once == 0 && std::chrono::steady_clock::now() >= until)
      break;
  }
  return now_->path.empty();
}

const workspace_usage& workspace_walk::usage() const noexcept {
  return now_->usage;
}

std::string mebibytes(size_t bytes) {
  return std::to_string((bytes + (1u << 20) - 1) >> 20) + " MiB";
}

workspace_usage measure_workspace(const std::filesystem::path& workspace, const shell_config& limits) {
  return measure_workspace(workspace, limits.workspace_files_max);
}

workspace_usage measure_workspace(const std::filesystem::path& workspace, size_t files_max) {
  descriptor directory{open(workspace.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!directory)
    return {};
  workspace_walk walk{directory, files_max};
  walk.step(std::chrono::steady_clock::time_point::max());
  return walk.usage();
}

bool is_over_quota(const workspace_usage& usage, const shell_config& limits) noexcept {
  return usage.bytes > limits.workspace_bytes_max || usage.files > limits.workspace_files_max;
}

size_t left_for_user(size_t others_bytes, const shell_config& limits) noexcept {
  if (limits.user_bytes_max == 0)
    return std::numeric_limits<size_t>::max();
  return limits.user_bytes_max - std::min(others_bytes, limits.user_bytes_max);
}

size_t left_for_history(size_t history_bytes, const chat_config& limits) noexcept {
  return limits.history_bytes_max - std::min(history_bytes, limits.history_bytes_max);
}

std::string user_quota_text(size_t left, const shell_config& limits, const std::string& user_quota) {
  if (!user_quota.empty())
    return user_quota + ", and all else leaves " + std::to_string(left >> 20) + " MiB for the files of this one";
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
