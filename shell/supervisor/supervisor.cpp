#include "shell/supervisor/supervisor.hpp"

#include "base/descriptor.hpp"
#include "base/log.hpp"
#include "shell/message_fields.hpp"
#include "shell/supervisor/shell_users.hpp"
#include "shell/takeover.hpp"
#include "workspace/owner.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
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
constexpr int gone_max_ms = 2'000; // for a shell that was killed
constexpr size_t told_settings_bytes_max = channel::message_bytes_max / 2;

// Since 1970: later than the number of any shell of an earlier varro-shells, and below 2⁵³, which every reader of JSON
// can hold.
uint64_t microseconds_now() {
  using namespace std::chrono;
  return static_cast<uint64_t>(duration_cast<microseconds>(system_clock::now().time_since_epoch()).count());
}

// Only root can. Without it all shells draw on the accounts of one user, with the bounds of shell/entry.
bool can_map_users(const std::filesystem::path& workspaces, const std::filesystem::path& bubblewrap) {
  if (shell_user() == 0)
    return false;
  auto problem = prepare_workspaces(workspaces);
  problem = problem ? problem : try_shell_users(workspaces, bubblewrap);
  log(problem ? log_level::warning : log_level::info,
      problem ? "all shells have one host user: " + text_of(problem) : "each shell has a host user of its own");
  return !problem;
}

} // namespace

supervisor::supervisor(supervisor_settings settings)
  : settings_(std::move(settings)),
    journals_(std::make_shared<journal_room>(journal_room{settings_.shell.journal_bytes_max, 0})),
    workspaces_(settings_.workspaces(), settings_.shell), maker_(settings_.workspaces(), settings_.shell),
    next_shell_(microseconds_now()) {
  epoll_ = descriptor{epoll_create1(EPOLL_CLOEXEC)};
  timer_ = descriptor{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  itimerspec second{{1, 0}, {1, 0}};
  timerfd_settime(timer_.get(), 0, &second, nullptr);
  watch(timer_.get(), EPOLLIN, source::timer, 0);
  watch(workspaces_.fd(), EPOLLIN, source::workspaces, 0);
  watch(maker_.fd(), EPOLLIN, source::made, 0);
  maps_users_ = settings_.shell.sandbox && can_map_users(settings_.workspaces(), settings_.shell.bubblewrap);
  for (auto& python : settings_.shell.all_interpreters())
    zygotes_.push_back(std::make_unique<zygote>(settings_, python, maps_users_));
  if (settings_.shell.sandbox)
    cgroups_ = cgroup_tree::take_over();
  log(log_level::info, cgroups_ ? "shells have cgroups of their own" : "no cgroup is delegated");
}

caf::error supervisor::listen() {
  descriptor directory{open(settings_.data_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!directory)
    return system_failure("the data directory " + settings_.data_dir.string());
  auto address = socket_address(settings_.socket(), directory);
  auto* name = reinterpret_cast<sockaddr*>(&address);
  descriptor other{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (connect(other.get(), name, sizeof address) == 0)
    return fail(errc::shell_unavailable, "another varro-shells answers at " + settings_.socket().string());
  unlink(settings_.socket().c_str());
  listener_ = descriptor{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  auto mask = umask(0177);
  bool bound = bind(listener_.get(), name, sizeof address) == 0;
  umask(mask);
  if (!bound || ::listen(listener_.get(), 4) != 0)
    return system_failure("the socket " + settings_.socket().string() + " could not be made");
  watch(listener_.get(), EPOLLIN, source::listener, 0);
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
  // bubblewrap ends a moment before the last of what it held; whoever waits for us wants all to be gone.
  for (const auto& [number, each] : shells_) {
    pollfd one{each.init_pidfd.get(), POLLIN, 0};
    if (each.init_pidfd)
      poll(&one, 1, gone_max_ms);
  }
  shells_.clear();
  has_leftover_groups_ = true;
  sweep_cgroups();
  release_cgroups();
  return 0;
}

// Asked of the kernel each time: a closed descriptor has left epoll by itself, and its number may be another one's.
void supervisor::watch(int fd, uint32_t events, source kind, uint64_t id) {
  if (fd < 0)
    return;
  if (events == 0) { // or it would go on telling that the other side is gone
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    return;
  }
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<uint64_t>(kind) << id_bits | id;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0)
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void supervisor::watch_shell(shell& of) {
  if (!of.frames)
    return;
  watch(of.frames->worker_fd(), of.frames->worker_interest(), source::worker, of.number);
  watch(of.frames->server_fd(), of.frames->server_interest(), source::stream, of.number);
}

void supervisor::watch_channels() {
  auto interest = [](const channel& of) { return EPOLLIN | (of.wants_write() ? EPOLLOUT : 0u); };
  watch(server_.fd(), interest(server_), source::server, 0);
  for (size_t i = 0; i < zygotes_.size(); ++i) {
    auto& control = zygotes_[i]->control();
    watch(control.fd(), interest(control), source::zygote, i);
    watch(zygotes_[i]->log_fd(), EPOLLIN, source::zygote_log, i);
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
  case source::workspaces:
    hear_of_workspaces();
    break;
  case source::made:
    take_made();
    break;
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
  server_.flush();
  for (const auto& each : zygotes_)
    each->control().flush();
  watch_memory();
  sweep_cgroups();
  if (!server_.is_open() && now - alone_since_ > settings_.shell.orphan) {
    log(log_level::info, "no server came back; ending all shells");
    running_ = false;
  }
  watch_channels();
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
}

void supervisor::lose_server() {
  if (server_.is_open())
    server_.close();
  if (std::exchange(greeted_, false)) {
    release_cgroups();
    workspaces_.note_server(false);
  }
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
    handle(std::move(*message));
  if (!server_.is_open())
    lose_server();
}

void supervisor::handle(channel_message received) {
  const auto& message = received.value;
  auto operation = text_in(message, "op");
  if (operation == "hello") {
    log(log_level::info, "a server comes: varro " + text_in(message, "version"));
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
    auto* found = find(message);
    if (found != nullptr && found->frames && !received.descriptors.empty() && message.contains("frame")) {
      found->frames->inject(message["frame"], std::move(received.descriptors.front()));
      watch_shell(*found);
    }
  } else if (operation == "allow") {
    if (auto* found = find(message)) {
      found->left = number_in<size_t>(message, "left", found->left);
      found->quota = text_in(message, "quota");
      workspaces_.allow(found->number, found->left, found->quota);
    }
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
  limit_shells();
  json hello{{"op", "hello"},
             {"protocol", protocol_version},
             {"version", program_version()},
             {"pid", static_cast<int64_t>(getpid())}};
  auto settings = to_json(settings_);
  if (settings.dump().size() <= told_settings_bytes_max)
    hello["settings"] = std::move(settings);
  tell(hello);
  for (const auto& each : zygotes_)
    tell(each->report());
  for (auto& [number, each] : shells_) {
    if (each.now < stage::live || each.closing)
      continue;
    // What the former server sent before it went is still in the stream's buffer.
    move_from_server(each);
    watch_shell(each);
    tell(describe(each));
  }
  tell({{"op", "census"}});
  workspaces_.note_server(true);
}

json supervisor::describe(const shell& of) const {
  json value{{"op", "shell"}, {"shell", of.number}, {"user", of.user}, {"chat", of.chat}, {"python", of.python}};
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

} // namespace varro
