#include "shell/diagnosis.hpp"
#include "shell/sandbox.hpp"
#include "tests/support/scratch_dir.hpp"
#include "workspace/owner.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <initializer_list>

#include <unistd.h>

using namespace varro;
using varro::test::scratch_dir;
namespace fs = std::filesystem;

namespace {

const interpreter_config python{"default", "/usr/bin/python3", {}};

bool has(const std::vector<std::string>& arguments, std::initializer_list<std::string> sequence) {
  return std::search(arguments.begin(), arguments.end(), sequence.begin(), sequence.end()) != arguments.end();
}

size_t place_of(const std::vector<std::string>& arguments, std::initializer_list<std::string> sequence) {
  auto found = std::search(arguments.begin(), arguments.end(), sequence.begin(), sequence.end());
  return static_cast<size_t>(found - arguments.begin());
}

} // namespace

TEST_CASE("the sandbox of a warm interpreter has no network, no capability and no environment of the server") {
  auto arguments = sandbox_arguments({}, python, {"/data/workspaces"});
  for (const char* option : {"--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
                             "--die-with-parent", "--new-session", "--clearenv"})
    CHECK(has(arguments, {option}));
  CHECK(has(arguments, {"--cap-drop", "ALL"}));
  CHECK(has(arguments, {"--uid", "1000", "--gid", "1000"}));
}

TEST_CASE("a warm interpreter that may become the users of its shells may do that, end them, and nothing else") {
  auto arguments = sandbox_arguments({}, python, {"/data/workspaces"}, true);
  auto alone = sandbox_arguments({}, python, {"/data/workspaces"});
  CHECK(has(arguments, {"--userns", std::to_string(users_descriptor())}));
  CHECK_FALSE(has(arguments, {"--unshare-user"}));
  CHECK_FALSE(has(alone, {"--userns"}));
  CHECK(has(arguments, {"--cap-add", "CAP_SETUID", "--cap-add", "CAP_KILL"}));
  CHECK(std::count(arguments.begin(), arguments.end(), "--cap-add") == 2);
  CHECK(std::count(alone.begin(), alone.end(), "--cap-add") == 0);
  CHECK(place_of(arguments, {"--cap-drop", "ALL"}) < place_of(arguments, {"--cap-add"}));
}

TEST_CASE("a warm interpreter can write the workspaces and /tmp, and nothing else") {
  auto arguments = sandbox_arguments({}, python, {"/data/workspaces"});
  CHECK(has(arguments, {"--bind", "/data/workspaces", "/workspaces"}));
  CHECK(std::count(arguments.begin(), arguments.end(), "--bind") == 1);
  CHECK(std::count(arguments.begin(), arguments.end(), "--tmpfs") == 1);
  CHECK(std::count(arguments.begin(), arguments.end(), "--size") == 1);
  CHECK(place_of(arguments, {"--remount-ro", "/"}) < arguments.size());
  CHECK(place_of(arguments, {"--dev", "/dev"}) < place_of(arguments, {"--remount-ro", "/dev"}));
  CHECK_FALSE(has(arguments, {"--ro-bind", "/etc", "/etc"}));
  CHECK_FALSE(has(arguments, {"--ro-bind", "/", "/"}));
}

TEST_CASE("a Python outside /usr is shown with its folder, the system's needs none") {
  CHECK(python_directories(python).empty());
  CHECK(python_directories({"other", "/bin/python3", {}}).empty());
  scratch_dir scratch;
  auto environment = (scratch.path() / "env").string();
  fs::create_directories(environment + "/bin");
  fs::create_symlink("/usr/bin/python3", environment + "/bin/python3");
  interpreter_config other{"other", environment + "/bin/python3", {}};
  CHECK(python_directories(other).empty()); // anything may lie there
  CHECK(sandbox_arguments({}, other, {"/w"}).back() == sandbox_arguments({}, python, {"/w"}).back());
  std::ofstream{environment + "/pyvenv.cfg"};
  CHECK(python_directories(other) == std::vector{environment});
  auto arguments = sandbox_arguments({}, other, {"/w", "/tmp/1"});
  CHECK(has(arguments, {"--perms", "0755", "--dir", scratch.path().string(), "--ro-bind", "/tmp/1", environment}));
  CHECK(has(arguments, {other.path, "-I"}));
  CHECK(place_of(arguments, {"--tmpfs", "/tmp"})
        < place_of(arguments, {"--ro-bind", "/tmp/1"})); // which would cover it
}

TEST_CASE("a link to a Python from somewhere else shows nothing of that place") {
  scratch_dir scratch;
  fs::create_directories(scratch.path() / "home/bin");
  auto link = scratch.path() / "home/bin/python3";
  fs::create_symlink("/usr/bin/python3", link);
  interpreter_config linked{"linked", link.string(), {}};
  CHECK(python_directories(linked).empty());
  CHECK(has(sandbox_arguments({}, linked, {"/w"}), {fs::canonical("/usr/bin/python3").string(), "-I"}));
}

TEST_CASE("no shell starts where it would see the data directory") {
  scratch_dir scratch;
  auto environment = scratch.path() / "env";
  fs::create_directories(environment / "bin");
  std::ofstream{environment / "pyvenv.cfg"};
  interpreter_config other{"other", (environment / "bin/python3").string(), {}};
  CHECK(check_python_directories(other, scratch.path() / "data") == caf::none);
  CHECK(check_python_directories(other, scratch.path() / "environment") == caf::none);
  CHECK(code_of(check_python_directories(other, environment / "data")) == errc::shell_unavailable);
  CHECK(code_of(check_python_directories(other, environment)) == errc::shell_unavailable);
  fs::create_directory_symlink(environment, scratch.path() / "link");
  CHECK(code_of(check_python_directories(other, scratch.path() / "link/data")) == errc::shell_unavailable);
}

TEST_CASE("shells of a root server belong to a host user that is not root, those of any other to its own") {
  CHECK((shell_user() == 0) == (geteuid() != 0));
  if (shell_user() != 0)
    CHECK(shell_user() >= 30'000);
  CHECK_FALSE(is_former_shell_user(shell_user()));
  CHECK_FALSE(is_former_shell_user(0));
  CHECK_FALSE(is_former_shell_user(1'000));
  CHECK(is_former_shell_user(1'900'000'007));
}

TEST_CASE("a missing bubblewrap is an error that says what to install, and nothing runs unprotected") {
  shell_config config;
  config.bubblewrap = "/nonexistent/bwrap";
  auto diagnosis = diagnose_shell(config, python);
  CHECK_FALSE(diagnosis.ok);
  REQUIRE(diagnosis.problems.size() == 1);
  CHECK(diagnosis.problems[0].find("apt install bubblewrap") != std::string::npos);
}

TEST_CASE("a bubblewrap that fails is reported with what it said") {
  shell_config config;
  config.bubblewrap = "/usr/bin/false";
  auto diagnosis = diagnose_shell(config, python);
  CHECK_FALSE(diagnosis.ok);
  REQUIRE(diagnosis.problems.size() == 1);
  CHECK(diagnosis.problems[0].find("ended while starting") != std::string::npos);
}

TEST_CASE("the diagnosis of a complete machine is good") {
  auto diagnosis = diagnose_shell({}, {"default", "/usr/bin/python3", {"numpy", "pandas", "matplotlib"}});
  for (const auto& problem : diagnosis.problems)
    MESSAGE(problem);
  CHECK(diagnosis.ok);
  CHECK(diagnosis.python.starts_with("3."));
}

TEST_CASE("a package that cannot be preloaded is named, and shells work without it") {
  auto diagnosis = diagnose_shell({}, {"default", "/usr/bin/python3", {"no_such_package"}});
  CHECK_FALSE(diagnosis.ok);
  REQUIRE(diagnosis.problems.size() == 1); // so the cell ran
  CHECK(diagnosis.problems[0].find("no_such_package") != std::string::npos);
  CHECK(diagnosis.problems[0].find("ModuleNotFoundError") != std::string::npos);
}

TEST_CASE("without a sandbox a plain process is started when that is configured") {
  shell_config config;
  config.sandbox = false;
  auto diagnosis = diagnose_shell(config, python);
  for (const auto& problem : diagnosis.problems)
    MESSAGE(problem);
  CHECK(diagnosis.ok);
}
