#include "shell/running_supervisor.hpp"

#include "shell/channel.hpp"
#include "shell/launch.hpp"

#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::milliseconds kill_max{1'000};

supervisor_settings settings_in(const fs::path& data_dir) {
  supervisor_settings settings;
  settings.data_dir = fs::absolute(data_dir);
  return settings;
}

// One that hangs takes no connection, and then has room for few: never wait for it.
std::optional<running_supervisor> find_supervisor(const supervisor_settings& settings) {
  auto connection = connect_to_supervisor(settings, SOCK_NONBLOCK);
  return connection ? peer_of(*connection) : std::nullopt;
}

} // namespace

fs::path supervisor_program() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path() / "varro-shells";
}

caf::expected<descriptor> connect_to_supervisor(const supervisor_settings& settings, int flags) {
  descriptor directory{open(settings.data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  auto address = socket_address(settings.socket(), directory);
  descriptor connection{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0)};
  if (!directory || !connection
      || connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return system_failure("varro-shells cannot be reached at " + settings.socket().string());
  return connection;
}

std::optional<running_supervisor> peer_of(const descriptor& connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0
      || peer.uid != geteuid())
    return std::nullopt;
  return running_supervisor{peer.pid, descriptor{static_cast<int>(syscall(SYS_pidfd_open, peer.pid, 0))}};
}

bool is_of_other_program(pid_t process) {
  struct stat theirs{};
  struct stat installed{};
  auto running = "/proc/" + std::to_string(process) + "/exe"; // the file itself, also when its name is another's by now
  if (stat(running.c_str(), &theirs) != 0 || stat(supervisor_program().c_str(), &installed) != 0)
    return false;
  return theirs.st_dev != installed.st_dev || theirs.st_ino != installed.st_ino;
}

std::optional<json> settings_of_process(pid_t process) {
  std::ifstream file{"/proc/" + std::to_string(process) + "/cmdline", std::ios::binary};
  std::string program, settings;
  if (!std::getline(file, program, '\0') || !std::getline(file, settings, '\0'))
    return std::nullopt;
  auto value = parse_json(settings);
  return value && value->is_object() ? value : std::nullopt;
}

bool kill_process(const running_supervisor& which, std::chrono::milliseconds wait) {
  if (!which.process || syscall(SYS_pidfd_send_signal, which.process.get(), SIGKILL, nullptr, 0) != 0)
    return which.process && errno == ESRCH;
  pollfd one{which.process.get(), POLLIN, 0};
  return poll(&one, 1, static_cast<int>(wait.count())) > 0;
}

bool kill_supervisor(const fs::path& data_dir) {
  auto found = find_supervisor(settings_in(data_dir));
  return found && kill_process(*found, kill_max);
}

std::optional<older_supervisor> find_older_supervisor(const fs::path& data_dir) {
  auto settings = settings_in(data_dir);
  auto found = find_supervisor(settings);
  struct stat socket{};
  if (!found || !is_of_other_program(found->pid) || stat(settings.socket().c_str(), &socket) != 0)
    return std::nullopt;
  return older_supervisor{found->pid, std::chrono::system_clock::from_time_t(socket.st_mtime)}; // made as it began
}

} // namespace varro
