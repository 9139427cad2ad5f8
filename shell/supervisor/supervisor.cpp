#include "shell/supervisor/supervisor.hpp"

#include "config/log.hpp"
#include "shell/supervisor/process_tree.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

namespace varro {

namespace {

constexpr int events_max = 64; // taken from the kernel at once
constexpr uint64_t id_bits = 56;
constexpr size_t own_processes = 2; // of a shell: the first process and Python
constexpr size_t own_threads = 3;   // the first process's, Python's, and the one that reads what a cell prints

// A path of any length: the socket's directory is entered by its descriptor.
caf::expected<sockaddr_un> address_of(const std::filesystem::path& socket, const descriptor& directory) {
  if (!directory)
    return system_failure("the data directory " + socket.parent_path().string());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory.get(),
                socket.filename().c_str());
  return address;
}

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

template <class T>
T number_in(const json& message, const char* key, T otherwise) {
  auto found = message.find(key);
  return found != message.end() && found->is_number_integer() ? found->get<T>() : otherwise;
}

std::string text_in(const json& message, const char* key) {
  auto found = message.find(key);
  return found != message.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

} // namespace

supervisor::supervisor(supervisor_settings settings) : settings_(std::move(settings)) {
  epoll_ = descriptor{epoll_create1(EPOLL_CLOEXEC)};
  timer_ = descriptor{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  itimerspec second{{1, 0}, {1, 0}};
  timerfd_settime(timer_.get(), 0, &second, nullptr);
  watch(timer_watch_, timer_.get(), EPOLLIN, source::timer, 0);
  for (auto& python : settings_.shell.all_interpreters())
    zygotes_.push_back(std::make_unique<zygote>(settings_, python));
  zygote_watches_.resize(zygotes_.size());
  log_watches_.resize(zygotes_.size());
  if (settings_.shell.sandbox)
    cgroups_ = cgroup_tree::take_over();
}

caf::error supervisor::listen() {
  descriptor directory{open(settings_.data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  auto address = address_of(settings_.socket(), directory);
  if (!address)
    return address.error();
  auto* name = reinterpret_cast<sockaddr*>(&*address);
  descriptor other{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (connect(other.get(), name, sizeof *address) == 0)
    return fail(errc::shell_unavailable, "another varro-shells answers at " + settings_.socket().string());
  unlink(settings_.socket().c_str());
  listener_ = descriptor{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  auto mask = umask(0177);
  bool bound = bind(listener_.get(), name, sizeof *address) == 0;
  umask(mask);
  if (!bound || ::listen(listener_.get(), 4) != 0)
    return system_failure("the socket " + settings_.socket().string() + " could not be made");
  watch(listener_watch_, listener_.get(), EPOLLIN, source::listener, 0);
  return caf::none;
}

int supervisor::run() {
  tick();
  while (running_) {
    epoll_event events[events_max];
    int count = epoll_wait(epoll_.get(), events, events_max, -1);
    for (int i = 0; i < count && running_; ++i)
      dispatch(static_cast<source>(events[i].data.u64 >> id_bits), events[i].data.u64 & ((1ull << id_bits) - 1),
               events[i].events);
    watch_channels();
  }
  unlink(settings_.socket().c_str());
  listener_.reset();
  zygotes_.clear(); // and every shell with them
  return 0;
}

void supervisor::watch(watched& what, int fd, uint32_t events, source kind, uint64_t id) {
  if (fd == what.fd && (fd < 0 || events == what.events))
    return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<uint64_t>(kind) << id_bits | id;
  // A closed descriptor has left epoll by itself, and its number may already be another one's.
  if (fd >= 0 && (fd != what.fd || epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0)
      && epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0 && errno == EEXIST)
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
  what = {fd, events};
}

void supervisor::watch_shell(shell& of) {
  if (!of.frames)
    return;
  watch(of.worker, of.frames->worker_fd(), of.frames->worker_interest(), source::worker, of.number);
  watch(of.stream, of.frames->server_fd(), of.frames->server_interest(), source::stream, of.number);
}

void supervisor::watch_channels() {
  auto interest = [](const channel& of) { return EPOLLIN | (of.wants_write() ? EPOLLOUT : 0u); };
  watch(server_watch_, server_.fd(), interest(server_), source::server, 0);
  for (size_t i = 0; i < zygotes_.size(); ++i) {
    auto& control = zygotes_[i]->control();
    watch(zygote_watches_[i], control.fd(), interest(control), source::zygote, i);
    watch(log_watches_[i], zygotes_[i]->log_fd(), EPOLLIN, source::zygote_log, i);
  }
}

void supervisor::dispatch(source kind, uint64_t id, uint32_t events) {
  switch (kind) {
  case source::listener:
    accept_server();
    break;
  case source::server:
    if (events & EPOLLOUT)
      server_.flush();
    read_server();
    break;
  case source::zygote:
    if (events & EPOLLOUT)
      zygotes_[id]->control().flush();
    read_zygote(id);
    break;
  case source::zygote_log:
    zygotes_[id]->read_log();
    break;
  case source::worker:
  case source::stream:
    move_frames(id, kind);
    break;
  case source::timer: {
    uint64_t count = 0;
    (void)!read(timer_.get(), &count, sizeof count);
    tick();
    break;
  }
  }
}

void supervisor::tick() {
  auto now = clock::now();
  for (size_t i = 0; i < zygotes_.size(); ++i) {
    auto& each = *zygotes_[i];
    if (each.may_start(now)) {
      each.start(now);
      tell(each.report());
      if (each.now() == zygote::stage::down)
        lose_zygote(i, each.why());
    } else if (each.now() == zygote::stage::warming && now - each.since() > settings_.shell.start_max) {
      lose_zygote(i, "it was not ready in time");
    }
  }
  std::vector<uint64_t> late;
  for (auto& [number, each] : shells_)
    if (each.now < stage::live && now - each.since > settings_.shell.start_max)
      late.push_back(number);
  for (auto number : late)
    fail_start(number, "the warm interpreter did not answer in time");
  watch_memory();
  if (!server_.is_open() && now - alone_since_ > settings_.shell.orphan) {
    log(log_level::info, "no server came back; ending all shells");
    running_ = false;
  }
  watch_channels();
}

// Where no cgroup does it. A shell that grows by gigabytes within a second is stopped by the limit of each process.
void supervisor::watch_memory() {
  const auto& limits = settings_.shell;
  auto processes_max = static_cast<size_t>(limits.processes_max) + own_processes;
  for (auto& [number, each] : shells_) {
    if (each.now != stage::live || each.has_cgroup)
      continue;
    bool running = each.frames->is_running();
    if (!running && !each.is_watched)
      continue;
    auto usage = usage_of(each.init, processes_max);
    // Pages shared with the warm interpreter are counted here, so that most shells need no closer look.
    if (usage.resident_bytes > limits.memory_bytes_max
        && own_bytes_of(each.init, processes_max) > limits.memory_bytes_max)
      kill_shell_of(each, "memory");
    each.is_watched = running || usage.processes > own_processes || usage.threads > own_threads;
  }
}

void supervisor::accept_server() {
  descriptor socket{accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  ucred peer{};
  socklen_t size = sizeof peer;
  if (!socket || getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid())
    return;
  char byte = 0;
  if (server_.is_open() && recv(server_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0)
    return; // one at a time; the one that is there has not gone
  lose_server();
  server_ = channel{std::move(socket)};
  greeted_ = false;
}

void supervisor::lose_server() {
  if (server_.is_open())
    server_.close();
  alone_since_ = clock::now();
  std::vector<uint64_t> useless;
  for (auto& [number, each] : shells_) {
    if (each.now < stage::live)
      each.closing = true; // nobody learnt of it
    else if (each.now == stage::ended && (each.closing || each.frames->cells().empty()))
      useless.push_back(number);
    else
      each.frames->detach();
    watch_shell(each);
  }
  for (auto number : useless)
    erase(number);
}

void supervisor::read_server() {
  while (auto message = server_.receive())
    handle(message->value);
  if (!server_.is_open())
    lose_server();
}

void supervisor::handle(const json& message) {
  auto operation = text_in(message, "op");
  if (operation == "hello") {
    say_hello();
  } else if (operation == "start") {
    start_shell(message);
  } else if (operation == "attach") {
    attach_shell(message);
  } else if (operation == "ack") {
    if (auto* found = find(message); found != nullptr && found->frames) {
      found->frames->acknowledge(number_in<uint64_t>(message, "cell", 0));
      watch_shell(*found);
    }
  } else if (operation == "frame") {
    pass_frame(message);
  } else if (operation == "close") {
    if (auto* found = find(message))
      close_shell_of(*found);
  } else if (operation == "end") {
    running_ = false;
  }
}

// Before its hello a server would take anything else for the answer.
void supervisor::tell(const json& message, std::initializer_list<int> descriptors) {
  if (greeted_)
    server_.send(message, descriptors);
}

void supervisor::say_hello() {
  greeted_ = true;
  tell({{"op", "hello"},
                {"protocol", supervisor_protocol},
                {"fingerprint", fingerprint_of(settings_)},
                {"pid", static_cast<int64_t>(getpid())}});
  for (const auto& each : zygotes_)
    tell(each->report());
  for (auto& [number, each] : shells_) {
    if (each.now < stage::live || each.closing)
      continue;
    // What the former server sent before it went is still in the stream's buffer.
    each.frames->server_ready();
    watch_shell(each);
    tell(describe(each));
  }
  tell({{"op", "census"}});
}

json supervisor::describe(const shell& of) const {
  json value{{"op", "shell"}, {"shell", of.number}, {"chat", of.chat}, {"python", of.python}};
  value["status"] = of.now == stage::ended ? json(of.status) : json(nullptr);
  value["why"] = of.why;
  value["cells"] = json::array();
  for (const auto& cell : of.frames->cells())
    value["cells"].push_back(
      {{"id", cell.id},
       {"tag", cell.tag},
       {"done", cell.done},
       {"started_at_ms",
        std::chrono::duration_cast<std::chrono::milliseconds>(cell.started.time_since_epoch()).count()}});
  return value;
}

supervisor::shell* supervisor::find(const json& message) {
  auto found = shells_.find(number_in<uint64_t>(message, "shell", 0));
  return found == shells_.end() ? nullptr : &found->second;
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
  made.chat = number_in<int64_t>(message, "chat", 0);
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

// The file is opened here, because a shell must not be able to choose it. Without one the worker says that it failed.
void supervisor::pass_frame(const json& message) {
  auto* found = find(message);
  auto frame = message.find("frame");
  if (found == nullptr || !found->frames || frame == message.end() || !frame->is_object())
    return;
  auto directory = settings_.data_dir / "snapshots";
  mkdir(directory.c_str(), 0700);
  auto path = directory / (std::to_string(found->chat) + ".snap");
  int flags = text_in(message, "file") == "write" ? O_RDWR | O_CREAT : O_RDONLY;
  found->frames->inject(*frame, descriptor{open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0600)});
  watch_shell(*found);
}

void supervisor::hand_over(shell& to, const json& request) {
  auto stream = to.frames->attach();
  if (!stream || !to.init_pidfd || !to.python_pidfd) {
    tell({{"op", "failed"}, {"request", request}, {"why", "no descriptors are left"}});
    kill_shell_of(to, "");
    return;
  }
  tell({{"op", "started"}, {"request", request}, {"shell", to.number}, {"group", to.group}},
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
  if (which.init_pidfd)
    syscall(SYS_pidfd_send_signal, which.init_pidfd.get(), SIGKILL, nullptr, 0);
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
  if (kind == source::worker)
    each.frames->worker_ready();
  else
    each.frames->server_ready();
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
    int ends[2];
    auto problem = prepare_workspace(settings_.workspaces(), each.workspace);
    if (!problem && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      problem = system_failure("no socket for a shell");
    if (problem) {
      failed.emplace_back(number, text_of(problem));
      continue;
    }
    each.frames = std::make_unique<relay>(descriptor{ends[0]}, settings_.shell);
    descriptor theirs{ends[1]};
    auto seen = settings_.shell.sandbox ? std::filesystem::path{"/workspaces"} : settings_.workspaces();
    by.control().send({{"op", "start"}, {"shell", number}, {"workspace", (seen / each.workspace).string()}},
                      {theirs.get()});
    each.now = stage::forking;
  }
  for (auto& [number, why] : failed)
    fail_start(number, why);
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
  if (cgroups_) {
    which.has_cgroup = cgroups_->add(which.number, settings_.shell, {which.init, python});
    if (!which.has_cgroup)
      cgroups_->remove(which.number);
  }
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
  if (which.has_cgroup) {
    if (which.why.empty() && cgroups_->ran_out_of_memory(which.number))
      which.why = "memory";
    cgroups_->remove(which.number);
  }
  which.now = stage::ended;
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
