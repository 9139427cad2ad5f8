#include "backup/tree_taker.hpp"

#include "backup/file_copy.hpp"
#include "workspace/directory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <iterator>
#include <optional>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace varro {

namespace {

// Without O_NONBLOCK a file that has become a pipe, or that somebody has a lease on, would hold us.
constexpr int reading = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

caf::error failed(const std::string& what, int number) {
  return fail(errc::storage_failed, what + ": " + std::strerror(number));
}

// Something below a directory, open for reading. Where its owner, who we are, has no right to that, it has the right as
// long as this lives.
class readable {
public:
  // What is open already.
  readable(const descriptor& opened, mode_t rights) {
    lend(descriptor{::fcntl(opened.get(), F_DUPFD_CLOEXEC, 0)}, rights);
    file_ = descriptor{::fcntl(opened.get(), F_DUPFD_CLOEXEC, 0)};
    problem_ = errno;
  }
  readable(int directory, const std::string& name, int flags, mode_t rights) {
    file_ = descriptor{::openat(directory, name.c_str(), reading | flags)};
    problem_ = errno;
    if (file_) {
      if ((flags & O_DIRECTORY) != 0)
        lend(descriptor{::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0)}, rights);
      return;
    }
    if (problem_ != EACCES)
      return;
    descriptor place{::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    auto itself = "/proc/self/fd/" + std::to_string(place.get());
    if (!lend(std::move(place), rights))
      return;
    file_ = descriptor{::open(itself.c_str(), (reading & ~O_NOFOLLOW) | flags)};
    problem_ = errno;
  }
  ~readable() {
    if (place_)
      (void)!::chmod(itself().c_str(), former_);
  }
  readable(const readable&) = delete;
  readable& operator=(const readable&) = delete;

  const descriptor& file() const {
    return file_;
  }
  int problem() const { // errno
    return problem_;
  }

private:
  std::string itself() const {
    return "/proc/self/fd/" + std::to_string(place_.get());
  }
  bool lend(descriptor place, mode_t rights) {
    struct stat status{};
    if (!place || ::geteuid() == 0 || ::fstat(place.get(), &status) != 0 || S_ISLNK(status.st_mode)
        || status.st_uid != ::geteuid() || (status.st_mode & rights) == rights)
      return false;
    place_ = std::move(place);
    former_ = status.st_mode & 07777;
    return ::chmod(itself().c_str(), former_ | rights) == 0;
  }

  descriptor file_;
  descriptor place_; // whose rights were changed
  mode_t former_ = 0;
  int problem_ = 0;
};

std::string words_for_kind(mode_t mode) {
  if (S_ISSOCK(mode))
    return "a socket";
  if (S_ISFIFO(mode))
    return "a pipe";
  return S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "of an unknown kind";
}

} // namespace

void former_tree::add(manifest_entry entry) {
  auto key = std::pair{entry.in, entry.name};
  entries_.insert_or_assign(std::move(key), std::move(entry));
}

const manifest_entry* former_tree::find(uint64_t in, const std::string& name) const {
  auto found = entries_.find({in, name});
  return found == entries_.end() ? nullptr : &found->second;
}

caf::expected<taken_tree> tree_taker::take(const manifest_tree& head, const descriptor& top,
                                           const former_tree& before) {
  before_ = &before;
  earlier_.clear();
  read_.clear();
  const auto sums = sums_;
  for (int looks = 1;; ++looks) {
    tree_ = {head, {}, {}};
    named_.clear();
    sums_.files = sums.files;
    sums_.shared = sums.shared;
    sums_.unreadable = sums.unreadable;
    if (auto err = look(top))
      return err;
    const auto moved = has_moved(top);
    if (!moved || looks == looks_max) {
      sums_.restless += moved ? 1 : 0;
      break;
    }
    for (const auto& entry : tree_.entries)
      if (entry.file.what == file_kind::file && entry.file.settled)
        earlier_.insert_or_assign(entry.file.inode, entry);
  }
  forget_unused();
  return std::move(tree_);
}

caf::error tree_taker::look(const descriptor& top) {
  if (struct stat status{}; ::fstat(top.get(), &status) == 0)
    if (auto found = entry_of(status))
      top_ = *found;
  readable here{top, S_IRUSR | S_IXUSR};
  if (!here.file())
    return failed("a directory cannot be read", here.problem());
  return walk({here.file().get(), 0, 0, 0});
}

// Whether a directory is another one than when its names were read. All of them were by now; so what a directory has
// got since is seen here, and what it has lost is seen where it went.
bool tree_taker::has_moved(const descriptor& top) const {
  auto is_same = [](const file_entry& before, int directory) {
    struct stat status{};
    auto found = ::fstat(directory, &status) == 0 ? entry_of(status) : std::nullopt;
    // Of one that was closed the look itself has changed the rights.
    auto was_closed = (before.mode & (S_IRUSR | S_IXUSR)) != (S_IRUSR | S_IXUSR);
    return found && found->inode == before.inode && found->modified_ns == before.modified_ns
      && (was_closed || found->changed_ns == before.changed_ns);
  };
  if (!is_same(top_, top.get()))
    return true;
  std::vector<std::pair<uint64_t, descriptor>> path;
  for (const auto& entry : tree_.entries) {
    if (entry.file.what != file_kind::directory)
      continue;
    while (!path.empty() && path.back().first != entry.in)
      path.pop_back();
    auto above = path.empty() ? top.get() : path.back().second.get();
    descriptor here{::openat(above, entry.name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    const auto below_closed = above < 0 || (!here && errno == EACCES); // of which nothing is seen any more
    if (!below_closed && (!here || !is_same(entry.file, here.get())))
      return true;
    path.emplace_back(entry.number, std::move(here));
  }
  return false;
}

// What was read at a look that came to nothing.
void tree_taker::forget_unused() {
  std::set<uint64_t> used;
  for (const auto& entry : tree_.entries)
    used.insert(entry.file.blob);
  for (auto blob : read_)
    if (!used.contains(blob))
      blobs_.forget(blob);
}

caf::expected<taken_tree> tree_taker::take_file(const manifest_tree& head, const descriptor& directory,
                                                const std::string& name, const former_tree& before) {
  tree_ = {head, {}, {}};
  named_.clear();
  before_ = &before;
  if (auto err = take_entry({directory.get(), 0, 0, 0}, name))
    return err;
  return std::move(tree_);
}

caf::error tree_taker::walk(const place& here) {
  int problem = 0;
  auto names = names_in(here.directory, &problem);
  if (problem != 0)
    leave_out_failed(here, "further names", problem);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end()); // of one that was renamed meanwhile
  for (const auto& name : names)
    if (auto err = take_entry(here, name))
      return err;
  return caf::none;
}

caf::error tree_taker::take_entry(const place& here, const std::string& name) {
  struct stat status{};
  if (::fstatat(here.directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT)
      leave_out_failed(here, name, errno);
    return caf::none;
  }
  if (tree_.entries.size() >= entries_max_) {
    if (tree_.gaps.size() < entries_max_)
      leave_out(here, name, "more than " + std::to_string(entries_max_) + " files of one chat");
    return caf::none;
  }
  if (S_ISDIR(status.st_mode))
    return take_directory(here, name);
  if (S_ISREG(status.st_mode))
    return take_bytes(here, name, status.st_mode & 0777);
  if (!S_ISLNK(status.st_mode)) {
    leave_out(here, name, words_for_kind(status.st_mode));
    return caf::none;
  }
  if (auto link = look_at(here.directory, name); link && link->what == file_kind::link)
    add(here, name, std::move(*link));
  else
    leave_out(here, name, "changed while it was read");
  return caf::none;
}

caf::error tree_taker::take_directory(const place& here, const std::string& name) {
  if (here.depth + 1 >= backup_depth_max) {
    leave_out(here, name, "more than " + std::to_string(backup_depth_max) + " directories deep");
    return caf::none;
  }
  // As it is before it gets rights for the time of the look.
  auto found = look_at(here.directory, name);
  readable directory{here.directory, name, O_DIRECTORY, S_IRUSR | S_IXUSR};
  if (!directory.file() && directory.problem() == ENOENT)
    return caf::none;
  if (!directory.file() || !found || found->what != file_kind::directory) {
    if (directory.file())
      leave_out(here, name, "changed while it was read");
    else
      leave_out_failed(here, name, directory.problem());
    return caf::none;
  }
  const auto* former = here.former == no_former ? nullptr : before_->find(here.former, name);
  auto number = add(here, name, std::move(*found)).number;
  return walk({directory.file().get(), number, former == nullptr ? no_former : former->number, here.depth + 1});
}

caf::error tree_taker::take_bytes(const place& here, const std::string& name, mode_t mode) {
  readable source{here.directory, name, 0, S_IRUSR};
  if (!source.file() && source.problem() == ENOENT)
    return caf::none;
  struct stat status{};
  if (!source.file() || ::fstat(source.file().get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    if (source.file())
      leave_out(here, name, "changed while it was read");
    else
      leave_out_failed(here, name, source.problem());
    return caf::none;
  }
  auto identity = std::pair<uint64_t, uint64_t>{status.st_dev, status.st_ino};
  if (status.st_nlink > 1) {
    if (auto same = named_.find(identity); same != named_.end()) {
      auto entry = tree_.entries[same->second];
      auto& added = add(here, name, entry.file);
      added.sha256 = entry.sha256;
      added.changed = entry.changed;
      added.several_names = true;
      return caf::none;
    }
  }
  manifest_entry entry;
  entry.name = name;
  entry.several_names = status.st_nlink > 1;
  if (auto err = copy(here, entry, source.file()); err || entry.file.blob == 0)
    return err;
  auto& added = add(here, name, entry.file);
  added.file.mode = mode; // without a right that it has for the time of the look
  added.sha256 = entry.sha256;
  added.several_names = entry.several_names;
  added.changed = entry.changed;
  ++sums_.files;
  if (status.st_nlink > 1)
    named_.emplace(identity, tree_.entries.size() - 1);
  return caf::none;
}

caf::error tree_taker::copy(const place& here, manifest_entry& entry, const descriptor& source) {
  descriptor target;
  for (int read = 1;; ++read) {
    struct stat status{};
    auto began = now_ns();
    ::fstat(source.get(), &status);
    auto now = entry_of(status);
    const auto* former = here.former == no_former ? nullptr : before_->find(here.former, entry.name);
    if (auto known = earlier_.find(now->inode);
        read == 1 && known != earlier_.end() && is_unchanged(known->second.file, *now)) {
      entry.file = known->second.file;
      entry.sha256 = known->second.sha256;
      return caf::none;
    }
    if (read == 1 && former != nullptr && former->file.settled && is_unchanged(former->file, *now)
        && blobs_.share(former->file.blob, now->bytes)) {
      entry.file = *now;
      entry.file.settled = true;
      entry.file.blob = blobs_.last();
      read_.push_back(blobs_.last());
      entry.sha256 = former->sha256;
      ++sums_.shared;
      return caf::none;
    }
    if (!target) {
      target = blobs_.create();
      read_.push_back(blobs_.last());
    }
    if (!target || ::ftruncate(target.get(), 0) != 0)
      return failed("the backup cannot be written", errno);
    auto done = copy_hashed(source.get(), now->bytes, target.get());
    if (done.write_error != 0)
      return failed("the backup cannot be written", done.write_error);
    if (done.read_error != 0) {
      blobs_.forget_after(blobs_.last() - 1);
      leave_out_failed(here, entry.name, done.read_error);
      return caf::none;
    }
    sums_.bytes += done.bytes;
    entry.file = *now;
    entry.file.bytes = done.bytes;
    entry.file.blob = blobs_.last();
    entry.sha256 = std::move(done.sha256);
    entry.file.settled = now->changed_ns + settled_ns < began;
    ::fstat(source.get(), &status);
    if (is_unchanged(*now, *entry_of(status)))
      return caf::none;
    entry.file.settled = false;
    entry.changed = true;
    if (read == reads_max)
      return caf::none;
    entry.changed = false;
  }
}

void tree_taker::leave_out(const place& here, const std::string& name, std::string why) {
  tree_.gaps.push_back({here.number, name, std::move(why)});
}

void tree_taker::leave_out_failed(const place& here, const std::string& name, int number) {
  // What a cell can bring about is no failure of the disk or of this machine.
  sums_.unreadable += number == EACCES || number == ELOOP || number == ENOTDIR || number == EAGAIN ? 0 : 1;
  leave_out(here, name, std::string{"cannot be read: "} + std::strerror(number));
}

manifest_entry& tree_taker::add(const place& here, const std::string& name, file_entry file) {
  manifest_entry entry;
  entry.number = tree_.entries.size() + 1;
  entry.in = here.number;
  entry.name = name;
  entry.file = std::move(file);
  tree_.entries.push_back(std::move(entry));
  return tree_.entries.back();
}

} // namespace varro
