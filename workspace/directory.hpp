// Small steps on directories that belong to hostile code: by descriptor, without following links. Any thread.
#pragma once

#include "base/descriptor.hpp"
#include "workspace/file_listing.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/stat.h>

namespace varro {

descriptor open_directory(int at, const std::string& name);
// The top of a chat's workspace; errno tells why not. A cell can take the rights to it from its owner: they are given
// back, so that files can be deleted and the next shell starts. What holds the workspaces is nobody's but ours.
descriptor open_workspace(const std::string& path);

// A path below the directory, of which no part is a link (openat2).
descriptor open_beneath(int directory, const std::string& path, int flags);

// Without "." and "..". `problem` gets errno where not all could be read, else 0.
std::vector<std::string> names_in(int directory, int* problem = nullptr);

// nullopt: it is nothing that a listing holds. A link's target is not known from this.
std::optional<file_entry> entry_of(const struct stat& status);

// nullopt: it is not there, or is nothing that a listing holds.
std::optional<file_entry> look_at(int directory, const std::string& name);

std::string joined(const std::string& path, const std::string& name);

} // namespace varro
