#include "shell/diagnosis.hpp"

#include "shell/frames.hpp"
#include "shell/supervisor_client.hpp"

#include <condition_variable>
#include <fstream>
#include <limits>
#include <mutex>

#include <poll.h>
#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

// A directory that is gone when the diagnosis is over.
struct scratch_directory {
  fs::path path;
  scratch_directory() {
    auto pattern = (fs::temp_directory_path() / "varro-doctor-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr)
      path = pattern;
  }
  ~scratch_directory() {
    std::error_code ignored;
    if (!path.empty())
      fs::remove_all(path, ignored);
  }
};

constexpr auto probe = "'ready'";

int first_number_of(const char* path) {
  std::ifstream file{path};
  int value = -1;
  file >> value;
  return file ? value : -1;
}

// What came of one shell, collected from the client's thread.
class probe_listener {
public:
  void hear(shell_event event) {
    std::lock_guard guard{mutex_};
    using kind = shell_event::kind;
    if (event.what == kind::interpreter && event.state == "ready") {
      version = event.version;
      problems = std::move(event.problems);
    } else if (event.what == kind::started) {
      process = event.process;
      has_cgroup = event.has_cgroup;
    } else if (event.what == kind::failed || event.what == kind::lost) {
      why = event.why.empty() ? "varro-shells ended" : event.why;
      gone = event.what == kind::lost;
    } else {
      return;
    }
    changed_.notify_all();
  }
  template <class Done>
  bool wait(std::chrono::milliseconds time, Done done) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, time, done);
  }

  std::string version, why;
  std::vector<preload_problem> problems;
  std::optional<shell_process> process;
  bool has_cgroup = false;
  bool gone = false;

private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

// Reads frames until the cell is done, the shell is gone or the time is over.
std::optional<cell_status> run_probe(const shell_process& process, const shell_config& config) {
  frame_reader reader{config.frame_bytes_max};
  auto until = std::chrono::steady_clock::now() + config.start_max;
  for (;;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd one{process.fd, POLLIN, 0};
    if (left.count() <= 0 || poll(&one, 1, static_cast<int>(left.count())) <= 0)
      return std::nullopt;
    char bytes[4096];
    auto size = read(process.fd, bytes, sizeof bytes);
    auto frames = size > 0 ? reader.feed({bytes, static_cast<size_t>(size)}) : std::vector<worker_frame>{};
    if (size <= 0 || !frames)
      return std::nullopt;
    for (auto& frame : *frames) {
      if (std::holds_alternative<worker_ready>(frame)) {
        auto request = encode_execute(1, "", probe, config);
        if (write(process.fd, request.data(), request.size()) != static_cast<ssize_t>(request.size()))
          return std::nullopt;
      } else if (auto* done = std::get_if<worker_done>(&frame)) {
        return done->status;
      }
    }
  }
}

} // namespace

kernel_switches read_kernel_switches() {
  return {first_number_of("/proc/sys/user/max_user_namespaces"),
          first_number_of("/proc/sys/kernel/unprivileged_userns_clone"),
          first_number_of("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")};
}

std::string shell_remedy(const std::string& log, const interpreter_config& python, const kernel_switches& kernel) {
  auto says = [&log](std::string_view text) { return log.find(text) != std::string::npos; };
  if (says("No module named"))
    return "IPython is missing for " + python.path + ": apt install python3-ipython";
  if (says(python.path + " is not installed"))
    return python.path + " is missing: apt install python3";
  if (says(" is not installed"))
    return "bubblewrap is missing: apt install bubblewrap";
  if (says("Can't mount proc") || says("mount /proc: Operation not permitted"))
    return "a new /proc cannot be mounted, as is usual in containers that mask parts of /proc: run the container with "
           "an unmasked /proc (docker: --security-opt systempaths=unconfined, podman: --security-opt unmask=ALL, "
           "Kubernetes: procMount: Unmasked)";
  if (says("Can't set hostname"))
    return "the container's system-call filter refuses sethostname: allow it by a filter of your own "
           "(--security-opt seccomp=FILE, see docs/install.md)";
  if (says("pivot_root"))
    return "the container's system-call filter or AppArmor refuses pivot_root (docker: --security-opt seccomp=FILE "
           "--security-opt apparmor=unconfined, see docs/install.md)";
  if (says("separate the mounts: Operation not permitted"))
    return "root without CAP_SYS_ADMIN, as is usual in containers, cannot make a shell's mounts: run the container as "
           "another user (docker, podman: --user 1000)";
  if (says("execvp"))
    return python.path + " cannot be executed in the sandbox; is it installed (apt install python3)?";
  if (kernel.max_user_namespaces == 0)
    return "user namespaces are switched off: sysctl -w user.max_user_namespaces=10000";
  if (kernel.unprivileged_userns_clone == 0)
    return "user namespaces are switched off for users: sysctl -w kernel.unprivileged_userns_clone=1";
  if (kernel.apparmor_restrict_unprivileged_userns == 1)
    return "AppArmor restricts user namespaces, as on Ubuntu: the Debian package brings a profile that allows them "
           "(/etc/apparmor.d/varro, see docs/install.md); without it, sysctl -w "
           "kernel.apparmor_restrict_unprivileged_userns=0";
  if (says("amespace"))
    return "namespaces cannot be created; in a container, allow them by a system-call filter of your own "
           "(docker: --security-opt seccomp=FILE, see docs/install.md)";
  if (says("nknown option"))
    return "bubblewrap is too old; version 0.8 or later is needed: apt install bubblewrap";
  return "the shell ended while starting";
}

shell_diagnosis diagnose_shell(const shell_config& config, const interpreter_config& python) {
  shell_diagnosis diagnosis;
  scratch_directory directory;
  if (directory.path.empty()) {
    diagnosis.problems.push_back("no temporary directory can be made in " + fs::temp_directory_path().string());
    return diagnosis;
  }
  auto only = config;
  only.interpreters = {python};
  only.interpreters.front().name = "default";
  probe_listener heard;
  {
    supervisor_client client{{directory.path, only}, [&heard](shell_event event) { heard.hear(std::move(event)); }};
    client.start(1, 0, 1, "1", "default", std::numeric_limits<size_t>::max());
    heard.wait(config.start_max, [&] { return heard.process || !heard.why.empty(); });
    std::optional<cell_status> status;
    if (heard.process)
      status = run_probe(*heard.process, config);
    diagnosis.python = heard.version;
    diagnosis.has_cgroup = heard.has_cgroup;
    if (!heard.process)
      diagnosis.problems.push_back(shell_remedy(heard.why, python, read_kernel_switches())
                                   + (heard.why.empty() ? "" : " (" + heard.why + ")"));
    else if (status != cell_status::ok)
      diagnosis.problems.push_back("a cell did not run to its end");
    for (const auto& problem : heard.problems)
      diagnosis.problems.push_back("Python's " + problem.package + " cannot be imported (" + problem.error
                                   + "): apt install python3-" + problem.package + ", or take it out of preload");
    diagnosis.ok = status == cell_status::ok && diagnosis.problems.empty();
    client.end();
    heard.wait(config.start_max, [&] { return heard.gone; });
  }
  if (heard.process)
    close_shell(*heard.process);
  return diagnosis;
}

} // namespace varro
