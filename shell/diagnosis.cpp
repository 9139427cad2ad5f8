#include "shell/frames.hpp"
#include "shell/sandbox.hpp"

#include <fstream>

#include <poll.h>
#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

// A directory that is gone when the diagnosis is over.
struct scratch_workspace {
  fs::path path;
  scratch_workspace() {
    auto pattern = (fs::temp_directory_path() / "varro-doctor-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr)
      path = pattern;
  }
  ~scratch_workspace() {
    std::error_code ignored;
    if (!path.empty())
      fs::remove_all(path, ignored);
  }
};

constexpr auto probe = R"(import importlib
for name in ("numpy", "pandas", "matplotlib"):
    try:
        importlib.import_module(name)
    except Exception as problem:
        print(f"{name}: {type(problem).__name__}: {problem}")
)";

int first_number_of(const char* path) {
  std::ifstream file{path};
  int value = -1;
  file >> value;
  return file ? value : -1;
}

std::string remedy_of(const std::string& log, const shell_config& config) {
  auto says = [&log](const char* text) { return log.find(text) != std::string::npos; };
  if (says("No module named"))
    return "IPython is missing for " + config.python + ": apt install python3-ipython";
  if (says("Can't mount proc"))
    return "a new /proc cannot be mounted, as is usual in containers that mask parts of /proc: run the container with "
           "an unmasked /proc (docker: --security-opt systempaths=unconfined, podman: --security-opt unmask=ALL)";
  if (says("execvp"))
    return config.python + " cannot be executed in the sandbox; is it installed (apt install python3)?";
  if (first_number_of("/proc/sys/user/max_user_namespaces") == 0)
    return "user namespaces are switched off: sysctl -w user.max_user_namespaces=10000";
  if (first_number_of("/proc/sys/kernel/unprivileged_userns_clone") == 0)
    return "user namespaces are switched off for users: sysctl -w kernel.unprivileged_userns_clone=1";
  if (first_number_of("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
    return "AppArmor restricts user namespaces: give bubblewrap a profile that allows userns, or "
           "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
  if (says("amespace"))
    return "namespaces cannot be created; in a container, allow them (docker: --security-opt seccomp=unconfined)";
  if (says("nknown option"))
    return "bubblewrap is too old; version 0.8 or later is needed: apt install bubblewrap";
  return "the shell ended while starting";
}

struct probe_result {
  bool ready = false;
  std::string python;
  std::optional<cell_status> status;
  std::string text;
};

// Reads frames until the cell is done, the process is gone or the time is over.
probe_result run_probe(const shell_process& process, const shell_config& config) {
  probe_result result;
  frame_reader reader{config.frame_bytes_max};
  auto until = std::chrono::steady_clock::now() + config.start_max;
  while (!result.status) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd one{process.fd, POLLIN, 0};
    if (left.count() <= 0 || poll(&one, 1, static_cast<int>(left.count())) <= 0)
      break;
    char bytes[4096];
    auto size = read(process.fd, bytes, sizeof bytes);
    auto frames = size > 0 ? reader.feed({bytes, static_cast<size_t>(size)}) : std::vector<worker_frame>{};
    if (size <= 0 || !frames)
      break;
    for (auto& frame : *frames) {
      if (auto* ready = std::get_if<worker_ready>(&frame)) {
        result.ready = true;
        result.python = ready->python;
        auto request = encode_execute(1, probe, config);
        if (write(process.fd, request.data(), request.size()) != static_cast<ssize_t>(request.size()))
          return result;
      } else if (auto* output = std::get_if<worker_output>(&frame)) {
        if (auto* stream = std::get_if<stream_output>(&output->output))
          result.text += stream->text;
      } else if (auto* done = std::get_if<worker_done>(&frame)) {
        result.status = done->status;
      }
    }
  }
  return result;
}

void add_missing_modules(const std::string& text, std::vector<std::string>& problems) {
  for (size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    auto name = line.substr(0, line.find(':'));
    if (!name.empty())
      problems.push_back("Python's " + name + " cannot be imported (" + line + "): apt install python3-" + name);
    at = end + 1;
  }
}

} // namespace

shell_diagnosis diagnose_shell(const shell_config& config) {
  shell_diagnosis diagnosis;
  scratch_workspace workspace;
  if (workspace.path.empty()) {
    diagnosis.problems.push_back("no temporary directory can be made in " + fs::temp_directory_path().string());
    return diagnosis;
  }
  auto process = start_shell(config, workspace.path);
  if (!process) {
    diagnosis.problems.push_back(text_of(process.error()));
    return diagnosis;
  }
  auto result = run_probe(*process, config);
  diagnosis.python = result.python;
  if (!result.ready) {
    auto log = shell_log(*process);
    diagnosis.problems.push_back(remedy_of(log, config) + (log.empty() ? "" : " (" + log + ")"));
  } else if (!result.status) {
    diagnosis.problems.push_back("a cell that imports numpy, pandas and matplotlib did not end");
  }
  add_missing_modules(result.text, diagnosis.problems);
  diagnosis.ok = result.status == cell_status::ok && diagnosis.problems.empty();
  kill_shell(*process);
  while (!reap_shell(*process))
    usleep(1'000);
  close_shell(*process);
  return diagnosis;
}

} // namespace varro
