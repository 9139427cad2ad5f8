#include "backup/tree_maker.hpp"

#include "backup/backup_set.hpp"
#include "backup/file_copy.hpp"
#include "workspace/directory.hpp"
#include "workspace/owner.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace varro {

namespace {

constexpr int64_t second_ns = 1'000'000'000;
constexpr auto names_directory = "names.partial"; // of files with several names, as long as further ones may come

// Whether a backup of ours has such an entry in such a tree: elsewhere than in workspaces all is files of known names,
// or of a directory without others in it.
bool is_expected(tree_kind tree, const manifest_entry& entry) {
  if (tree == tree_kind::workspace)
    return true;
  if (entry.file.what != file_kind::file || entry.in != 0)
    return false;
  return tree != tree_kind::top || entry.name == "varro.db" || entry.name == "varro.toml"
    || entry.name == "models.json";
}

// What a file system cannot hold, and another one can; ENOENT is of a directory of which that is so.
bool is_of_file_system(int number) {
  return number == ENAMETOOLONG || number == EINVAL || number == EILSEQ || number == EPERM || number == ENOENT;
}

} // namespace

tree_maker::tree_maker(descriptor backup, descriptor into) : backup_(std::move(backup)), into_(std::move(into)) {}

tree_maker::~tree_maker() = default;

caf::error tree_maker::take(const manifest_line& line) {
  if (const auto* tree = std::get_if<manifest_tree>(&line))
    return begin(*tree);
  if (const auto* entry = std::get_if<manifest_entry>(&line))
    return take(*entry);
  return caf::none;
}

caf::error tree_maker::finish() {
  return close_tree();
}

caf::error tree_maker::begin(const manifest_tree& tree) {
  if (auto err = close_tree())
    return err;
  tree_ = tree;
  filled top{0, {}, S_IRWXU, 0, {}};
  if (into_) {
    auto chat = std::to_string(tree.chat);
    std::vector<std::string> names;
    if (tree.what == tree_kind::snapshots)
      names = {"snapshots"};
    else if (tree.what != tree_kind::top)
      names = {tree.what == tree_kind::versions ? "versions" : "workspaces", chat};
    top.directory = open_directory(into_.get(), ".");
    for (const auto& name : names) {
      if (::mkdirat(top.directory.get(), name.c_str(), 0700) != 0 && errno != EEXIST)
        return failed(name);
      top.directory = open_directory(top.directory.get(), name);
      if (!top.directory)
        return failed(name);
    }
  }
  path_.push_back(std::move(top));
  return caf::none;
}

caf::error tree_maker::close_tree() {
  if (path_.empty())
    return caf::none;
  if (auto err = leave(0))
    return err;
  auto top = std::move(path_.back());
  path_.clear();
  if (into_ && tree_.what == tree_kind::workspace) {
    auto owner = shell_user();
    if ((::geteuid() == 0 && ::fchown(top.directory.get(), owner, static_cast<gid_t>(owner)) != 0)
        || ::fchmod(top.directory.get(), S_IRWXU) != 0) // as a server makes it
      return failed("");
  }
  auto names = into_ ? open_directory(into_.get(), names_directory) : descriptor{};
  if (!names) {
    with_names_.clear();
    return caf::none;
  }
  for (auto blob : with_names_)
    ::unlinkat(names.get(), std::to_string(blob).c_str(), 0);
  with_names_.clear();
  return ::unlinkat(into_.get(), names_directory, AT_REMOVEDIR) == 0 ? caf::error{} : failed(names_directory);
}

// Up to the directory with this number; errc::invalid_input where that is none of those above.
caf::error tree_maker::leave(uint64_t until) {
  while (path_.back().number != until) {
    auto done = std::move(path_.back());
    path_.pop_back();
    if (path_.empty())
      return broken(done.name, "its manifest makes no sense");
    if (done.directory && !give(done.directory.get(), done.mode, done.modified_ns))
      return failed(done.name);
  }
  return caf::none;
}

caf::error tree_maker::take(const manifest_entry& entry) {
  if (path_.empty())
    return broken(entry.name, "its manifest makes no sense");
  if (auto err = leave(entry.in))
    return err;
  if (!is_expected(tree_.what, entry))
    return broken(entry.name, "is nothing that a backup has there");
  if (into_ && !path_.back().directory && entry.file.what != file_kind::directory) {
    errno = ENOENT; // of its directory
    return not_made(entry.name);
  }
  switch (entry.file.what) {
  case file_kind::file:
    return take_file(entry);
  case file_kind::link:
    return make_link(entry);
  case file_kind::directory:
    return make_directory(entry);
  }
  return caf::none;
}

caf::error tree_maker::compare(const manifest_entry& entry, int to) {
  descriptor from{
    ::openat(backup_.get(), blob_path(entry.file.blob).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat status{};
  if (!from || ::fstat(from.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return broken(entry.name, "is missing in the backup");
  if (static_cast<uint64_t>(status.st_size) != entry.file.bytes)
    return broken(entry.name, "has another size in the backup");
  auto done = copy_hashed(from.get(), entry.file.bytes, to);
  if (done.write_error != 0) {
    errno = done.write_error;
    return failed(entry.name);
  }
  if (done.read_error != 0)
    return broken(entry.name, std::string{"cannot be read: "} + std::strerror(done.read_error));
  if (done.sha256 != entry.sha256)
    return broken(entry.name, "has other bytes in the backup");
  bytes_ += done.bytes;
  return caf::none;
}

caf::error tree_maker::take_file(const manifest_entry& entry) {
  ++files_;
  auto kept = std::to_string(entry.file.blob);
  auto is_further = entry.several_names && with_names_.contains(entry.file.blob);
  if (!into_) {
    if (entry.several_names)
      with_names_.insert(entry.file.blob);
    return is_further ? caf::error{} : compare(entry, -1);
  }
  auto here = path_.back().directory.get();
  if (is_further) {
    auto names = open_directory(into_.get(), names_directory);
    if (::linkat(names.get(), kept.c_str(), here, entry.name.c_str(), 0) == 0)
      return caf::none;
    if (errno == EEXIST)
      return failed(entry.name);
    // It has as many names as it may have here: another file of the same bytes.
  }
  descriptor to{::openat(here, entry.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!to)
    return not_made(entry.name);
  if (auto err = compare(entry, to.get()))
    return err;
  if (!give(to.get(), entry.file.mode, entry.file.modified_ns))
    return failed(entry.name);
  if (!entry.several_names || is_further)
    return caf::none;
  if (::mkdirat(into_.get(), names_directory, 0700) != 0 && errno != EEXIST)
    return failed(names_directory);
  auto names = open_directory(into_.get(), names_directory);
  // Without links in this file system each name gets a file of its own.
  if (::linkat(here, entry.name.c_str(), names.get(), kept.c_str(), 0) == 0)
    with_names_.insert(entry.file.blob);
  return caf::none;
}

caf::error tree_maker::make_directory(const manifest_entry& entry) {
  filled next{entry.number, {}, entry.file.mode, entry.file.modified_ns, entry.name};
  if (into_ && !path_.back().directory) {
    errno = ENOENT; // of its directory
    if (auto err = not_made(entry.name))
      return err;
  } else if (into_) {
    auto here = path_.back().directory.get();
    if (::mkdirat(here, entry.name.c_str(), 0700) == 0)
      next.directory = open_directory(here, entry.name);
    if (!next.directory)
      if (auto err = not_made(entry.name))
        return err;
  }
  path_.push_back(std::move(next));
  return caf::none;
}

caf::error tree_maker::make_link(const manifest_entry& entry) {
  if (!into_)
    return caf::none;
  auto here = path_.back().directory.get();
  if (::symlinkat(entry.file.target.c_str(), here, entry.name.c_str()) != 0)
    return not_made(entry.name);
  auto owner = shell_user();
  auto given = ::geteuid() != 0 || tree_.what != tree_kind::workspace
    || ::fchownat(here, entry.name.c_str(), owner, static_cast<gid_t>(owner), AT_SYMLINK_NOFOLLOW) == 0;
  return given ? caf::error{} : failed(entry.name);
}

bool tree_maker::give(int file, mode_t mode, int64_t modified_ns) const {
  auto owner = shell_user();
  auto foreign = ::geteuid() == 0 && tree_.what == tree_kind::workspace;
  auto seconds = modified_ns / second_ns - (modified_ns % second_ns < 0 ? 1 : 0);
  timespec times[2] = {{0, UTIME_NOW}, {seconds, modified_ns - seconds * second_ns}};
  return (!foreign || ::fchown(file, owner, static_cast<gid_t>(owner)) == 0) && ::futimens(file, times) == 0
    && ::fchmod(file, mode) == 0;
}

caf::error tree_maker::not_made(const std::string& name) {
  if (tree_.what != tree_kind::workspace || !is_of_file_system(errno))
    return failed(name);
  if (++unmade_count_ <= unmade_shown_max)
    unmade_.push_back(path_of(name) + ": " + std::strerror(errno));
  return caf::none;
}

std::string tree_maker::path_of(const std::string& name) const {
  std::string path = tree_.chat == 0 ? "" : "chat " + std::to_string(tree_.chat) + ": ";
  for (const auto& above : path_)
    if (!above.name.empty())
      path += shown_name(above.name) + "/";
  return path + shown_name(name);
}

caf::error tree_maker::broken(const std::string& name, const std::string& what) const {
  return fail(errc::invalid_input, path_of(name) + " " + what);
}

caf::error tree_maker::failed(const std::string& name) const {
  return fail(errc::storage_failed, "cannot restore " + path_of(name) + ": " + std::strerror(errno));
}

} // namespace varro
