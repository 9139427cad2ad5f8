#include "shell/supervisor/stopped_processes.hpp"

#include "shell/supervisor/process_tree.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <string>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace varro;
using namespace std::chrono_literals;

namespace {

// A process with a child, both of which compute without an end.
class busy_tree {
public:
  busy_tree() {
    char shell[] = "/bin/sh", flag[] = "-c", code[] = "while :; do :; done & while :; do :; done";
    char* arguments[] = {shell, flag, code, nullptr};
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    REQUIRE(posix_spawn(&pid, shell, nullptr, &attributes, arguments, environ) == 0);
    posix_spawnattr_destroy(&attributes);
    while (processes_of(pid, 10).size() < 2)
      usleep(1'000);
  }
  ~busy_tree() {
    kill(-pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  std::string state() const {
    auto text = read_process_file("/proc/" + std::to_string(pid) + "/stat");
    return text.substr(text.rfind(')') + 2, 1);
  }

  pid_t pid = -1;
};

} // namespace

TEST_CASE("a tree of processes stands still until it goes on") {
  busy_tree tree;
  stopped_processes stopped;
  CHECK(stopped.is_empty());
  REQUIRE(stopped.stop(tree.pid, 10, 30s));
  CHECK(stopped.stand_still());
  for (auto process : processes_of(tree.pid, 10)) {
    auto text = read_process_file("/proc/" + std::to_string(process) + "/stat");
    CHECK(text.substr(text.rfind(')') + 2, 1) == "T");
  }
  stopped.go_on();
  CHECK(stopped.is_empty());
  while (tree.state() == "T")
    usleep(1'000);
  CHECK(tree.state() != "T");
}

TEST_CASE("what was stopped goes on when nobody holds it any more") {
  busy_tree tree;
  {
    stopped_processes stopped;
    REQUIRE(stopped.stop(tree.pid, 10, 30s));
    CHECK(tree.state() == "T");
  }
  while (tree.state() == "T")
    usleep(1'000);
  CHECK(tree.state() != "T");
}
