#include "workspace/snapshot_store.hpp"

#include "base/descriptor.hpp"
#include "workspace/file_listing.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

fs::path directory_in(const fs::path& data_dir) {
  return data_dir / "snapshots";
}

fs::path file_of(const fs::path& data_dir, int64_t chat) {
  return directory_in(data_dir) / (std::to_string(chat) + ".snap");
}

caf::error failed(errc code, const fs::path& path) {
  return fail(code, "the snapshots " + path.string() + ": " + std::strerror(errno));
}

} // namespace

caf::expected<opened_snapshots> open_snapshots(const fs::path& data_dir, int64_t chat, size_t bytes_max) {
  auto directory = directory_in(data_dir);
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return failed(errc::storage_failed, directory);
  auto path = file_of(data_dir, chat);
  struct stat status{};
  // Taken away, not emptied: a shell may still be reading the old one.
  if (stat(path.c_str(), &status) == 0 && static_cast<size_t>(status.st_size) > bytes_max)
    unlink(path.c_str());
  opened_snapshots opened;
  opened.file = descriptor{open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!opened.file || fstat(opened.file.get(), &status) != 0)
    return failed(errc::storage_failed, path);
  opened.anew = status.st_size == 0;
  return opened;
}

caf::expected<descriptor> read_snapshots(const fs::path& data_dir, int64_t chat) {
  auto path = file_of(data_dir, chat);
  descriptor file{open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!file)
    return failed(errno == ENOENT ? errc::not_found : errc::storage_failed, path);
  return file;
}

caf::error copy_snapshots(const fs::path& data_dir, int64_t chat, int64_t to) {
  auto source = read_snapshots(data_dir, chat);
  if (!source)
    return code_of(source.error()) == errc::not_found ? caf::error{} : source.error();
  auto path = file_of(data_dir, to);
  descriptor target{open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  struct stat status{};
  if (!target || fstat(source->get(), &status) != 0
      || !copy_bytes(*source, target, static_cast<uint64_t>(status.st_size)))
    return failed(errc::storage_failed, path);
  return caf::none;
}

int64_t snapshots_bytes(const fs::path& data_dir, int64_t chat) noexcept {
  constexpr int64_t block_bytes = 512; // stat's unit
  struct stat status{};
  return stat(file_of(data_dir, chat).c_str(), &status) == 0 ? int64_t{status.st_blocks} * block_bytes : 0;
}

void remove_snapshots(const fs::path& data_dir, int64_t chat) noexcept {
  unlink(file_of(data_dir, chat).c_str());
}

} // namespace varro
