#include "backup/blob_store.hpp"

#include "backup/backup_set.hpp"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace varro {

bool blob_store::make_place() {
  auto path = blob_path(last_ + 1);
  auto directory = path.substr(0, path.rfind('/'));
  return ::mkdirat(backup_.get(), directory.c_str(), 0700) == 0 || errno == EEXIST;
}

descriptor blob_store::create() {
  if (!make_place())
    return {};
  descriptor file{
    ::openat(backup_.get(), blob_path(last_ + 1).c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (file)
    ++last_;
  return file;
}

bool blob_store::reserve() {
  if (!make_place())
    return false;
  ++last_;
  return true;
}

bool blob_store::share(uint64_t former, uint64_t bytes) {
  struct stat status{};
  auto from = blob_path(former);
  // A file system without links, or a file that has as many names as there may be: then it is copied.
  if (!before_ || !make_place() || ::fstatat(before_.get(), from.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0
      || !S_ISREG(status.st_mode) || static_cast<uint64_t>(status.st_size) != bytes
      || ::linkat(before_.get(), from.c_str(), backup_.get(), blob_path(last_ + 1).c_str(), 0) != 0)
    return false;
  ++last_;
  return true;
}

void blob_store::forget(uint64_t blob) {
  ::unlinkat(backup_.get(), blob_path(blob).c_str(), 0);
}

void blob_store::forget_after(uint64_t blob) {
  for (; last_ > blob; --last_)
    ::unlinkat(backup_.get(), blob_path(last_).c_str(), 0);
}

descriptor blob_store::open(uint64_t blob) const {
  return descriptor{::openat(backup_.get(), blob_path(blob).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
}

} // namespace varro
