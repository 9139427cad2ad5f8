// The outer sandbox: bubblewrap around a warm interpreter. Each shell forked from it gets a sandbox of its own inside
// (shell/entry, varro_worker/zygote.py).
//
// A warm interpreter sees the system read-only, the workspaces' directory, no network and no process but its own. A
// server that runs as root runs it as one unprivileged host user (shell_user), to whom all workspaces belong, and each
// shell, where that can be had, as another one (supervisor/shell_users.hpp); what keeps chats apart is the inner
// sandbox. Any other server runs all as its own user. Inside, the user is always uid 1000.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace varro {

// What the interpreter and each shell run, embedded in the binary.
extern const std::string_view worker_archive; // Python, as an archive
extern const std::string_view entry_library;  // shell/entry, a shared object
extern const std::string_view init_program;   // shell/entry/init.c, a static executable

// Descriptor numbers in the started process.
struct zygote_descriptors {
  static constexpr int control = 3; // a socket to varro-shells
  static constexpr int worker = 4;  // worker_archive
  static constexpr int entry = 5;   // entry_library
  static constexpr int init = 6;    // init_program; this and all that follow in the sandbox only
  static constexpr int filter = 7;  // the system call filter
  static constexpr int etc = 8;     // and on: one for each of etc_files(), in order
};

// And after all of these, where shells have host users of their own: the user namespace.
int users_descriptor();

// Files of /etc that exist only in the sandbox: path and text.
const std::vector<std::pair<std::string, std::string>>& etc_files();

// Where the workspaces' directory is seen in the sandbox.
inline constexpr auto workspaces_path = "/workspaces";

// Directories of an interpreter outside /usr, which shells see at the same place, read-only: a virtual environment, and
// the Python that it was made from.
std::vector<std::string> python_directories(const interpreter_config& python);

// errc::shell_unavailable when the data directory lies in one of them.
caf::error check_python_directories(const interpreter_config& python, const std::filesystem::path& data);

// The command line that runs a warm interpreter in bubblewrap. `sources` are where bubblewrap finds what becomes
// /workspaces, and then the interpreter's directories. `maps_users`: it may become the users of shells, which are in
// the namespace users_descriptor(), and end them.
std::vector<std::string> sandbox_arguments(const shell_config& config, const interpreter_config& python,
                                           const std::vector<std::string>& sources, bool maps_users = false);

// The same without a sandbox, for shell_config::sandbox = false.
std::vector<std::string> plain_arguments(const shell_config& config, const interpreter_config& python);

// NAME=value, all that the process gets. `caches` is where libraries keep what they can make again.
std::vector<std::string> shell_environment(const std::string& home, const std::string& caches);

} // namespace varro
