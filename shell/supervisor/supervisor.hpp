// varro-shells: holds the warm interpreters and every shell, and outlives the server that it works for.
//
// One thread with an epoll loop, and two that look into workspaces. The control protocol, JSON objects over
// DATA_DIR/shells.sock (shell/channel.hpp):
//   from the server
//     {"op":"hello","protocol":N,"version":V} answered by hello, the interpreters, the shells, and census
//     {"op":"start","request":R,"user":U,"chat":C,"workspace":NAME,"python":P,"left":BYTES,
//      "quota":WORDS,"memory":BYTES}       answered by started or failed; left: what the user's quota leaves for it;
//                                          quota: which one that is, where it is not shell.user_bytes_max; memory: that
//                                          the shell may have, where that is less than shell.memory_bytes_max
//     {"op":"allow","shell":S,"left":BYTES,"quota":WORDS} that has changed
//     {"op":"attach","request":R,"shell":S}                               answered by started or failed
//     {"op":"ack","shell":S,"cell":ID}     the cell's result is committed; its frames are forgotten
//     {"op":"close","shell":S}             kills it; ended follows, and then it is forgotten
//     {"op":"frame","shell":S,"frame":{…}} with a descriptor of the chat's snapshot file: both for the worker
//     {"op":"end"}                         ends all shells and varro-shells itself
//   to the server
//     {"op":"hello","protocol":N,"version":V,"settings":{…},"pid":PID}, {"op":"census"}; what N means:
//                                          shell/takeover.hpp; settings: as to_json makes them, left out when they are
//                                          long
//     {"op":"zygote","python":P,"state":"down|warming|ready","version","problems":[{"package","error"}],"why"}
//     {"op":"shell","shell":S,"user":U,"chat":C,"python":P,"status":null or
//     N,"why","cells":[{id,tag,done,started_at_ms}]}
//     {"op":"started","request":R,"shell":S,"group":PID or -1,"cgroup":BOOL} with the stream and two pidfds (init,
//                                          Python); whether it has a cgroup of its own
//     {"op":"failed","request":R,"why":TEXT}
//     {"op":"usage","shell":S,"user":U,"chat":C,"bytes":N} what its workspace holds: told when it has changed by
//                                          usage_step_bytes while a cell runs, and when it has changed at its end
//     {"op":"over","shell":S,"why":TEXT}   the running cell is to be stopped for what it uses, for the user to read
//     {"op":"ended","shell":S,"status":WAIT_STATUS,"why":"" or "memory|output|protocol|interpreter|workspace quota|
//     user quota"}
// A server that goes without "end" leaves its shells alive for shell_config::orphan.
#pragma once

#include "shell/supervisor/cgroup.hpp"
#include "shell/supervisor/relay.hpp"
#include "shell/supervisor/workspace_maker.hpp"
#include "shell/supervisor/workspace_watch.hpp"
#include "shell/supervisor/zygote.hpp"

#include <map>
#include <memory>
#include <optional>

#include <sys/epoll.h>

namespace varro {

class supervisor {
public:
  explicit supervisor(supervisor_settings settings);

  // Takes the socket's place in the data directory; an error when another one answers there.
  caf::error listen();
  // Until it is ended. The exit code.
  int run();

private:
  using clock = std::chrono::steady_clock;
  enum class source : uint8_t { listener, server, zygote, zygote_log, worker, stream, timer, workspaces, made };
  enum class stage : uint8_t { asked, forking, live, ended };

  struct shell {
    uint64_t number = 0;
    int64_t user = 0;
    int64_t chat = 0;
    std::string python, workspace;
    size_t left = 0;       // of the user's quota, for this workspace
    std::string quota;     // quota_left::user_quota
    size_t memory = 0;     // that it may have
    workspace_usage usage; // of its workspace, before it starts
    stage now = stage::asked;
    clock::time_point since{};
    std::optional<json> request; // to be answered
    std::unique_ptr<relay> frames;
    descriptor init_pidfd, python_pidfd;
    ino_t channel = 0; // of its end of the socket
    pid_t init = -1;   // as this process sees it
    pid_t group = -1;
    int status = 0;
    std::string why;
    enum class room : uint8_t { none, wanted, made } files = room::none; // its workspace
    descriptor mount;                                                    // of it, until the shell has it
    bool closing = false;                                                // nobody wants to hear more of it
    bool is_watched = false; // its memory: a cell runs, or something of one is left
    bool has_cgroup = false;
    bool is_counted = false;  // by its cgroup, since it began
    int64_t memory_kills = 0; // of its cgroup, before the running cell or told to it
    uint64_t cells_begun = 0; // when memory_kills was read
    bool was_running = false; // as the watch of workspaces knows
    uint64_t cells_seen = 0;  // a cell may begin and end between two looks
  };

  void watch(int fd, uint32_t events, source kind, uint64_t id);
  void watch_shell(shell& of);
  void watch_channels();
  void dispatch(source kind, uint64_t id, uint32_t events);
  void tick();
  void watch_memory();
  // Of this shell: the configured ones, with its own memory.
  shell_config limits_of(const shell& of) const;
  void note_begin(shell& of);
  void watch_memory_kills(shell& each);
  void limit_shells();
  void release_cgroups();
  void sweep_cgroups();
  void note_running(shell& of);
  void move_from_server(shell& which);
  void hear_of_workspaces();
  void take_made();

  void accept_server();
  void lose_server();
  void read_server();
  void handle(channel_message received);
  void tell(const json& message, std::initializer_list<int> descriptors = {});
  void say_hello();
  json describe(const shell& of) const;
  void start_shell(const json& message);
  void attach_shell(const json& message);
  void hand_over(shell& to, const json& request);
  void close_shell_of(shell& which);
  void kill_shell_of(shell& which, const char* why);

  void read_zygote(size_t index);
  void handle_zygote(size_t index, channel_message message);
  void lose_zygote(size_t index, std::string why);
  void serve_asked(size_t index);
  void note_started(shell& which, channel_message message);
  void note_end(shell& which, int status);
  void fail_start(uint64_t number, const std::string& why);
  size_t zygote_of(const std::string& name) const;

  void move_frames(uint64_t number, source kind);
  void erase(uint64_t number);
  shell* find(const json& message);

  supervisor_settings settings_;
  descriptor epoll_, timer_, listener_;
  channel server_;
  bool greeted_ = false;
  std::vector<std::unique_ptr<zygote>> zygotes_;
  std::shared_ptr<journal_room> journals_; // of all shells
  std::map<uint64_t, shell> shells_;
  bool maps_users_ = false; // each shell has a host user of its own
  workspace_watch workspaces_;
  workspace_maker maker_;
  // Never one of a former varro-shells: a server may still speak of that one's shells, to close or acknowledge them.
  uint64_t next_shell_;
  std::optional<cgroup_tree> cgroups_;
  bool has_leftover_groups_ = true; // of shells that ended, or of a former varro-shells
  clock::time_point alone_since_ = clock::now();
  bool running_ = true;
};

} // namespace varro
