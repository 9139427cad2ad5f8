#include "shell/supervisor/workspace_watch.hpp"

#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <fstream>
#include <string>
#include <thread>

#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace varro;
using kind = workspace_report::kind;

namespace {

constexpr size_t mebibyte = 1u << 20;
constexpr int wait_max_ms = 60'000;
constexpr uint64_t number = 9;

// Stands for a shell: a process that runs this script in the workspace, and what the watch tells of it.
class watched_world {
public:
  watched_world(const std::string& script, size_t left = size_t{1} << 40, size_t quota = 8 * mebibyte,
                size_t there = 0) {
    limits.workspace_bytes_max = quota;
    limits.workspace_files_max = 1'000;
    std::filesystem::create_directories(scratch / "workspaces/7");
    if (there > 0)
      std::ofstream{scratch / "workspaces/7/f"} << std::string(there, 'x');
    auto usage = measure_workspace(scratch / "workspaces/7", limits);
    watch.emplace(scratch / "workspaces", limits);
    auto code = "cd '" + (scratch / "workspaces/7").string() + "' && " + script;
    char shell[] = "/bin/sh", flag[] = "-c";
    char* arguments[] = {shell, flag, code.data(), nullptr};
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    REQUIRE(posix_spawn(&pid, shell, nullptr, &attributes, arguments, environ) == 0);
    posix_spawnattr_destroy(&attributes);
    descriptor handle{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
    watch->begin({number, 3, 7, "7", left, usage, pid, pid, std::move(handle)});
  }
  ~watched_world() {
    kill(-pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }

  // The next of this kind; others are passed over and remembered.
  workspace_report hear(kind what) {
    for (;;) {
      while (!news_.empty()) {
        auto first = std::move(news_.front());
        news_.pop_front();
        heard.push_back(first.what);
        if (first.what == what)
          return first;
      }
      pollfd one{watch->fd(), POLLIN, 0};
      REQUIRE(poll(&one, 1, wait_max_ms) == 1);
      for (auto& each : watch->take())
        news_.push_back(std::move(each));
    }
  }
  bool has_heard(kind what) const {
    return std::find(heard.begin(), heard.end(), what) != heard.end();
  }

  test::scratch_dir scratch;
  shell_config limits;
  std::optional<workspace_watch> watch;
  pid_t pid = -1;
  std::vector<kind> heard;

private:
  std::deque<workspace_report> news_;
};

const std::string writes_without_end = "i=0; while :; do head -c 1048576 /dev/zero > f$i; i=$((i+1)); done";

} // namespace

TEST_CASE("a cell beyond the quota of its workspace is told of, and its shell ended when it writes on") {
  watched_world writer{writes_without_end};
  writer.watch->note_server(true);
  writer.watch->note_cell(number, true);
  auto over = writer.hear(kind::over);
  CHECK(over.shell == number);
  CHECK(over.user == 3);
  CHECK(over.chat == 7);
  CHECK(over.bytes > 8 * mebibyte);
  CHECK(over.why.find("the quota is 8 MiB and 1000 files") != std::string::npos);
  auto end = writer.hear(kind::end);
  CHECK(end.why == "workspace quota");
  CHECK(end.bytes > over.bytes);
}

TEST_CASE("a burst in a cell's first moments is not taken for what was there before") {
  // All is written at once, while the watch may still look at what its shell began with, and nothing after.
  for (int i = 0; i < 10; ++i) {
    watched_world world{"until test -e go; do :; done; head -c 16777216 /dev/zero > f; sleep 600"};
    world.watch->note_server(true);
    world.watch->note_cell(number, true);
    std::ofstream{world.scratch / "workspaces/7/go"};
    CHECK(world.hear(kind::over).bytes > 8 * mebibyte);
  }
}

TEST_CASE("a cell may run where the quota was passed before, and delete") {
  watched_world world{"until test -e go; do :; done; rm f; touch deleted; sleep 600", size_t{1} << 40, 8 * mebibyte,
                      16 * mebibyte};
  world.watch->note_server(true);
  world.watch->note_cell(number, true);
  world.hear(kind::usage);
  std::ofstream{world.scratch / "workspaces/7/go"};
  while (!std::filesystem::exists(world.scratch / "workspaces/7/deleted"))
    std::this_thread::yield();
  world.watch->note_cell(number, false);
  while (world.hear(kind::usage).bytes > mebibyte)
    ;
  CHECK_FALSE(world.has_heard(kind::over));
  CHECK_FALSE(world.has_heard(kind::end));
}

TEST_CASE("without a server the cell is interrupted by the watch itself") {
  watched_world world{writes_without_end};
  world.watch->note_cell(number, true);
  world.hear(kind::over);
  int status = 0;
  REQUIRE(waitpid(world.pid, &status, 0) == world.pid); // the shell of this test has no handler
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("what writes beyond the quota while no cell runs is ended") {
  watched_world world{writes_without_end};
  CHECK(world.hear(kind::end).why == "workspace quota");
  CHECK_FALSE(world.has_heard(kind::over));
}

TEST_CASE("what the user's other workspaces leave is a quota, too") {
  // The workspace's own quota is beyond what it may write until it is ended.
  watched_world world{writes_without_end, 2 * mebibyte, 1'024 * mebibyte};
  world.watch->note_server(true);
  world.watch->note_cell(number, true);
  CHECK(world.hear(kind::over).why.find("the others leave 2 MiB for this one") != std::string::npos);
  CHECK(world.hear(kind::end).why == "user quota");
}

TEST_CASE("a quota that is not the server's is named as it was told last") {
  watched_world world{writes_without_end, size_t{1} << 40, 1'024 * mebibyte};
  world.watch->note_server(true);
  world.watch->allow(number, 2 * mebibyte, "all may be 9.0 MiB (disk_bytes)");
  world.watch->note_cell(number, true);
  CHECK(world.hear(kind::over)
          .why.find("all may be 9.0 MiB (disk_bytes), and all else leaves 2 MiB for the files of this "
                    "one. Delete files")
        != std::string::npos);
}

TEST_CASE("a file that has no name is no way around the quota, and ends the shell at once") {
  watched_world world{"exec 9> f && rm f && cat /dev/zero >&9"};
  world.watch->note_server(true);
  world.watch->note_cell(number, true);
  CHECK(world.hear(kind::end).why == "workspace quota");
  CHECK_FALSE(world.has_heard(kind::over));
}

TEST_CASE("what a shell's workspace holds in the end is told after the shell is gone") {
  watched_world world{"sleep 600"};
  std::ofstream{world.scratch / "workspaces/7/one"} << std::string(mebibyte, 'x');
  world.watch->end(number);
  auto usage = world.hear(kind::usage);
  while (usage.bytes < mebibyte) // of a look while the file was written
    usage = world.hear(kind::usage);
  CHECK(usage.shell == number);
  CHECK(usage.user == 3);
  CHECK(usage.chat == 7);
  CHECK(usage.bytes < 2 * mebibyte);
}
