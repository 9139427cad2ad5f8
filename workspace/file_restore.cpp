#include "base/descriptor.hpp"
#include "workspace/directory.hpp"
#include "workspace/file_listing.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>

namespace varro {

namespace {

constexpr int64_t second_ns = 1'000'000'000;

// A directory that the shell has taken its own rights from is made accessible again; a root server needs no rights.
descriptor enter(int directory, const std::string& name) {
  auto below = open_directory(directory, name);
  if (below || errno != EACCES)
    return below;
  auto here = look_at(directory, name);
  if (here && here->what == file_kind::directory && fchmodat(directory, name.c_str(), 0700, 0) == 0)
    return open_directory(directory, name);
  return below;
}

bool remove_tree(int directory, const std::string& name, size_t depth) {
  if (unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT)
    return true;
  if (errno != EISDIR && errno != EPERM)
    return false;
  auto below = enter(directory, name);
  if (!below || depth > 4 * file_listing::depth_max)
    return false;
  for (const auto& inner : names_in(below.get()))
    if (!remove_tree(below.get(), inner, depth + 1))
      return false;
  return unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0;
}

struct restoring {
  const file_listing& wanted;
  const std::function<descriptor(const file_entry&)>& open_bytes;
  uid_t owner;
  file_differences differences{};

  void differs(const std::string& path) {
    if (differences.count++ < file_differences::listed_max)
      differences.paths.push_back(path);
  }

  bool give(int file, mode_t mode) const {
    return (geteuid() != 0 || fchown(file, owner, static_cast<gid_t>(owner)) == 0) && fchmod(file, mode) == 0;
  }

  bool put_file(int directory, const std::string& name, const file_entry& e) {
    auto source = open_bytes(e);
    auto temporary = ".varro-restore-" + std::to_string(e.blob);
    unlinkat(directory, temporary.c_str(), 0);
    descriptor file{openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    timespec times[2] = {{0, UTIME_NOW}, {e.modified_ns / second_ns, e.modified_ns % second_ns}};
    auto done = source && file && copy_bytes(source, file, e.bytes) && give(file.get(), e.mode)
      && futimens(file.get(), times) == 0 && renameat(directory, temporary.c_str(), directory, name.c_str()) == 0;
    if (!done)
      unlinkat(directory, temporary.c_str(), 0);
    return done;
  }

  bool put_link(int directory, const std::string& name, const file_entry& e) {
    return symlinkat(e.target.c_str(), directory, name.c_str()) == 0
      && (geteuid() != 0
          || fchownat(directory, name.c_str(), owner, static_cast<gid_t>(owner), AT_SYMLINK_NOFOLLOW) == 0);
  }

  void put(int directory, const std::string& name, const std::string& path, const file_entry& e) {
    auto here = look_at(directory, name);
    if (here && here->what == e.what) {
      if (e.what == file_kind::directory)
        return;
      if (e.what == file_kind::link ? here->target == e.target : is_unchanged(*here, e))
        return;
    }
    if (e.what == file_kind::file && e.blob == 0) { // what stands there now is better than nothing
      differs(path);
      return;
    }
    if (here && (here->what != file_kind::file || e.what != file_kind::file) && !remove_tree(directory, name, 0)) {
      differs(path);
      return;
    }
    auto done = e.what == file_kind::file ? put_file(directory, name, e)
      : e.what == file_kind::link         ? put_link(directory, name, e)
                                          : mkdirat(directory, name.c_str(), 0700) == 0;
    if (!done)
      differs(path);
  }

  // The names that `path` holds in the wanted version.
  std::set<std::string> wanted_in(const std::string& path) const {
    std::set<std::string> names;
    auto prefix = path.empty() ? std::string{} : path + "/";
    for (auto e = wanted.entries.lower_bound(prefix); e != wanted.entries.end() && e->first.starts_with(prefix);) {
      auto rest = e->first.substr(prefix.size());
      auto name = rest.substr(0, rest.find('/'));
      // Past everything below that name: '0' follows '/'.
      e = rest == name ? std::next(e) : wanted.entries.lower_bound(prefix + name + "0");
      if (!name.empty())
        names.insert(std::move(name));
    }
    return names;
  }

  bool was_left_out(const std::string& path) const {
    return std::find(wanted.left_out.begin(), wanted.left_out.end(), path) != wanted.left_out.end();
  }

  void fill(int directory, const std::string& path) {
    auto names = wanted_in(path);
    for (const auto& name : names_in(directory))
      if (!names.contains(name) && !was_left_out(joined(path, name)) && !remove_tree(directory, name, 0))
        differs(joined(path, name));
    for (const auto& name : names) {
      auto full = joined(path, name);
      const auto& e = wanted.entries.at(full);
      put(directory, name, full, e);
      if (e.what != file_kind::directory)
        continue;
      auto below = enter(directory, name);
      if (!below) {
        differs(full);
        continue;
      }
      fill(below.get(), full);
      if (!give(below.get(), e.mode))
        differs(full);
    }
  }
};

} // namespace

file_differences restore_files(const descriptor& directory, const file_listing& wanted,
                               const std::function<descriptor(const file_entry&)>& open_bytes, uid_t owner) {
  restoring work{wanted, open_bytes, owner};
  work.fill(directory.get(), "");
  for (const auto& path : wanted.left_out)
    work.differs(path);
  return std::move(work.differences);
}

} // namespace varro
