// The end of a chat's files: its workspace, their earlier states, and its snapshots. Any thread; blocking file I/O.
#pragma once

#include <cstdint>
#include <filesystem>

namespace varro {

// Where a workspace is while it is being deleted: out of every shell's and reader's way, also after a crash.
std::filesystem::path removed_workspace_of(const std::filesystem::path& data_dir, int64_t chat);

// Deletes the directory with all that is in it, at any depth, whatever rights hostile code has taken from its
// directories; links are not followed. False: something is left, because somebody writes there still, or the disk
// fails. One that is not there is no error.
bool remove_tree(const std::filesystem::path& directory) noexcept;

// Deletes all files of a chat. False: something is left.
bool remove_chat_files(const std::filesystem::path& data_dir, int64_t chat) noexcept;

} // namespace varro
