#include "shell/diagnosis.hpp"
#include "shell/sandbox.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include <unistd.h>

using namespace varro;

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
  auto arguments = sandbox_arguments({}, python, "/data/workspaces");
  for (const char* option : {"--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
                             "--die-with-parent", "--new-session", "--clearenv"})
    CHECK(has(arguments, {option}));
  CHECK(has(arguments, {"--cap-drop", "ALL"}));
  CHECK(has(arguments, {"--uid", "1000", "--gid", "1000"}));
}

TEST_CASE("a warm interpreter can write the workspaces and /tmp, and nothing else") {
  auto arguments = sandbox_arguments({}, python, "/data/workspaces");
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
  CHECK_FALSE(has(sandbox_arguments({}, python, "/w"), {"--ro-bind", "/opt/env", "/opt/env"}));
  CHECK(has(sandbox_arguments({}, {"other", "/opt/env/bin/python3", {}}, "/w"), {"--ro-bind", "/opt/env", "/opt/env"}));
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
