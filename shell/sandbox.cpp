#include "shell/sandbox.hpp"

#include "models/json.hpp"

#include <fstream>

namespace varro {

namespace fs = std::filesystem;

namespace {

constexpr auto worker_path = "/varro/worker.zip";

// What the worker sets on itself before it runs anything; in a sandbox a process count is its own, outside it would be
// all of the user's processes.
std::string process_limits(const shell_config& config) {
  json limits{
    {"CORE", 0}, {"FSIZE", config.file_bytes_max}, {"NOFILE", config.open_files_max}, {"AS", config.memory_bytes_max}};
  if (config.sandbox)
    limits["NPROC"] = config.processes_max;
  return limits.dump();
}

void append(std::vector<std::string>& arguments, std::initializer_list<std::string> more) {
  arguments.insert(arguments.end(), more);
}

void add_system(std::vector<std::string>& arguments, const shell_config& config) {
  append(arguments, {"--ro-bind", "/usr", "/usr"});
  std::error_code ignored;
  for (const char* name : {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}) {
    auto path = std::string{"/"} + name;
    if (fs::is_symlink(path, ignored))
      append(arguments, {"--symlink", std::string{"usr/"} + name, path});
    else if (fs::exists(path, ignored))
      append(arguments, {"--ro-bind", path, path});
  }
  // A Python of one's own, such as a virtual environment, is shown with its folder.
  auto python = fs::path{config.python}.lexically_normal();
  auto prefix = python.parent_path().parent_path();
  if (prefix != "/" && prefix != "/usr" && prefix != "/usr/local" && prefix.has_relative_path())
    append(arguments, {"--ro-bind", prefix.string(), prefix.string()});
}

void add_etc(std::vector<std::string>& arguments) {
  int fd = shell_descriptors::etc;
  for (const auto& [path, text] : etc_files())
    append(arguments, {"--perms", "0444", "--file", std::to_string(fd++), path});
  for (const char* name : {"alternatives", "fonts", "ld.so.cache", "localtime", "matplotlibrc", "mime.types", "python3",
                           "protocols", "services", "debian_version"})
    append(arguments, {"--ro-bind-try", std::string{"/etc/"} + name, std::string{"/etc/"} + name});
}

} // namespace

const std::vector<std::pair<std::string, std::string>>& etc_files() {
  static const std::vector<std::pair<std::string, std::string>> files{
    {"/etc/passwd", "root:x:0:0::/root:/usr/sbin/nologin\nuser:x:1000:1000::/workspace:/bin/bash\n"},
    {"/etc/group", "root:x:0:\nuser:x:1000:\n"},
    {"/etc/hosts", "127.0.0.1 localhost varro\n::1 localhost\n"},
    {"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"},
  };
  return files;
}

std::vector<std::string> sandbox_arguments(const shell_config& config, const fs::path& workspace) {
  std::vector<std::string> arguments{config.bubblewrap};
  append(arguments,
         {"--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000", "--unshare-pid", "--unshare-net",
          "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "varro", "--die-with-parent",
          "--new-session", "--cap-drop", "ALL", "--clearenv"});
  for (const auto& variable : shell_environment("/workspace", "/tmp")) {
    auto split = variable.find('=');
    append(arguments, {"--setenv", variable.substr(0, split), variable.substr(split + 1)});
  }
  add_system(arguments, config);
  add_etc(arguments);
  auto tmp = std::to_string(config.tmp_bytes_max);
  append(arguments, {"--proc", "/proc", "--dev", "/dev"});
  append(arguments, {"--size", tmp, "--perms", "1777", "--tmpfs", "/dev/shm"});
  append(arguments, {"--size", tmp, "--perms", "1777", "--tmpfs", "/tmp"});
  append(arguments, {"--bind", workspace.string(), "/workspace", "--chdir", "/workspace"});
  append(arguments, {"--perms", "0444", "--file", std::to_string(shell_descriptors::worker), worker_path});
  // The tmpfs that bubblewrap builds / and /dev on have no size limit.
  append(arguments, {"--remount-ro", "/dev", "--remount-ro", "/"});
  append(arguments, {"--seccomp", std::to_string(shell_descriptors::filter), "--"});
  append(arguments,
         {config.python, "-I", "-B", worker_path, std::to_string(shell_descriptors::socket), process_limits(config)});
  return arguments;
}

std::vector<std::string> plain_arguments(const shell_config& config) {
  return {config.python,
          "-I",
          "-B",
          "/proc/self/fd/" + std::to_string(shell_descriptors::worker),
          std::to_string(shell_descriptors::socket),
          process_limits(config)};
}

std::vector<std::string> shell_environment(const std::string& home, const std::string& caches) {
  return {
    "PATH=/usr/local/bin:/usr/bin:/bin",
    "HOME=" + home,
    "USER=user",
    "LOGNAME=user",
    "SHELL=/bin/bash",
    "LANG=C.UTF-8",
    "TERM=dumb",
    "NO_COLOR=1",
    "PAGER=cat",
    "TMPDIR=/tmp",
    "XDG_CACHE_HOME=" + caches + "/.cache",
    "IPYTHONDIR=" + caches + "/.ipython",
    "MPLCONFIGDIR=" + caches + "/.matplotlib",
    "MPLBACKEND=Agg",
    "PYTHONDONTWRITEBYTECODE=1",
    // Each thread of a linear algebra library reserves memory of the shell's limit.
    "OPENBLAS_NUM_THREADS=1",
    "OMP_NUM_THREADS=1",
    "MKL_NUM_THREADS=1",
    "NUMEXPR_MAX_THREADS=1",
    "MALLOC_ARENA_MAX=2",
  };
}

uid_t shell_user(int64_t chat) noexcept {
  // Above every range that login, systemd or subordinate ids use; inside a container with 65,536 ids the range that
  // Debian leaves unassigned.
  constexpr uint64_t high_first = 1'900'000'000, high_count = 200'000'000;
  constexpr uint64_t low_first = 30'000, low_count = 30'000;
  static const bool all_ids = [] {
    std::ifstream map{"/proc/self/uid_map"};
    uint64_t first = 1, outside = 0, count = 0;
    return map >> first >> outside >> count && first == 0 && count > high_first + high_count;
  }();
  auto number = static_cast<uint64_t>(chat);
  return static_cast<uid_t>(all_ids ? high_first + number % high_count : low_first + number % low_count);
}

} // namespace varro
