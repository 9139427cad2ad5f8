#include "storage/data_dir.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace varro {

namespace {

namespace fs = std::filesystem;

caf::error system_failure(const std::string& doing, const fs::path& what, int number) {
  return fail(errc::storage_failed,
              "cannot " + doing + " " + what.string() + ": " + std::generic_category().message(number));
}

// So that a crash of the machine does not take back a file that was just created.
void sync_directory(const fs::path& directory) {
  auto fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return;
  ::fsync(fd);
  ::close(fd);
}

std::string holder_of(int fd) {
  std::array<char, 32> digits{};
  auto count = ::pread(fd, digits.data(), digits.size(), 0);
  std::string pid;
  for (ssize_t i = 0; i < count && digits[static_cast<size_t>(i)] >= '0' && digits[static_cast<size_t>(i)] <= '9'; ++i)
    pid += digits[static_cast<size_t>(i)];
  return pid.empty() ? "another process" : "process " + pid;
}

} // namespace

caf::error create_data_dir(const fs::path& data_dir) {
  std::error_code code;
  if (fs::is_directory(data_dir, code))
    return caf::none;
  if (auto parent = fs::absolute(data_dir, code).lexically_normal().parent_path(); !code)
    fs::create_directories(parent, code);
  if (::mkdir(data_dir.c_str(), 0700) == 0)
    return caf::none;
  auto number = errno;
  if (number == EEXIST && fs::is_directory(data_dir, code))
    return caf::none;
  return system_failure("create the data directory", data_dir, number == EEXIST ? ENOTDIR : number);
}

caf::error create_private_file(const fs::path& file) {
  auto fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::fsync(fd);
    ::close(fd);
    sync_directory(file.parent_path());
    return caf::none;
  }
  if (errno != EEXIST)
    return system_failure("create", file, errno);
  // Never through a descriptor: closing one would drop the POSIX locks that this process holds on the file elsewhere.
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0)
    return system_failure("read", file, errno);
  if (!S_ISREG(status.st_mode))
    return fail(errc::storage_failed, "database " + file.string() + ": is not a regular file");
  if ((status.st_mode & 077) != 0 && ::chmod(file.c_str(), 0600) != 0)
    return system_failure("take the rights of others off", file, errno);
  return caf::none;
}

caf::expected<data_lock> data_lock::take(const fs::path& data_dir) {
  if (auto err = create_data_dir(data_dir))
    return err;
  auto file = data_dir / "varro.lock";
  auto fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return system_failure("open", file, errno);
  data_lock lock{fd};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return system_failure("lock", file, errno);
    return fail(errc::storage_locked,
                "data directory " + data_dir.string() + " is in use by " + holder_of(fd)
                  + "; stop that server or choose another directory with --data");
  }
  auto pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return system_failure("write", file, errno);
  return lock;
}

data_lock::data_lock(data_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

data_lock& data_lock::operator=(data_lock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

data_lock::~data_lock() {
  // The file stays: removing it would let two processes lock two files of the same name.
  if (fd_ >= 0)
    ::close(fd_);
}

} // namespace varro
