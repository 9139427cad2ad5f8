#include "shell/companion.hpp"

#include "base/descriptor.hpp"

#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace varro {

namespace {

constexpr int end_max_ms = 1'000;

std::filesystem::path beside_this_program(const std::filesystem::path& name) {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / name;
}

} // namespace

companion::companion(std::filesystem::path program)
  : program_(program.has_parent_path() ? std::move(program) : beside_this_program(program)) {}

companion::~companion() {
  end();
}

caf::error companion::start() {
  if (socket_)
    return caf::none;
  const auto no_socket = "no socket for " + program_.filename().string();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return system_failure(no_socket);
  descriptor ours{ends[0]}, theirs{ends[1]};
  launch_plan plan;
  plan.arguments = {program_.string()};
  plan.descriptors.push_back(std::move(theirs));
  for (int i = 0; i < 2; ++i)
    plan.descriptors.push_back(descriptor{open("/dev/null", O_RDWR | O_CLOEXEC)});
  auto process = launch(std::move(plan));
  if (!process)
    return process.error();
  if (fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0)
    return system_failure(no_socket);
  std::lock_guard guard{mutex_};
  process_ = std::move(*process);
  socket_ = std::move(ours);
  if (stopped_)
    kill(process_.pid, SIGKILL);
  return caf::none;
}

std::chrono::microseconds companion::used() const {
  clockid_t clock{};
  timespec time{};
  if (process_.pid <= 0 || clock_getcpuclockid(process_.pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
    return {};
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::seconds{time.tv_sec}
                                                               + std::chrono::nanoseconds{time.tv_nsec});
}

void companion::end(bool at_once) {
  socket_.reset(); // it ends at the end of its input
  std::lock_guard guard{mutex_};
  if (process_.pid <= 0)
    return;
  pollfd one{process_.pidfd.get(), POLLIN, 0};
  if (at_once || poll(&one, 1, end_max_ms) <= 0)
    kill(process_.pid, SIGKILL);
  waitpid(process_.pid, nullptr, 0);
  process_ = {};
}

void companion::stop() {
  std::lock_guard guard{mutex_};
  stopped_ = true;
  if (process_.pid > 0)
    kill(process_.pid, SIGKILL);
}

bool companion::is_stopped() {
  std::lock_guard guard{mutex_};
  return stopped_;
}

} // namespace varro
