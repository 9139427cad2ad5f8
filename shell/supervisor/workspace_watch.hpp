// Holds the workspaces of all shells to their quotas, on a thread of its own: what a shell can fill, hide or rename is
// not looked at on the thread that relays frames.
//
// Every few milliseconds the thread asks the file system how much is free. When that has fallen by what a shell's quota
// leaves, the shell may be who wrote it: its processes are stopped, its workspace is measured, and they go on, unless
// it is over. So no shell gets past its quota by much more than it writes between two looks, in whatever way it hides
// what it writes. Between that, running shells are measured once a second, so that the server learns what they hold.
//
// A running cell that is over its quota is reported first; its processes stand still until the server has interrupted
// it. One that writes on is ended with its shell, and so is one whose files have no name, which nobody could delete,
// and whatever writes beyond the quota while no cell runs.
#pragma once

#include "base/descriptor.hpp"
#include "config/config.hpp"
#include "shell/supervisor/stopped_processes.hpp"
#include "workspace/usage.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace varro {

struct workspace_report {
  enum class kind : uint8_t {
    usage, // what it holds has changed
    over,  // the running cell is to be stopped, for this reason
    end,   // the shell is to be ended: "workspace quota" or "user quota"
  };
  kind what = kind::usage;
  uint64_t shell = 0;
  int64_t user = 0, chat = 0;
  size_t bytes = 0;
  std::string why;
};

struct watched_shell {
  uint64_t number = 0;
  int64_t user = 0, chat = 0;
  std::string workspace; // its name
  size_t left = 0;       // of the user's quota, for this workspace
  workspace_usage usage; // of its workspace, before the shell could write
  pid_t init = -1, python = -1;
  descriptor python_handle; // a pidfd
  ino_t channel = 0;        // of its socket to us
  std::string quota = {};   // quota_left::user_quota
};

// The functions may be called on one thread; none waits for a look.
class workspace_watch {
public:
  // What a shell that is to be stopped may write until it is ended.
  static constexpr size_t grace_bytes = 8u << 20;

  // Files that a look at a workspace counts: more than its quota, so that one that is over can be seen to grow.
  static size_t files_counted(const shell_config& limits) noexcept {
    return 4 * static_cast<size_t>(limits.workspace_files_max);
  }

  workspace_watch(std::filesystem::path workspaces, const shell_config& limits);
  ~workspace_watch();
  workspace_watch(const workspace_watch&) = delete;

  // Readable when there are reports.
  int fd() const noexcept {
    return reported_.get();
  }
  std::vector<workspace_report> take();

  void begin(watched_shell shell);
  void allow(uint64_t shell, size_t left, std::string quota = {});
  void note_cell(uint64_t shell, bool running);
  // The shell's processes are gone; its workspace is measured once more.
  void end(uint64_t shell);
  // Without a server the thread interrupts cells itself. A new one is told again what the workspaces hold.
  void note_server(bool is_there);

private:
  using clock = std::chrono::steady_clock;

  // Of the file system that holds the workspaces.
  struct space {
    size_t bytes = 0, files = 0; // free
  };
  struct place;

  void change(std::function<void()> what);
  void run();
  void take_changes();
  void look_at_space();
  void look_at(place& each);
  std::chrono::milliseconds pause() const;
  static bool share_quota(const place& one, const place& other);
  size_t left_for(const place& each) const;
  void set_left(place& each, size_t left);
  size_t budget_of(const place& each) const;
  size_t fall_of(const place& each, space free) const;
  bool may_have_written(place& each);
  void begin_walk(place& each, bool stopped);
  bool walk_on();
  void finish_walk(place& each);
  void set_base(place& each, space free, const workspace_usage& usage);
  void judge(place& each, const workspace_usage& named, bool stopped);
  void hold_on(place& each);
  void tell_usage(place& each, bool at_end);
  void report(const place& each, workspace_report::kind what, std::string why = {});

  const std::filesystem::path workspaces_;
  const shell_config limits_;
  const size_t processes_max_;
  descriptor reported_, changed_;

  std::mutex mutex_;
  std::vector<std::function<void()>> changes_; // guarded by mutex_
  std::vector<workspace_report> reports_;      // guarded by mutex_
  bool ending_ = false;                        // guarded by mutex_

  // The thread's own.
  std::map<uint64_t, place> places_;
  space free_;
  uint64_t looks_ = 0; // that gave a workspace a new base
  bool has_server_ = false;

  std::thread thread_; // the last, so that all else is there when it begins
};

} // namespace varro
