#include "workspace/directory.hpp"

#include "base/descriptor.hpp"

#include <algorithm>
#include <cerrno>

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace varro {

namespace {

constexpr size_t copy_chunk = 8u << 20; // bytes
constexpr size_t link_max = 4096;       // bytes of a link's target

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

} // namespace

descriptor open_directory(int at, const std::string& name) {
  return descriptor{openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

descriptor open_workspace(const std::string& path) {
  auto opened = open_directory(AT_FDCWD, path);
  if (opened || errno != EACCES)
    return opened;
  descriptor place{open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  auto itself = "/proc/self/fd/" + std::to_string(place.get());
  if (!place || chmod(itself.c_str(), S_IRWXU) != 0)
    return {};
  return open_directory(AT_FDCWD, path);
}

std::vector<std::string> names_in(int directory, int* problem) {
  std::vector<std::string> names;
  int ignored = 0;
  auto& why = problem == nullptr ? ignored : *problem;
  why = 0;
  descriptor own = open_directory(directory, ".");
  DIR* stream = own ? fdopendir(own.get()) : nullptr;
  if (stream == nullptr) {
    why = errno;
    return names;
  }
  own.release();
  for (;;) {
    errno = 0;
    const auto* found = readdir(stream);
    if (found == nullptr)
      break;
    std::string name = found->d_name;
    if (name != "." && name != "..")
      names.push_back(std::move(name));
  }
  why = errno == ENOENT ? 0 : errno; // of a directory that is being removed
  closedir(stream);
  return names;
}

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "/" + name;
}

descriptor open_beneath(int directory, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return descriptor{static_cast<int>(syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how))};
}

std::optional<file_entry> entry_of(const struct stat& status) {
  file_entry found;
  found.mode = status.st_mode & 0777;
  found.inode = status.st_ino;
  found.modified_ns = nanoseconds(status.st_mtim);
  found.changed_ns = nanoseconds(status.st_ctim);
  if (S_ISREG(status.st_mode)) {
    found.bytes = static_cast<uint64_t>(status.st_size);
  } else if (S_ISDIR(status.st_mode)) {
    found.what = file_kind::directory;
  } else if (S_ISLNK(status.st_mode)) {
    found.what = file_kind::link;
  } else {
    return std::nullopt; // sockets, pipes and devices belong to processes
  }
  return found;
}

std::optional<file_entry> look_at(int directory, const std::string& name) {
  struct stat status{};
  if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return std::nullopt;
  auto found = entry_of(status);
  if (!found || found->what != file_kind::link)
    return found;
  char target[link_max];
  auto length = readlinkat(directory, name.c_str(), target, sizeof target);
  if (length < 0)
    return std::nullopt;
  found->target.assign(target, static_cast<size_t>(length));
  return found;
}

bool copy_bytes(const descriptor& source, const descriptor& target, uint64_t bytes) {
  struct stat status{};
  if (fstat(source.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return false;
  if (ioctl(target.get(), FICLONE, source.get()) == 0)
    return true;
  while (bytes > 0) {
    auto n = copy_file_range(source.get(), nullptr, target.get(), nullptr, std::min<uint64_t>(bytes, copy_chunk), 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n == 0; // it has become shorter meanwhile
    bytes -= static_cast<uint64_t>(n);
  }
  return true;
}

} // namespace varro
