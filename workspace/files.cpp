#include "workspace/files.hpp"

#include "base/descriptor.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "workspace/directory.hpp"
#include "workspace/listed_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <random>
#include <sys/stat.h>

namespace varro {

namespace {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

std::string temporary_name() {
  std::random_device source;
  return ".upload-" + std::to_string(source()) + std::to_string(source());
}

using file_entries = std::vector<listed_file>;

void list_directory(int root, const std::string& path, int depth, file_entries& out) {
  auto fd = open_beneath(root, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY | O_NONBLOCK).release();
  auto* directory = fd < 0 ? nullptr : ::fdopendir(fd);
  if (directory == nullptr) {
    if (fd >= 0)
      ::close(fd);
    return;
  }
  while (auto* entry = ::readdir(directory)) {
    std::string_view name = entry->d_name;
    struct stat status{};
    if (name.starts_with('.') || !is_utf8(name) || out.size() >= workspace_files::listed_max
        || ::fstatat(::dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    auto full = path.empty() ? std::string{name} : path + "/" + std::string{name};
    if (S_ISREG(status.st_mode))
      out.push_back({full, static_cast<uint64_t>(status.st_size), status.st_mtim.tv_sec});
    else if (S_ISDIR(status.st_mode) && depth < workspace_files::depth_max)
      list_directory(root, full, depth + 1, out);
  }
  ::closedir(directory);
}

} // namespace

caf::expected<workspace_files> workspace_files::open(const std::filesystem::path& directory) {
  auto fd = open_workspace(directory.string());
  if (!fd && errno == ENOENT)
    return fail(errc::not_found, "This chat has no files.");
  if (!fd)
    return fail(errc::storage_failed, std::string{"The chat's workspace cannot be opened: "} + std::strerror(errno));
  return workspace_files{std::move(fd)};
}

caf::expected<workspace_files> workspace_files::create(const std::filesystem::path& directory, uid_t owner) {
  ::mkdir(directory.parent_path().c_str(), 0700);
  ::mkdir(directory.c_str(), 0700);
  auto files = open(directory);
  if (!files || ::geteuid() != 0)
    return files;
  if (::fchown(files->directory_.get(), owner, static_cast<gid_t>(owner)) != 0)
    return fail(errc::storage_failed, std::string{"The chat's workspace cannot be shared: "} + std::strerror(errno));
  return files;
}

caf::expected<workspace_files::opened> workspace_files::read(std::string_view path) const {
  auto missing = [] { return fail(errc::not_found, "There is no such file in this chat."); };
  if (path.empty() || path.find('\0') != std::string_view::npos)
    return missing();
  // Without O_NONBLOCK opening a FIFO would hold this worker for ever.
  descriptor fd{open_beneath(directory_.get(), std::string{path}, O_RDONLY | O_NONBLOCK | O_NOCTTY).release()};
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return missing();
  return opened{std::move(fd), static_cast<uint64_t>(status.st_size)};
}

caf::expected<std::string> workspace_files::write(std::string_view client_name, std::string_view bytes) const {
  auto name = sanitised_file_name(client_name);
  auto failed = [&](errc code) {
    return fail(code, "The file \"" + name + "\" cannot be stored: " + std::strerror(errno) + ".");
  };
  auto temporary = temporary_name();
  descriptor fd{
    ::openat(directory_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd)
    return failed(errc::storage_failed);
  // A root server's shells run as the directory's owner, who has to be able to read and change the file.
  struct stat owner{};
  bool given = ::geteuid() != 0
    || (::fstat(directory_.get(), &owner) == 0 && ::fchown(fd.get(), owner.st_uid, owner.st_gid) == 0);
  if (!given || !write_all(fd.get(), bytes)
      || ::renameat(directory_.get(), temporary.c_str(), directory_.get(), name.c_str()) != 0) {
    auto code = errno == EISDIR ? errc::invalid_input : errc::storage_failed;
    auto error = failed(code);
    ::unlinkat(directory_.get(), temporary.c_str(), 0);
    return error;
  }
  return name;
}

std::vector<listed_file> workspace_files::list() const {
  file_entries result;
  list_directory(directory_.get(), "", 0, result);
  std::sort(result.begin(), result.end());
  return result;
}

std::string sanitised_file_name(std::string_view client_name) {
  if (auto slash = client_name.find_last_of("/\\"); slash != std::string_view::npos)
    client_name.remove_prefix(slash + 1);
  std::string name;
  for (char c : client_name)
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)
      name += c;
  if (!is_utf8(name))
    std::replace_if(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '_');
  auto first = name.find_first_not_of(" .");
  name = first == std::string::npos ? "" : std::string{trim(std::string_view{name}.substr(first))};
  if (name.empty())
    return "file";
  if (name.size() <= workspace_files::name_bytes_max)
    return name;
  auto dot = name.rfind('.');
  auto extension = dot == std::string::npos || name.size() - dot > 16 ? "" : name.substr(dot);
  return std::string{clip_utf8(name, workspace_files::name_bytes_max - extension.size())} + extension;
}

} // namespace varro
