#include "shell/supervisor_client.hpp"

#include "base/descriptor.hpp"
#include "base/log.hpp"
#include "shell/channel.hpp"
#include "shell/launch.hpp"
#include "shell/message_fields.hpp"
#include "shell/running_supervisor.hpp"
#include "shell/takeover.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

constexpr int hello_max_ms = 10'000; // for an answer of a varro-shells that is already there
constexpr int end_max_ms = 10'000;
constexpr std::chrono::milliseconds kill_max{1'000};
constexpr int connects_max = 3;             // until one is there that this server can work with
constexpr size_t former_chats_max = 10'000; // that are told of when their shells are ended

caf::expected<launched_process> start_supervisor(const supervisor_settings& settings) {
  std::error_code problem;
  fs::create_directories(settings.data_dir, problem);
  launch_plan plan;
  plan.arguments = {supervisor_program().string(), to_json(settings).dump()};
  auto log_path = settings.data_dir / "shells.log";
  descriptor null{open("/dev/null", O_RDWR | O_CLOEXEC)};
  descriptor log{open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!log)
    return system_failure("the file " + log_path.string() + " could not be made");
  descriptor log_again{fcntl(log.get(), F_DUPFD_CLOEXEC, 0)};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return system_failure("no pipe for varro-shells");
  descriptor reading{ends[0]};
  plan.descriptors.push_back(std::move(null));
  plan.descriptors.push_back(std::move(log));
  plan.descriptors.push_back(std::move(log_again));
  plan.descriptors.push_back(descriptor{ends[1]});
  auto process = launch(std::move(plan));
  if (!process)
    return process.error();
  char text[512];
  auto size = read(reading.get(), text, sizeof text);
  if (size != 0) {
    waitpid(process->pid, nullptr, 0);
    return fail(errc::shell_unavailable,
                "varro-shells did not start: " + std::string(text, size > 0 ? static_cast<size_t>(size) : 0));
  }
  return process;
}

std::optional<shell_event> event_of(channel_message& message) {
  static const std::map<std::string, shell_event::kind> kinds{
    {"started", shell_event::kind::started}, {"failed", shell_event::kind::failed},
    {"ended", shell_event::kind::ended},     {"over", shell_event::kind::over},
    {"shell", shell_event::kind::found},     {"census", shell_event::kind::census},
    {"usage", shell_event::kind::usage},     {"zygote", shell_event::kind::interpreter}};
  const auto& value = message.value;
  auto kind = kinds.find(text_in(value, "op"));
  if (kind == kinds.end())
    return std::nullopt;
  shell_event event;
  event.what = kind->second;
  event.request = number_in<uint64_t>(value, "request");
  event.shell = number_in<uint64_t>(value, "shell");
  event.chat = number_in(value, "chat");
  event.memory = number_in<size_t>(value, "memory");
  event.user = number_in(value, "user");
  event.bytes = number_in(value, "bytes");
  event.has_cgroup = value.value("cgroup", false);
  event.has_ended = value.contains("status") && value["status"].is_number_integer();
  event.status = number_in<int>(value, "status");
  event.why = text_in(value, "why");
  event.python = text_in(value, "python");
  event.state = text_in(value, "state");
  event.version = text_in(value, "version");
  for (const auto& cell : value.value("cells", json::array()))
    event.cells.push_back({number_in<uint64_t>(cell, "id"), text_in(cell, "tag"), cell.value("done", false),
                           number_in(cell, "started_at_ms")});
  for (const auto& problem : value.value("problems", json::array()))
    event.problems.push_back({text_in(problem, "package"), text_in(problem, "error")});
  if (event.what == shell_event::kind::started) {
    if (message.descriptors.size() != 3)
      return std::nullopt;
    event.process.number = event.shell;
    event.process.fd = message.descriptors[0].release();
    event.process.init_pidfd = message.descriptors[1].release();
    event.process.python_pidfd = message.descriptors[2].release();
    event.process.group = number_in<pid_t>(value, "group", -1);
  }
  return event;
}

} // namespace

class supervisor_client::worker {
public:
  worker(supervisor_settings settings, listener listener)
    : settings_(std::move(settings)), listener_(std::move(listener)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    settings_.data_dir = fs::absolute(settings_.data_dir);
    thread_ = std::thread{[this] { run(); }};
  }
  ~worker() {
    {
      std::lock_guard guard{mutex_};
      leaving_ = true;
    }
    wake();
    thread_.join();
  }

  void send(json message, descriptor attachment = {}) {
    {
      std::lock_guard guard{mutex_};
      outbox_.push_back({std::move(message), std::move(attachment)});
    }
    wake();
  }

private:
  struct outgoing {
    json value;
    descriptor attachment;
  };

  void wake() {
    uint64_t one = 1;
    (void)!write(wake_.get(), &one, sizeof one);
  }

  void run() {
    auto problem = open_channel();
    while (!problem && channel_.is_open()) {
      pollfd polled[]{{channel_.fd(), static_cast<short>(POLLIN | (channel_.wants_write() ? POLLOUT : 0)), 0},
                      {wake_.get(), POLLIN, 0}};
      if (poll(polled, 2, -1) < 0 && errno != EINTR)
        break;
      channel_.flush();
      while (auto message = channel_.receive())
        if (auto event = event_of(*message))
          listener_(std::move(*event));
      if (!send_outbox())
        break;
    }
    bool left = leaving();
    channel_.close();
    if (left)
      return;
    reap();
    shell_event lost;
    lost.what = shell_event::kind::lost;
    lost.why = problem ? text_of(problem) : "";
    listener_(std::move(lost));
  }

  // Without us it has nothing to do: it was told to end, or has already.
  void reap() {
    if (ours_.pid <= 0)
      return;
    pollfd one{ours_.pidfd.get(), POLLIN, 0};
    if (poll(&one, 1, end_max_ms) <= 0)
      kill(ours_.pid, SIGKILL);
    waitpid(ours_.pid, nullptr, 0);
    ours_ = {};
  }

  bool leaving() {
    std::lock_guard guard{mutex_};
    return leaving_;
  }

  // False when the owner is leaving, after everything was sent.
  bool send_outbox() {
    uint64_t count = 0;
    (void)!read(wake_.get(), &count, sizeof count);
    std::vector<outgoing> messages;
    bool leave = false;
    {
      std::lock_guard guard{mutex_};
      messages = std::exchange(outbox_, {});
      leave = leaving_;
    }
    for (const auto& message : messages) {
      if (message.attachment)
        channel_.send(message.value, {message.attachment.get()});
      else
        channel_.send(message.value);
    }
    return !leave || channel_.wants_write();
  }

  // Waits for what comes next; nothing after the time or at the end.
  std::optional<channel_message> next(int timeout_ms) {
    pollfd one{channel_.fd(), POLLIN, 0};
    if (poll(&one, 1, timeout_ms) <= 0)
      return std::nullopt;
    return channel_.receive();
  }

  caf::error open_channel() {
    for (int attempt = 0; attempt < connects_max; ++attempt) {
      auto connection = connect_to_supervisor(settings_);
      if (!connection) {
        auto started = start_supervisor(settings_);
        if (!started)
          return started.error();
        ours_ = std::move(*started);
        connection = connect_to_supervisor(settings_);
        if (!connection)
          return connection.error();
      }
      auto peer = peer_of(*connection);
      channel_ = channel{std::move(*connection)};
      channel_.send({{"op", "hello"}, {"protocol", protocol_version}, {"version", program_version()}});
      auto answer = next(hello_max_ms);
      auto hello = answer ? hello_in(answer->value) : std::nullopt;
      if (hello && speaks_protocol(hello->protocol)) {
        if (ours_.pid <= 0 && peer)
          tell_of_former(*hello, *peer);
        return caf::none;
      }
      if (ours_.pid > 0)
        break; // it is what is installed, and speaks otherwise
      end_former(hello, peer);
    }
    channel_.send({{"op", "end"}});
    return fail(errc::shell_unavailable, supervisor_program().string() + " is of another version than this program");
  }

  // One that is taken over: whether it goes on for good.
  void tell_of_former(const supervisor_hello& hello, const running_supervisor& peer) {
    auto theirs = hello.settings ? hello.settings : settings_of_process(peer.pid);
    shell_event older;
    older.what = shell_event::kind::older;
    older.version = hello.version;
    older.has_same_settings = theirs && are_same_settings(*theirs, to_json(settings_));
    if (!older.has_same_settings || is_of_other_program(peer.pid)
        || (!hello.version.empty() && hello.version != program_version()))
      listener_(std::move(older));
  }

  // One that this server cannot work with. It may be anything that answers there, and is not waited for for ever.
  void end_former(const std::optional<supervisor_hello>& hello, const std::optional<running_supervisor>& peer) {
    shell_event refused;
    refused.what = shell_event::kind::refused;
    refused.why = !hello ? "it does not say which protocol it speaks"
                         : "it speaks protocol " + std::to_string(hello->protocol) + ", and this server "
        + std::to_string(oldest_protocol_version) + " to " + std::to_string(protocol_version);
    log(log_level::warning, "shells of an earlier varro-shells are ended: " + refused.why);
    channel_.send({{"op", "end"}});
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{end_max_ms};
    while (channel_.is_open() && std::chrono::steady_clock::now() < until) {
      auto message = next(end_max_ms);
      if (!message)
        break;
      // Whose shells they were has been said in this way since the first protocol.
      if (text_in(message->value, "op") == "shell" && number_in(message->value, "chat") > 0
          && refused.chats.size() < former_chats_max)
        refused.chats.push_back(number_in(message->value, "chat"));
    }
    channel_.close();
    listener_(std::move(refused));
    pollfd one{peer ? peer->process.get() : -1, POLLIN, 0};
    if (one.fd >= 0 && poll(&one, 1, static_cast<int>(kill_max.count())) <= 0)
      kill_process(*peer, kill_max);
  }

  supervisor_settings settings_;
  listener listener_;
  descriptor wake_;
  channel channel_;
  launched_process ours_; // when it is our child
  std::mutex mutex_;
  std::vector<outgoing> outbox_;
  bool leaving_ = false;
  std::thread thread_;
};

supervisor_client::supervisor_client(supervisor_settings settings, listener listener)
  : worker_(std::make_unique<worker>(std::move(settings), std::move(listener))) {}

supervisor_client::~supervisor_client() = default;

void supervisor_client::start(uint64_t request, int64_t user, int64_t chat, const std::string& workspace,
                              const std::string& python, size_t left, const std::string& quota, size_t memory) {
  worker_->send({{"op", "start"},
                 {"request", request},
                 {"user", user},
                 {"chat", chat},
                 {"workspace", workspace},
                 {"python", python},
                 {"left", left},
                 {"quota", quota},
                 {"memory", memory}});
}

void supervisor_client::allow(uint64_t shell, size_t left, const std::string& quota) {
  worker_->send({{"op", "allow"}, {"shell", shell}, {"left", left}, {"quota", quota}});
}

void supervisor_client::attach(uint64_t request, uint64_t shell) {
  worker_->send({{"op", "attach"}, {"request", request}, {"shell", shell}});
}

void supervisor_client::acknowledge(uint64_t shell, uint64_t cell) {
  worker_->send({{"op", "ack"}, {"shell", shell}, {"cell", cell}});
}

void supervisor_client::close(uint64_t shell) {
  worker_->send({{"op", "close"}, {"shell", shell}});
}

void supervisor_client::send_frame(uint64_t shell, json frame, descriptor attachment) {
  worker_->send({{"op", "frame"}, {"shell", shell}, {"frame", std::move(frame)}}, std::move(attachment));
}

void supervisor_client::end() {
  worker_->send({{"op", "end"}});
}

} // namespace varro
