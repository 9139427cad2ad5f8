// A warm interpreter as varro-shells holds it: started in its outer sandbox, asked for shells, started again when it
// dies.
//
// All calls on one thread; none blocks longer than a fork.
#pragma once

#include "base/descriptor.hpp"
#include "shell/channel.hpp"
#include "shell/launch.hpp"
#include "shell/supervisor/settings.hpp"

#include <chrono>
#include <string>

namespace varro {

class zygote {
public:
  using clock = std::chrono::steady_clock;
  enum class stage : uint8_t { down, warming, ready };

  // `maps_users`: its shells may have host users of their own (shell_users.hpp).
  zygote(const supervisor_settings& settings, interpreter_config python, bool maps_users);
  ~zygote(); // ends the process

  // Starts the process, unless it was started less than the back-off ago. False when it could not be started: why()
  // says.
  void start(clock::time_point now);
  bool may_start(clock::time_point now) const noexcept;
  // The process is gone, or has to go: everything in it ends. The back-off grows until one becomes ready.
  void end(std::string why, clock::time_point now);
  void become_ready(const json& message);

  const std::string& name() const noexcept {
    return python_.name;
  }
  stage now() const noexcept {
    return stage_;
  }
  // When the current stage began.
  clock::time_point since() const noexcept {
    return since_;
  }
  const std::string& why() const noexcept {
    return why_;
  }
  channel& control() noexcept {
    return control_;
  }
  int log_fd() const noexcept {
    return log_.get();
  }
  // What it printed; called when log_fd() can be read. False at its end.
  bool read_log();
  // {"op":"zygote", python, state, version, problems, why}
  json report() const;

private:
  const supervisor_settings& settings_;
  interpreter_config python_;
  bool maps_users_;
  stage stage_ = stage::down;
  clock::time_point since_{};
  launched_process process_;
  channel control_;
  descriptor log_;
  std::string log_text_; // the last of it
  std::string version_, why_;
  json problems_ = json::array();
  int failures_ = 0;
};

// The directory that holds all workspaces, made if it is missing: entered, not listed, by whom it is not.
caf::error prepare_workspaces(const std::filesystem::path& workspaces);
// The shell's workspace directory, made if it is missing and given to shell_user(), with what lies in it.
caf::error prepare_workspace(const std::filesystem::path& workspaces, const std::string& name);

} // namespace varro
