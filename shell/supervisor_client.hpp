// The server's side of varro-shells: finds it or starts it, asks it for shells, hears what becomes of them.
//
// One thread of its own does all the waiting. Functions may be called from any thread and never block; answers and news
// come to the listener, on the client's thread. After `lost` nothing more comes; make another client to try again.
#pragma once

#include "base/descriptor.hpp"
#include "base/json.hpp"
#include "shell/shell_process.hpp"
#include "shell/supervisor/settings.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace varro {

struct live_cell {
  uint64_t id = 0;
  std::string tag;
  bool done = false;
  int64_t started_at_ms = 0; // since 1970
};

struct preload_problem {
  std::string package, error;
};

struct shell_event {
  enum class kind : uint8_t {
    started,     // request, process, has_cgroup, memory
    failed,      // request, why
    ended,       // shell, status, why
    found,       // shell, chat, user, python, cells, has_ended, status, why: it was there before this server
    census,      // all that were there have been told
    over,        // shell, why, a sentence: the running cell uses too much and is to be stopped
    usage,       // shell, chat, user, bytes: what its workspace holds has changed
    interpreter, // python, state, version, problems, why
    older,       // version, has_same_settings: what was there before this server is not what is installed, or has
                 // other settings; before census
    refused,     // why, chats: one that was there could not be taken over and is ended; another one is started
    lost,        // why; varro-shells is gone, and all shells with it
  };
  kind what = kind::lost;
  uint64_t request = 0;
  uint64_t shell = 0;
  int64_t chat = 0;
  int64_t user = 0;
  int64_t bytes = 0;
  size_t memory = 0;       // that the shell may have; 0: it does not say
  shell_process process;   // the receiver owns its descriptors
  bool has_cgroup = false; // the shell as a whole is limited, not only each process
  bool has_ended = false;
  int status = 0; // as of waitpid, for the sandbox's first process
  // ended: "", "memory", "output", "protocol" or "interpreter"; else a sentence.
  std::string why;
  std::vector<live_cell> cells; // not acknowledged
  std::string python, state, version;
  bool has_same_settings = false;
  std::vector<int64_t> chats; // whose shells have ended
  std::vector<preload_problem> problems;
};

class supervisor_client {
public:
  using listener = std::function<void(shell_event)>;

  supervisor_client(supervisor_settings settings, listener listener);
  ~supervisor_client(); // leaves; the shells stay unless end() was called
  supervisor_client(const supervisor_client&) = delete;

  // `left`: bytes that the user's quota leaves for this workspace; `quota`: which one, as quota_left::user_quota.
  // `memory`: bytes that the shell may have, at most shell.memory_bytes_max; 0: that.
  void start(uint64_t request, int64_t user, int64_t chat, const std::string& workspace, const std::string& python,
             size_t left, const std::string& quota = {}, size_t memory = 0);
  void allow(uint64_t shell, size_t left, const std::string& quota = {});
  void attach(uint64_t request, uint64_t shell);
  void acknowledge(uint64_t shell, uint64_t cell);
  void close(uint64_t shell);
  // A frame for the shell's worker, with a descriptor that goes along.
  void send_frame(uint64_t shell, json frame, descriptor attachment);
  // Ends all shells and varro-shells; `lost` follows when nothing of them is left.
  void end();

private:
  class worker;
  std::unique_ptr<worker> worker_;
};

} // namespace varro
