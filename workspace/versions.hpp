// Earlier states of a chat's workspace, so that an edited turn, another branch and a fork find the files of their time.
//
// DATA_DIR/versions/{chat} holds NAME.cbor, a list of what lay in the workspace, and blob-N, the bytes of one file,
// which versions share as long as the file did not change (same inode, size, times of modification and status change; a
// change within the clock's grain of the copy counts as one). Copies share blocks where the file system can (FICLONE).
// Times of files come back to the nanosecond, owners do not: all files belong to the chat's shell.
//
// The workspace belongs to hostile code: it is walked by descriptors without following links, only regular files,
// directories and links (as such) are kept, and a restored file replaces what stands under its name. What is in
// DATA_DIR/versions was written by this file only.
//
// Any thread, one call for a chat at a time; blocking file I/O. REQUIRES: no cell runs in the chat.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"
#include "workspace/file_listing.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace varro {

// How a restored workspace differs from what it was.
struct workspace_change {
  bool found = false;         // a version of that name exists; otherwise nothing was done
  file_differences differing; // what could not be kept or restored
};

// Of a chat: turns that can be gone back to with their files. Each takes a list of the files' names.
inline constexpr size_t versions_max = 1'000;

// Keeps what the workspace holds under this name ([a-z0-9-]), in the place of what was kept under it. Oldest versions
// go when the files take more than shell.versions_bytes_max or there are more than versions_max, except for those that
// are `needed`; of files that are larger together, the largest are not kept.
caf::error keep_version(const std::filesystem::path& data_dir, int64_t chat, const std::string& name,
                        const shell_config& limits, const std::vector<std::string>& needed = {});

// The names that chats use.
std::string version_before(int64_t run); // its first cell
std::string version_after(int64_t run);  // as its branch was left

bool has_version(const std::filesystem::path& data_dir, int64_t chat, const std::string& name);

// Makes the workspace of `to` hold what this version of `chat`'s workspace held.
caf::expected<workspace_change> restore_version(const std::filesystem::path& data_dir, int64_t chat,
                                                const std::string& name, int64_t to);

// What all that is kept of the chat takes on the disk. Blocks that files share count for each of them.
int64_t versions_bytes(const std::filesystem::path& data_dir, int64_t chat);

void remove_versions(const std::filesystem::path& data_dir, int64_t chat) noexcept;

// A change of branch that is under way: the branch's newest run, and the versions of which the first that exists is to
// be restored. It is noted before the change is committed, so that a crash in between is seen and the files follow.
struct branch_change {
  int64_t left_run = 0;
  std::vector<std::string> next;
};
caf::error note_branch_change(const std::filesystem::path& data_dir, int64_t chat, const branch_change& change);
std::optional<branch_change> branch_change_under_way(const std::filesystem::path& data_dir, int64_t chat);
void forget_branch_change(const std::filesystem::path& data_dir, int64_t chat) noexcept;

} // namespace varro
