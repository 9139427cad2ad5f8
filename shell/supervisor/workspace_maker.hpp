// Makes workspaces ready for shells and measures them, on a thread of its own: in one with very many files that takes a
// while.
#pragma once

#include "base/descriptor.hpp"
#include "base/errors.hpp"
#include "config/config.hpp"
#include "workspace/usage.hpp"

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace varro {

struct made_workspace {
  uint64_t shell = 0;
  workspace_usage usage; // before the shell can write
  descriptor mount;      // for a host user of its own
  caf::error problem;
};

// The functions may be called on one thread; none waits.
class workspace_maker {
public:
  workspace_maker(std::filesystem::path workspaces, const shell_config& limits);
  ~workspace_maker();
  workspace_maker(const workspace_maker&) = delete;

  // Readable when some are made.
  int fd() const noexcept {
    return made_event_.get();
  }
  std::vector<made_workspace> take();
  // See prepare_workspace() and, for a host user of its own, which is not 0, mount_for().
  void make(uint64_t shell, std::string name, uid_t user);

private:
  struct wanted {
    uint64_t shell = 0;
    std::string name;
    uid_t user = 0;
  };

  void run();

  const std::filesystem::path workspaces_;
  const size_t files_max_; // that are counted
  descriptor made_event_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<wanted> wanted_;        // guarded by mutex_
  std::vector<made_workspace> made_; // guarded by mutex_
  bool ending_ = false;              // guarded by mutex_
  std::thread thread_;               // the last, so that all else is there when it begins
};

} // namespace varro
