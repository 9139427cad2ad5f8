// Where the files of chats are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace varro {

inline std::filesystem::path workspaces_in(const std::filesystem::path& data_dir) {
  return data_dir / "workspaces";
}

inline std::filesystem::path workspace_of(const std::filesystem::path& data_dir, int64_t chat_id) {
  return workspaces_in(data_dir) / std::to_string(chat_id);
}

} // namespace varro
