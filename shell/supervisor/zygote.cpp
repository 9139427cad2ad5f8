#include "shell/supervisor/zygote.hpp"

#include "base/descriptor.hpp"
#include "shell/sandbox.hpp"
#include "shell/supervisor/shell_users.hpp"
#include "shell/syscall_filter.hpp"
#include "workspace/directory.hpp"
#include "workspace/owner.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr size_t log_bytes_max = 4'096;
constexpr auto backoff_first = 500ms;
constexpr auto backoff_max = 30s;
constexpr int end_wait_ms = 2'000; // for everything in its sandbox to go by itself

caf::expected<launch_plan> plan_of(const supervisor_settings& settings, const interpreter_config& python,
                                   bool maps_users, descriptor control, descriptor log) {
  launch_plan plan;
  const auto& shell = settings.shell;
  if (auto problem = prepare_workspaces(settings.workspaces()))
    return problem;
  descriptor null{open("/dev/null", O_RDWR | O_CLOEXEC)};
  descriptor log_again{fcntl(log.get(), F_DUPFD_CLOEXEC, 0)};
  plan.descriptors.push_back(std::move(null));
  plan.descriptors.push_back(std::move(log));
  plan.descriptors.push_back(std::move(log_again));
  plan.descriptors.push_back(std::move(control));
  std::vector<std::string_view> texts{worker_archive, entry_library};
  if (shell.sandbox) {
    const auto& filter = syscall_filter();
    if (!filter)
      return filter.error();
    texts.insert(texts.end(), {init_program, *filter});
    for (const auto& file : etc_files())
      texts.push_back(file.second);
    if (auto problem = check_python_directories(python, settings.data_dir))
      return problem;
    auto sources = python_directories(python);
    sources.insert(sources.begin(), settings.workspaces().string());
    plan.user = shell_user();
    if (plan.user != 0) {
      plan.shown = std::exchange(sources, {});
      for (size_t i = 0; i < plan.shown.size(); ++i)
        sources.push_back(staged(i));
    }
    plan.arguments = sandbox_arguments(shell, python, sources, maps_users);
  } else {
    plan.arguments = plain_arguments(shell, python);
    plan.environment = shell_environment("/tmp", "/tmp");
  }
  for (auto text : texts) {
    auto file = text_descriptor(text);
    if (!file)
      return file.error();
    plan.descriptors.push_back(std::move(*file));
  }
  if (maps_users) {
    auto users = interpreter_namespace();
    if (!users)
      return users.error();
    plan.descriptors.push_back(std::move(*users)); // users_descriptor()
  }
  return plan;
}

} // namespace

zygote::zygote(const supervisor_settings& settings, interpreter_config python, bool maps_users)
  : settings_(settings), python_(std::move(python)), maps_users_(maps_users) {}

zygote::~zygote() {
  end("", clock::now());
}

bool zygote::may_start(clock::time_point now) const noexcept {
  auto backoff = std::min<clock::duration>(backoff_first * (1 << std::min(failures_, 10)), backoff_max);
  return stage_ == stage::down && (failures_ == 0 || now - since_ >= backoff);
}

void zygote::start(clock::time_point now) {
  int sockets[2], logs[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
    end("no socket for the warm interpreter", now);
    return;
  }
  descriptor ours{sockets[0]}, theirs{sockets[1]};
  if (pipe2(logs, O_CLOEXEC) != 0) {
    end("no pipe for the warm interpreter", now);
    return;
  }
  log_ = descriptor{logs[0]};
  descriptor log_writing{logs[1]};
  fcntl(log_.get(), F_SETFL, O_NONBLOCK);
  log_text_.clear();
  auto plan = plan_of(settings_, python_, maps_users_, std::move(theirs), std::move(log_writing));
  auto process = plan ? launch(std::move(*plan)) : plan.error();
  if (!process) {
    end(text_of(process.error()), now);
    return;
  }
  process_ = std::move(*process);
  control_ = channel{std::move(ours)};
  stage_ = stage::warming;
  since_ = now;
  why_.clear();
}

void zygote::end(std::string why, clock::time_point now) {
  read_log();
  control_.close();
  if (process_.pid > 0) {
    // Without its socket it ends by itself, and bubblewrap after it; both leave nothing behind.
    pollfd one{process_.pidfd.get(), POLLIN, 0};
    if (stage_ != stage::ready || poll(&one, 1, end_wait_ms) <= 0)
      syscall(SYS_pidfd_send_signal, process_.pidfd.get(), SIGKILL, nullptr, 0);
    waitpid(process_.pid, nullptr, 0);
    process_ = {};
  }
  read_log();
  log_.reset();
  why_ = std::move(why);
  if (!log_text_.empty())
    why_ += (why_.empty() ? "" : " (") + log_text_ + (why_.empty() ? "" : ")");
  if (stage_ != stage::ready)
    ++failures_;
  else
    failures_ = 1;
  stage_ = stage::down;
  since_ = now;
}

void zygote::become_ready(const json& message) {
  stage_ = stage::ready;
  failures_ = 0;
  since_ = clock::now();
  version_ = message.value("python", "");
  auto problems = message.find("problems");
  problems_ = problems != message.end() && problems->is_array() ? *problems : json::array();
}

bool zygote::read_log() {
  char bytes[1024];
  // A bounded part at a time: it may print without end.
  for (int i = 0; i < 64 && log_; ++i) {
    auto size = read(log_.get(), bytes, sizeof bytes);
    if (size < 0)
      return errno == EAGAIN || errno == EINTR;
    if (size == 0) {
      log_.reset();
      break;
    }
    log_text_.append(bytes, static_cast<size_t>(size));
    if (log_text_.size() > log_bytes_max)
      log_text_.erase(0, log_text_.size() - log_bytes_max);
  }
  while (!log_text_.empty() && std::isspace(static_cast<unsigned char>(log_text_.back())))
    log_text_.pop_back();
  return false;
}

json zygote::report() const {
  constexpr const char* names[] = {"down", "warming", "ready"};
  return {{"op", "zygote"},      {"python", python_.name}, {"state", names[static_cast<int>(stage_)]},
          {"version", version_}, {"problems", problems_},  {"why", why_}};
}

namespace {

constexpr int depth_max = 64;
constexpr int entries_max = 100'000;

// Gives what the server or an earlier version's shell owns. Links are left alone, and so is what has further names:
// they may be anywhere.
void give_entries(int directory, uid_t user, int depth, int& entries) {
  DIR* list = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (list == nullptr)
    return;
  while (const dirent* entry = readdir(list)) {
    std::string_view name{entry->d_name};
    if (name == "." || name == ".." || ++entries > entries_max)
      continue;
    descriptor file{openat(directory, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    struct stat status{};
    if (!file || fstat(file.get(), &status) != 0)
      continue;
    bool ours = status.st_uid == geteuid() || is_former_shell_user(status.st_uid);
    bool is_directory = S_ISDIR(status.st_mode);
    if (ours && (is_directory || (S_ISREG(status.st_mode) && status.st_nlink == 1)))
      (void)!fchown(file.get(), user, static_cast<gid_t>(user));
    if (is_directory && depth < depth_max)
      give_entries(file.get(), user, depth + 1, entries);
  }
  closedir(list);
}

} // namespace

caf::error prepare_workspaces(const fs::path& workspaces) {
  std::error_code problem;
  fs::create_directories(workspaces, problem);
  if (problem)
    return fail(errc::shell_unavailable,
                "the directory " + workspaces.string() + " could not be made: " + problem.message());
  if (chmod(workspaces.c_str(), shell_user() != 0 ? 0711 : 0700) != 0)
    return system_failure("the directory " + workspaces.string() + " could not be prepared");
  return caf::none;
}

caf::error prepare_workspace(const fs::path& workspaces, const std::string& name) {
  auto path = workspaces / name;
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return system_failure("the workspace directory " + path.string() + " could not be made");
  auto directory = open_workspace(path.string());
  struct stat status{};
  auto user = shell_user();
  bool known = directory && fstat(directory.get(), &status) == 0;
  if (known && user != 0) {
    // Below the top nothing of an earlier version is expected once the top has changed hands.
    int entries = 0;
    bool former = is_former_shell_user(status.st_uid);
    known = status.st_uid == user || fchown(directory.get(), user, static_cast<gid_t>(user)) == 0;
    give_entries(directory.get(), user, former ? 0 : depth_max, entries);
  }
  if (!known || ((status.st_mode & 0777) != 0700 && fchmod(directory.get(), 0700) != 0))
    return system_failure("the workspace directory " + path.string() + " could not be given to the shell");
  return caf::none;
}

} // namespace varro
