// To whom the files of chats belong on the host. Any thread.
#pragma once

#include <sys/types.h>

namespace varro {

// The host user and group of all shells when the server is root; else nobody in particular: 0.
uid_t shell_user() noexcept;

// Whether a workspace of this owner was made by an earlier version, which had a host user for each chat.
bool is_former_shell_user(uid_t user) noexcept;

} // namespace varro
