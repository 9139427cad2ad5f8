// A program of ours that stands beside this one and works on what is hostile: started when it is first needed and again
// after it failed, spoken to in frames on its descriptor 0 (companion_frames.hpp). It has no environment, no other
// descriptor, and confines itself (confine.hpp). For one thread at a time, besides stop().
#pragma once

#include "base/descriptor.hpp"
#include "base/errors.hpp"
#include "shell/launch.hpp"

#include <chrono>
#include <filesystem>
#include <mutex>

namespace varro {

class companion {
public:
  // A name alone is one in the directory of this program.
  explicit companion(std::filesystem::path program);
  ~companion();
  companion(companion&&) = delete;

  // Starts it where it does not run: errc::shell_unavailable when it cannot be.
  caf::error start();
  bool runs() const {
    return static_cast<bool>(socket_);
  }
  // Our end; does not block. REQUIRES: start() succeeded, and no end() since.
  int socket() const {
    return socket_.get();
  }
  // Processor time that it has used; zero when it does not run.
  std::chrono::microseconds used() const;

  // Afterwards it does not run; the next start() makes another. `at_once`: it has no time to end by itself.
  void end(bool at_once = false);

  // For ever; what waits for it fails at once. Any thread.
  void stop();
  bool is_stopped();

private:
  std::filesystem::path program_;
  descriptor socket_;
  std::mutex mutex_;
  launched_process process_; // GUARDED_BY(mutex_), but for reads of its thread
  bool stopped_ = false;     // GUARDED_BY(mutex_)
};

} // namespace varro
