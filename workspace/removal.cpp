#include "workspace/removal.hpp"

#include "workspace/directory.hpp"
#include "workspace/paths.hpp"
#include "workspace/snapshot_store.hpp"
#include "workspace/versions.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

// A directory below `at`, with the rights to delete in it given back. Links are not followed.
descriptor open_to_delete(int at, const std::string& name) {
  descriptor place{openat(at, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!place)
    return {};
  auto itself = "/proc/self/fd/" + std::to_string(place.get());
  if (chmod(itself.c_str(), S_IRWXU) != 0)
    return {};
  return open_directory(place.get(), ".");
}

// Deletes what is in the directory `name` of `top`, and the directory. Directories in it are moved to `top` under
// names of our own, where their turn comes: so no depth costs a descriptor or a longer path.
bool flatten(const descriptor& top, const std::string& name, uint64_t& next) {
  auto inner = open_to_delete(top.get(), name);
  if (!inner)
    return errno == ENOENT;
  for (const auto& entry : names_in(inner.get())) {
    if (unlinkat(inner.get(), entry.c_str(), 0) == 0 || errno == ENOENT)
      continue;
    if (!open_to_delete(inner.get(), entry)) // to be moved it has to be writable itself
      continue;
    auto moved = "." + std::to_string(next++);
    while (renameat2(inner.get(), entry.c_str(), top.get(), moved.c_str(), RENAME_NOREPLACE) != 0) {
      if (errno != EEXIST)
        break;
      moved = "." + std::to_string(next++);
    }
  }
  return unlinkat(top.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

// One look at everything in `top`. False: nothing could be deleted.
bool thin_out(const descriptor& top, const std::vector<std::string>& names, uint64_t& next) {
  auto deleted = false;
  for (const auto& name : names)
    if (unlinkat(top.get(), name.c_str(), 0) == 0 || flatten(top, name, next))
      deleted = true;
  return deleted;
}

} // namespace

fs::path removed_workspace_of(const fs::path& data_dir, int64_t chat) {
  return fs::path{workspace_of(data_dir, chat)} += ".deleted";
}

bool remove_tree(const fs::path& directory) noexcept {
  if (unlink(directory.c_str()) == 0 || errno == ENOENT)
    return true;
  auto top = open_to_delete(AT_FDCWD, directory.string());
  if (!top)
    return errno == ENOENT;
  uint64_t next = 0;
  for (auto names = names_in(top.get()); !names.empty(); names = names_in(top.get()))
    if (!thin_out(top, names, next))
      return false;
  return rmdir(directory.c_str()) == 0 || errno == ENOENT;
}

bool remove_chat_files(const fs::path& data_dir, int64_t chat) noexcept {
  remove_snapshots(data_dir, chat);
  // Nobody finds it under its name any more while it is deleted; where one lies there already, that goes first.
  auto workspace = workspace_of(data_dir, chat);
  auto removed = removed_workspace_of(data_dir, chat);
  auto gone = remove_tree(removed);
  if (gone && rename(workspace.c_str(), removed.c_str()) == 0)
    gone = remove_tree(removed);
  remove_versions(data_dir, chat);
  struct stat ignored{};
  auto is_there = [&](const fs::path& path) { return lstat(path.c_str(), &ignored) == 0; };
  return gone && !is_there(workspace) && !is_there(data_dir / "versions" / std::to_string(chat))
    && !is_there(data_dir / "snapshots" / (std::to_string(chat) + ".snap"));
}

} // namespace varro
