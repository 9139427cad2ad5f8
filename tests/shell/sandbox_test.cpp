#include "shell/sandbox.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace varro;

namespace {

bool has(const std::vector<std::string>& arguments, std::initializer_list<std::string> sequence) {
  return std::search(arguments.begin(), arguments.end(), sequence.begin(), sequence.end()) != arguments.end();
}

size_t place_of(const std::vector<std::string>& arguments, std::initializer_list<std::string> sequence) {
  auto found = std::search(arguments.begin(), arguments.end(), sequence.begin(), sequence.end());
  return static_cast<size_t>(found - arguments.begin());
}

} // namespace

TEST_CASE("the sandbox separates every namespace and drops every capability") {
  auto arguments = sandbox_arguments({}, "/data/workspaces/7");
  for (const char* option : {"--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-net", "--unshare-ipc",
                             "--unshare-uts", "--die-with-parent", "--new-session", "--clearenv"})
    CHECK(has(arguments, {option}));
  CHECK(has(arguments, {"--cap-drop", "ALL"}));
  CHECK(has(arguments, {"--uid", "1000", "--gid", "1000"}));
  CHECK(has(arguments, {"--seccomp", "5", "--"}));
}

TEST_CASE("only the workspace, /tmp and shared memory can be written") {
  auto arguments = sandbox_arguments({}, "/data/workspaces/7");
  CHECK(has(arguments, {"--bind", "/data/workspaces/7", "/workspace", "--chdir", "/workspace"}));
  CHECK(std::count(arguments.begin(), arguments.end(), "--bind") == 1);
  CHECK(std::count(arguments.begin(), arguments.end(), "--tmpfs") == 2);
  CHECK(std::count(arguments.begin(), arguments.end(), "--size") == 2);
  CHECK(place_of(arguments, {"--remount-ro", "/"}) < arguments.size());
  CHECK(place_of(arguments, {"--dev", "/dev"}) < place_of(arguments, {"--remount-ro", "/dev"}));
  CHECK_FALSE(has(arguments, {"--ro-bind", "/etc", "/etc"}));
  CHECK_FALSE(has(arguments, {"--ro-bind", "/", "/"}));
}

TEST_CASE("a Python outside /usr is shown with its folder, the system's needs none") {
  shell_config config;
  CHECK_FALSE(has(sandbox_arguments(config, "/w"), {"--ro-bind", "/opt/env", "/opt/env"}));
  config.python = "/opt/env/bin/python3";
  CHECK(has(sandbox_arguments(config, "/w"), {"--ro-bind", "/opt/env", "/opt/env"}));
}

TEST_CASE("each chat's shells have a host user of their own, and never root") {
  CHECK(shell_user(1) != shell_user(2));
  for (int64_t chat : {int64_t{0}, int64_t{1}, int64_t{1} << 40, int64_t{-1}})
    CHECK(shell_user(chat) >= 30'000);
}

TEST_CASE("a missing bubblewrap is an error that says what to install, and nothing runs unprotected") {
  shell_config config;
  config.bubblewrap = "/nonexistent/bwrap";
  auto workspace = std::filesystem::temp_directory_path() / "varro-missing-bwrap";
  auto process = start_shell(config, workspace);
  REQUIRE_FALSE(process);
  CHECK(code_of(process.error()) == errc::shell_unavailable);
  CHECK(text_of(process.error()).find("apt install bubblewrap") != std::string::npos);
  auto diagnosis = diagnose_shell(config);
  CHECK_FALSE(diagnosis.ok);
  REQUIRE(diagnosis.problems.size() == 1);
  std::filesystem::remove_all(workspace);
}

TEST_CASE("a bubblewrap that fails is reported with what it said") {
  shell_config config;
  config.bubblewrap = "/usr/bin/false";
  auto diagnosis = diagnose_shell(config);
  CHECK_FALSE(diagnosis.ok);
  REQUIRE(diagnosis.problems.size() == 1);
  CHECK(diagnosis.problems[0].find("ended while starting") != std::string::npos);
}

TEST_CASE("the diagnosis of a complete machine is good") {
  auto diagnosis = diagnose_shell({});
  for (const auto& problem : diagnosis.problems)
    MESSAGE(problem);
  CHECK(diagnosis.ok);
  CHECK(diagnosis.python.starts_with("3."));
}

TEST_CASE("without a sandbox a plain process is started when that is configured") {
  shell_config config;
  config.sandbox = false;
  auto diagnosis = diagnose_shell(config);
  for (const auto& problem : diagnosis.problems)
    MESSAGE(problem);
  CHECK(diagnosis.ok);
}
