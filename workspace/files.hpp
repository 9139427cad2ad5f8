// A chat's workspace as people see it: uploads into it, downloads out of it, its list.
//
// The directory belongs to sandboxed, hostile code: every path is resolved beneath it and without symbolic links
// (openat2), only regular files are read, and a write replaces whatever stands under the name instead of following it.
// Any thread; blocking file I/O.
#pragma once

#include "base/descriptor.hpp"
#include "base/errors.hpp"
#include "workspace/listed_file.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace varro {

class workspace_files {
public:
  static constexpr size_t name_bytes_max = 200;
  static constexpr size_t listed_max = 1'000;
  static constexpr int depth_max = 4; // directories below the workspace that are listed

  // An existing workspace; errc::not_found when the chat has none.
  static caf::expected<workspace_files> open(const std::filesystem::path& directory);
  // Makes the directory (mode 0700) when it is missing. A root server gives it to `owner`, the user of the chat's
  // shell.
  static caf::expected<workspace_files> create(const std::filesystem::path& directory, uid_t owner);

  struct opened {
    descriptor file;
    uint64_t bytes = 0;
  };
  // A regular file by its path below the workspace. errc::not_found for everything else.
  caf::expected<opened> read(std::string_view path) const;
  // Writes a file under the sanitised name, atomically; returns that name.
  caf::expected<std::string> write(std::string_view client_name, std::string_view bytes) const;
  // Regular files, without hidden ones, by path.
  std::vector<listed_file> list() const;

private:
  explicit workspace_files(descriptor directory) : directory_(std::move(directory)) {}
  descriptor directory_;
};

// The last component of what a client called its file, without control characters, leading dots and surrounding white
// space, cut to name_bytes_max with its extension kept; "file" when nothing is left.
std::string sanitised_file_name(std::string_view client_name);

} // namespace varro
