#include "shell/sandbox.hpp"

#include "base/json.hpp"

#include <algorithm>
#include <fstream>
#include <initializer_list>

#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

constexpr auto worker_path = "/varro/worker.zip";
constexpr auto entry_path = "/varro/entry.so";
constexpr auto init_path = "/varro/init";
constexpr auto filter_path = "/varro/filter";

bool is_in(const fs::path& path, const fs::path& directory) {
  return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

// Whether it is a virtual environment or a Python's own directory, and not just where a link to one lies: shells see
// all of it.
bool is_prefix(const fs::path& directory) {
  std::error_code ignored;
  if (!directory.has_relative_path()) // the root
    return false;
  if (fs::exists(directory / "pyvenv.cfg", ignored))
    return true;
  for (const auto& entry : fs::directory_iterator{directory / "lib", ignored})
    if (entry.path().filename().string().starts_with("python3"))
      return true;
  return false;
}

// What is executed: a link from elsewhere to a Python is not seen in the sandbox.
std::string program_of(const interpreter_config& python) {
  auto path = fs::path{python.path}.lexically_normal();
  auto prefix = path.parent_path().parent_path();
  std::error_code failed;
  auto real = is_in(path, "/usr") || is_prefix(prefix) ? path : fs::weakly_canonical(path, failed);
  return failed ? python.path : real.string();
}

std::string file_path(int descriptor) {
  return "/proc/self/fd/" + std::to_string(descriptor);
}

std::string zygote_settings(const shell_config& config, const interpreter_config& python, bool maps_users) {
  json settings{{"preload", python.preload},
                {"skip", json::object()},
                {"limits",
                 {{"tmp_bytes", config.tmp_bytes_max},
                  {"file_bytes", config.file_bytes_max},
                  {"memory_bytes", config.memory_bytes_max},
                  {"open_files", config.open_files_max},
                  {"processes", config.processes_max}}},
                {"library", config.sandbox ? entry_path : file_path(zygote_descriptors::entry)},
                {"sandbox", nullptr}};
  if (config.sandbox)
    settings["sandbox"] = {{"init", init_path},
                           {"filter", filter_path},
                           {"shown", python_directories(python)},
                           {"users", maps_users ? json(users_descriptor()) : json(nullptr)}};
  return settings.dump();
}

void append(std::vector<std::string>& arguments, std::initializer_list<std::string> more) {
  arguments.insert(arguments.end(), more);
}

void add_system(std::vector<std::string>& arguments) {
  append(arguments, {"--ro-bind", "/usr", "/usr"});
  std::error_code ignored;
  for (const char* name : {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}) {
    auto path = std::string{"/"} + name;
    if (fs::is_symlink(path, ignored))
      append(arguments, {"--symlink", std::string{"usr/"} + name, path});
    else if (fs::exists(path, ignored))
      append(arguments, {"--ro-bind", path, path});
  }
}

void add_etc(std::vector<std::string>& arguments) {
  int fd = zygote_descriptors::etc;
  for (const auto& [path, text] : etc_files())
    append(arguments, {"--perms", "0444", "--file", std::to_string(fd++), path});
  for (const char* name : {"alternatives", "fonts", "ld.so.cache", "localtime", "matplotlibrc", "mime.types", "python3",
                           "protocols", "services", "debian_version"})
    append(arguments, {"--ro-bind-try", std::string{"/etc/"} + name, std::string{"/etc/"} + name});
}

} // namespace

int users_descriptor() {
  return zygote_descriptors::etc + static_cast<int>(etc_files().size());
}

const std::vector<std::pair<std::string, std::string>>& etc_files() {
  static const std::vector<std::pair<std::string, std::string>> files{
    {"/etc/passwd", "root:x:0:0::/root:/usr/sbin/nologin\nuser:x:1000:1000::/workspace:/bin/bash\n"},
    {"/etc/group", "root:x:0:\nuser:x:1000:\n"},
    {"/etc/hosts", "127.0.0.1 localhost varro\n::1 localhost\n"},
    {"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"},
  };
  return files;
}

std::vector<std::string> python_directories(const interpreter_config& python) {
  std::vector<std::string> found;
  std::error_code ignored;
  auto path = fs::path{python.path};
  for (const auto& program : {path.lexically_normal(), fs::weakly_canonical(path, ignored)}) {
    auto prefix = program.parent_path().parent_path();
    if (!is_in(prefix, "/usr") && is_prefix(prefix) && std::find(found.begin(), found.end(), prefix) == found.end())
      found.push_back(prefix.string());
  }
  return found;
}

caf::error check_python_directories(const interpreter_config& python, const fs::path& data) {
  std::error_code ignored;
  for (const auto& directory : python_directories(python))
    if (is_in(fs::weakly_canonical(data, ignored), fs::weakly_canonical(directory, ignored)))
      return fail(errc::shell_unavailable,
                  "shells would see the data directory " + data.string() + ", because it lies in " + directory
                    + " of Python " + python.name);
  return caf::none;
}

std::vector<std::string> sandbox_arguments(const shell_config& config, const interpreter_config& python,
                                           const std::vector<std::string>& sources, bool maps_users) {
  std::vector<std::string> arguments{config.bubblewrap};
  // User namespaces stay allowed: each shell gets one of its own, in which there are no further ones.
  if (maps_users)
    append(arguments, {"--userns", std::to_string(users_descriptor())});
  else
    append(arguments, {"--unshare-user"});
  append(arguments,
         {"--uid", "1000", "--gid", "1000", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
          "--unshare-cgroup-try", "--hostname", "varro", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
          "--clearenv"});
  if (maps_users)
    append(arguments, {"--cap-add", "CAP_SETUID", "--cap-add", "CAP_KILL"});
  for (const auto& variable : shell_environment("/workspace", "/tmp")) {
    auto split = variable.find('=');
    append(arguments, {"--setenv", variable.substr(0, split), variable.substr(split + 1)});
  }
  add_system(arguments);
  add_etc(arguments);
  append(arguments, {"--proc", "/proc", "--dev", "/dev"});
  append(arguments, {"--size", std::to_string(config.tmp_bytes_max), "--perms", "1777", "--tmpfs", "/tmp"});
  append(arguments, {"--bind", sources.front(), workspaces_path});
  auto directories = python_directories(python); // last, for they may lie in /tmp
  for (size_t i = 0; i < directories.size(); ++i) {
    // Of itself bubblewrap makes directories on the way that only the warm interpreter's user may enter.
    append(arguments, {"--perms", "0755", "--dir", fs::path{directories[i]}.parent_path().string()});
    append(arguments, {"--ro-bind", sources.at(i + 1), directories[i]});
  }
  auto add_file = [&arguments](const char* mode, int fd, const char* path) {
    append(arguments, {"--perms", mode, "--file", std::to_string(fd), path});
  };
  add_file("0444", zygote_descriptors::worker, worker_path);
  add_file("0555", zygote_descriptors::entry, entry_path);
  add_file("0555", zygote_descriptors::init, init_path);
  add_file("0444", zygote_descriptors::filter, filter_path);
  // The tmpfs that bubblewrap builds / and /dev on have no size limit.
  append(arguments, {"--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--"});
  append(arguments,
         {program_of(python), "-I", "-B", worker_path, std::to_string(zygote_descriptors::control),
          zygote_settings(config, python, maps_users)});
  return arguments;
}

std::vector<std::string> plain_arguments(const shell_config& config, const interpreter_config& python) {
  return {python.path,
          "-I",
          "-B",
          file_path(zygote_descriptors::worker),
          std::to_string(zygote_descriptors::control),
          zygote_settings(config, python, false)};
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

} // namespace varro
