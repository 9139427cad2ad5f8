#include "shell/supervisor/workspace_maker.hpp"

#include "shell/supervisor/shell_users.hpp"
#include "shell/supervisor/workspace_watch.hpp"
#include "shell/supervisor/zygote.hpp"

#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace varro {

workspace_maker::workspace_maker(std::filesystem::path workspaces, const shell_config& limits)
  : workspaces_(std::move(workspaces)), files_max_(workspace_watch::files_counted(limits)),
    made_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_([this] { run(); }) {
  // nop
}

workspace_maker::~workspace_maker() {
  {
    std::lock_guard guard{mutex_};
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

std::vector<made_workspace> workspace_maker::take() {
  uint64_t count = 0;
  (void)!read(made_event_.get(), &count, sizeof count);
  std::lock_guard guard{mutex_};
  return std::exchange(made_, {});
}

void workspace_maker::make(uint64_t shell, std::string name, uid_t user) {
  {
    std::lock_guard guard{mutex_};
    wanted_.push_back({shell, std::move(name), user});
  }
  changed_.notify_one();
}

void workspace_maker::run() {
  std::unique_lock guard{mutex_};
  for (;;) {
    changed_.wait(guard, [this] { return ending_ || !wanted_.empty(); });
    if (ending_)
      return;
    auto next = std::move(wanted_.front());
    wanted_.pop_front();
    guard.unlock();
    made_workspace made{next.shell, {}, {}, prepare_workspace(workspaces_, next.name)};
    if (!made.problem && next.user != 0) {
      auto mount = mount_for(workspaces_ / next.name, next.user);
      made.problem = mount ? caf::error{} : mount.error();
      made.mount = mount ? std::move(*mount) : descriptor{};
    }
    if (!made.problem)
      made.usage = measure_workspace(workspaces_ / next.name, files_max_);
    guard.lock();
    made_.push_back(std::move(made));
    uint64_t one = 1;
    (void)!write(made_event_.get(), &one, sizeof one);
  }
}

} // namespace varro
