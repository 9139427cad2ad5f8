// The shells of varro-shells, and the warm interpreters that they come from.
#include "base/descriptor.hpp"
#include "base/log.hpp"
#include "shell/message_fields.hpp"
#include "shell/shell_process.hpp"
#include "shell/supervisor/process_tree.hpp"
#include "shell/supervisor/shell_users.hpp"
#include "shell/supervisor/supervisor.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <limits>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace varro {

namespace {

pid_t pid_of(int pidfd) {
  char path[48], text[512];
  std::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
  descriptor file{open(path, O_RDONLY | O_CLOEXEC)};
  auto size = file ? read(file.get(), text, sizeof text - 1) : -1;
  text[std::max<ssize_t>(size, 0)] = '\0';
  const char* line = std::strstr(text, "Pid:");
  int pid = -1;
  return line != nullptr && std::sscanf(line, "Pid: %d", &pid) == 1 ? pid : -1;
}

// Python, as its first process tells, or that one itself.
bool was_killed(int status) {
  return (WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGKILL)
    || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

} // namespace

// Of the shells that a new server takes over. What they had before is counted by nobody but watch_memory().
void supervisor::limit_shells() {
  if (!cgroups_ || !cgroups_->divide())
    return;
  for (auto& [number, each] : shells_)
    if (each.now == stage::live && each.has_cgroup && !cgroups_->limit(number, limits_of(each)))
      log(log_level::warning, "the limits of a shell's cgroup could not be set again");
}

// Else the next server could not be started where this one was.
void supervisor::release_cgroups() {
  if (!cgroups_)
    return;
  cgroups_->release();
  for (auto& [number, each] : shells_) {
    each.is_counted = false;
    each.memory_kills = 0;
  }
}

void supervisor::sweep_cgroups() {
  if (!cgroups_ || !has_leftover_groups_)
    return;
  std::set<uint64_t> in_use;
  for (const auto& [number, each] : shells_)
    if (each.now != stage::ended)
      in_use.insert(number);
  has_leftover_groups_ = !cgroups_->sweep(in_use);
}

size_t supervisor::zygote_of(const std::string& name) const {
  size_t i = 0;
  while (i < zygotes_.size() && zygotes_[i]->name() != name)
    ++i;
  return i;
}

void supervisor::start_shell(const json& message) {
  auto python = text_in(message, "python");
  auto workspace = text_in(message, "workspace");
  auto index = zygote_of(python);
  bool plain_name = !workspace.empty() && workspace != "." && workspace != ".."
    && workspace.find('/') == std::string::npos && workspace.find('\0') == std::string::npos;
  if (index == zygotes_.size() || !plain_name) {
    tell({{"op", "failed"},
          {"request", message.value("request", json{})},
          {"why", plain_name ? "no Python is configured as " + python : "no such workspace"}});
    return;
  }
  auto& made = shells_[next_shell_];
  made.number = next_shell_++;
  made.user = number_in<int64_t>(message, "user", 0);
  made.chat = number_in<int64_t>(message, "chat", 0);
  made.left = number_in<size_t>(message, "left", std::numeric_limits<size_t>::max());
  made.quota = text_in(message, "quota");
  const auto memory_max = settings_.shell.memory_bytes_max;
  const auto memory = number_in<size_t>(message, "memory", 0);
  made.memory = memory == 0 ? memory_max : std::min(memory, memory_max);
  made.python = python;
  made.workspace = workspace;
  made.since = clock::now();
  made.request = message.value("request", json{});
  if (zygotes_[index]->may_start(made.since))
    tick();
  serve_asked(index);
}

void supervisor::attach_shell(const json& message) {
  auto request = message.value("request", json{});
  auto* found = find(message);
  if (found == nullptr || found->now < stage::live || found->closing)
    tell({{"op", "failed"}, {"request", request}, {"why", "the shell is gone"}});
  else
    hand_over(*found, request);
}

void supervisor::hand_over(shell& to, const json& request) {
  auto stream = to.frames->attach();
  if (!stream || !to.init_pidfd || !to.python_pidfd) {
    tell({{"op", "failed"}, {"request", request}, {"why", "no descriptors are left"}});
    kill_shell_of(to, "");
    return;
  }
  tell({{"op", "started"},
        {"request", request},
        {"shell", to.number},
        {"group", to.group},
        {"cgroup", to.has_cgroup},
        {"memory", to.memory}},
       {stream.get(), to.init_pidfd.get(), to.python_pidfd.get()});
  if (to.now == stage::ended)
    tell({{"op", "ended"}, {"shell", to.number}, {"status", to.status}, {"why", to.why}});
  move_frames(to.number, source::stream);
}

void supervisor::kill_shell_of(shell& which, const char* why) {
  if (which.now == stage::ended)
    return;
  if (which.why.empty())
    which.why = why;
  if (which.group > 1)
    kill(-which.group, SIGKILL);
  send_signal(which.init_pidfd.get(), SIGKILL);
}

void supervisor::close_shell_of(shell& which) {
  which.closing = true;
  if (which.now == stage::ended)
    erase(which.number);
  else
    kill_shell_of(which, "");
}

void supervisor::erase(uint64_t number) {
  shells_.erase(number);
}

void supervisor::move_frames(uint64_t number, source kind) {
  auto found = shells_.find(number);
  if (found == shells_.end() || !found->second.frames)
    return;
  auto& each = found->second;
  if (kind == source::worker) {
    each.frames->worker_ready();
    note_running(each);
  } else {
    move_from_server(each);
  }
  if (each.now == stage::ended && !each.frames->worker_closed())
    each.frames->worker_ready(); // room may have been made for the rest
  if (!each.frames->problem().empty())
    kill_shell_of(each, each.frames->problem().c_str());
  if (each.frames->worker_closed() && each.frames->is_drained())
    each.frames->detach();
  watch_shell(each);
}

// --- the warm interpreters

void supervisor::read_zygote(size_t index) {
  auto& from = *zygotes_[index];
  while (auto message = from.control().receive())
    handle_zygote(index, std::move(*message));
  if (!from.control().is_open() && from.now() != zygote::stage::down)
    lose_zygote(index, "");
}

void supervisor::handle_zygote(size_t index, channel_message message) {
  auto& from = *zygotes_[index];
  auto operation = text_in(message.value, "op");
  if (operation == "ready") {
    from.become_ready(message.value);
    tell(from.report());
    serve_asked(index);
    return;
  }
  auto* which = find(message.value);
  if (which == nullptr || which->python != from.name())
    return;
  if (operation == "started" && which->now == stage::forking)
    note_started(*which, std::move(message));
  else if (operation == "failed" && which->now == stage::forking)
    fail_start(which->number, text_in(message.value, "why"));
  else if (operation == "ended" && which->now == stage::live)
    note_end(*which, number_in(message.value, "status", 0));
}

void supervisor::lose_zygote(size_t index, std::string why) {
  auto& lost = *zygotes_[index];
  lost.end(std::move(why), clock::now());
  log(log_level::warning, "the warm interpreter " + lost.name() + " ended: " + lost.why());
  tell(lost.report());
  std::vector<uint64_t> unstarted;
  for (auto& [number, each] : shells_) {
    if (each.python != lost.name() || each.now == stage::ended)
      continue;
    if (each.now < stage::live) {
      unstarted.push_back(number);
    } else {
      each.why = each.why.empty() ? "interpreter" : each.why;
      unstarted.push_back(number);
    }
  }
  for (auto number : unstarted) {
    auto& each = shells_[number];
    if (each.now < stage::live)
      fail_start(number, lost.why());
    else
      note_end(each, SIGKILL);
  }
}

void supervisor::serve_asked(size_t index) {
  auto& by = *zygotes_[index];
  if (by.now() != zygote::stage::ready)
    return;
  std::vector<std::pair<uint64_t, std::string>> failed;
  for (auto& [number, each] : shells_) {
    if (each.now != stage::asked || each.python != by.name())
      continue;
    if (each.files != shell::room::made) {
      if (std::exchange(each.files, shell::room::wanted) == shell::room::none)
        maker_.make(number, each.workspace, maps_users_ ? user_of_shell(number) : 0);
      continue;
    }
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      failed.emplace_back(number, text_of(system_failure("no socket for a shell")));
      continue;
    }
    each.frames = std::make_unique<relay>(descriptor{ends[0]}, settings_.shell, journals_);
    descriptor theirs{ends[1]};
    struct stat end{};
    if (fstat(theirs.get(), &end) == 0)
      each.channel = end.st_ino;
    auto seen = settings_.shell.sandbox ? std::filesystem::path{"/workspaces"} : settings_.workspaces();
    json message{{"op", "start"},
                 {"shell", number},
                 {"workspace", (seen / each.workspace).string()},
                 {"less_memory", settings_.shell.memory_bytes_max - each.memory}};
    if (each.mount) {
      message["user"] = user_of_shell(number);
      by.control().send(message, {theirs.get(), std::exchange(each.mount, {}).get()});
    } else {
      by.control().send(message, {theirs.get()});
    }
    each.now = stage::forking;
  }
  for (auto& [number, why] : failed)
    fail_start(number, why);
}

void supervisor::take_made() {
  for (auto& each : maker_.take()) {
    auto found = shells_.find(each.shell);
    if (found == shells_.end())
      continue;
    found->second.files = shell::room::made;
    found->second.usage = each.usage;
    found->second.mount = std::move(each.mount);
    if (each.problem)
      fail_start(each.shell, text_of(each.problem));
    else
      serve_asked(zygote_of(found->second.python));
  }
}

void supervisor::fail_start(uint64_t number, const std::string& why) {
  auto found = shells_.find(number);
  if (found == shells_.end())
    return;
  if (found->second.request)
    tell({{"op", "failed"}, {"request", *found->second.request}, {"why", why}});
  erase(number);
}

void supervisor::note_started(shell& which, channel_message message) {
  which.now = stage::live;
  if (message.descriptors.size() == 2) {
    which.init_pidfd = std::move(message.descriptors[0]);
    which.python_pidfd = std::move(message.descriptors[1]);
  }
  which.init = pid_of(which.init_pidfd.get());
  if (!settings_.shell.sandbox)
    which.group = which.init;
  // Before its first cell.
  auto python = pid_of(which.python_pidfd.get());
  if (cgroups_ && server_.is_open()) {
    which.has_cgroup = which.is_counted = cgroups_->add(which.number, limits_of(which), {which.init, python});
    if (!which.has_cgroup)
      log(log_level::warning, "a shell could not be put into a cgroup; its processes are limited one by one");
  }
  workspaces_.begin({which.number, which.user, which.chat, which.workspace, which.left, which.usage, which.init, python,
                     descriptor{fcntl(which.python_pidfd.get(), F_DUPFD_CLOEXEC, 0)}, which.channel, which.quota});
  auto request = std::exchange(which.request, std::nullopt);
  if (which.closing || !request)
    kill_shell_of(which, "");
  else
    hand_over(which, *request);
  watch_shell(which);
}

void supervisor::note_end(shell& which, int status) {
  if (which.group > 1)
    kill(-which.group, SIGKILL); // what it left behind
  if (which.why.empty() && was_killed(status) && which.has_cgroup && cgroups_->memory_kills(which.number) > 0)
    which.why = "memory";
  if (cgroups_ && !cgroups_->remove(which.number))
    has_leftover_groups_ = true;
  which.now = stage::ended;
  workspaces_.end(which.number);
  which.status = status;
  which.frames->worker_ended();
  tell({{"op", "ended"}, {"shell", which.number}, {"status", status}, {"why", which.why}});
  auto number = which.number;
  bool unwanted = which.closing || (!server_.is_open() && which.frames->cells().empty());
  move_frames(number, source::worker);
  if (unwanted)
    erase(number);
}

} // namespace varro
