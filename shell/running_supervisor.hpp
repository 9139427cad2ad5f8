// The varro-shells that answers at a data directory's socket: which process it is, of which program, and its end. Any
// thread may call.
#pragma once

#include "base/descriptor.hpp"
#include "base/json.hpp"
#include "shell/supervisor/settings.hpp"

#include <caf/expected.hpp>

#include <chrono>
#include <filesystem>
#include <optional>

#include <sys/types.h>

namespace varro {

// varro-shells as it is installed: it stands beside this program.
std::filesystem::path supervisor_program();

// A connection to it. `flags`: of socket(), besides SOCK_CLOEXEC.
caf::expected<descriptor> connect_to_supervisor(const supervisor_settings& settings, int flags = 0);

struct running_supervisor {
  pid_t pid = -1;
  descriptor process; // a pidfd; may be none
};
// The process that listens at the other end, if it is of this process's user.
std::optional<running_supervisor> peer_of(const descriptor& connection);

// Whether the process runs another file than supervisor_program(), as after an upgrade. False when nobody can tell.
bool is_of_other_program(pid_t process);
// What it was started with: in the arguments that supervisor/main.cpp reads. Nothing: they cannot be read.
std::optional<json> settings_of_process(pid_t process);

// Kills it, and waits for its end for at most `wait`. Whether it has ended.
bool kill_process(const running_supervisor& which, std::chrono::milliseconds wait);

// Ends a varro-shells that answers at this data directory's socket, and with it all shells, whatever it is doing; false
// if there is none or it stays. Waits for its end for at most a second.
bool kill_supervisor(const std::filesystem::path& data_dir);

struct older_supervisor {
  pid_t pid = -1;
  std::chrono::system_clock::time_point since{}; // it has been listening
};
// A varro-shells of another program than the installed one that is at work in this data directory. To look disturbs
// neither it nor its server.
std::optional<older_supervisor> find_older_supervisor(const std::filesystem::path& data_dir);

} // namespace varro
