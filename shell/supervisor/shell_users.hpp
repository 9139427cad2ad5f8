// Host users of shells: under a root server each shell has one of its own, so that what it uses up of the kernel's
// accounts of a user is missing nowhere else.
//
// On disk workspaces belong to shell_user() as ever. A shell sees its own through an id-mapped mount, in which what is
// shell_user()'s is the shell's; so nothing on disk tells which user a shell had. Any thread; nothing blocks.
#pragma once

#include "base/descriptor.hpp"
#include "base/errors.hpp"

#include <cstdint>
#include <filesystem>

#include <sys/types.h>

namespace varro {

// Between the range of former shell users (workspace/owner.cpp) and systemd's range of foreign ids.
inline constexpr uid_t shell_users_first = 2'100'000'000, shell_users_count = 40'000'000;

// Of a shell by its number. Numbers follow each other from the time on at which varro-shells started: two that live
// have the same user by accident at most, and then share its accounts.
uid_t user_of_shell(uint64_t number) noexcept;

// A user namespace that belongs to shell_user(), for a warm interpreter: shell_user() is 1000 in it, and all users of
// shells are themselves. errc::shell_unavailable where that cannot be had.
caf::expected<descriptor> interpreter_namespace();

// The workspace as a mount that is attached nowhere yet. errc::shell_unavailable where the kernel or the file system
// has no id-mapped mounts.
caf::expected<descriptor> mount_for(const std::filesystem::path& workspace, uid_t user);

// Tries both, with a directory of the workspaces' file system. Without an error they can be had for all shells.
caf::error try_shell_users(const std::filesystem::path& directory, const std::filesystem::path& bubblewrap);

} // namespace varro
