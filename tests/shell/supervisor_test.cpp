#include "shell/frames.hpp"
#include "shell/running_supervisor.hpp"
#include "shell/supervisor/shell_users.hpp"
#include "shell/supervisor_client.hpp"
#include "tests/support/scratch_dir.hpp"
#include "workspace/owner.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>
#include <limits>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <fstream>
#include <mutex>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace varro;
using namespace std::chrono_literals;
using kind = shell_event::kind;

namespace {

constexpr auto wait_max = 60s;

// A client with what it hears, in order.
class client_world {
public:
  explicit client_world(const std::filesystem::path& data, std::function<void(shell_config&)> change = {}) {
    settings.data_dir = data;
    settings.shell.preload.clear();
    if (change)
      change(settings.shell);
    client = std::make_unique<supervisor_client>(settings, [this](shell_event event) {
      std::lock_guard guard{mutex_};
      events_.push_back(std::move(event));
      changed_.notify_all();
    });
  }
  ~client_world() {
    for (auto& process : processes)
      close_shell(process);
    client.reset();
    kill_supervisor(settings.data_dir); // of a test that failed before its end
  }

  shell_event hear(std::initializer_list<kind> wanted) {
    std::unique_lock guard{mutex_};
    for (;;) {
      auto found = std::find_if(events_.begin(), events_.end(), [&](const shell_event& event) {
        return std::find(wanted.begin(), wanted.end(), event.what) != wanted.end();
      });
      if (found != events_.end()) {
        auto event = std::move(*found);
        events_.erase(found);
        return event;
      }
      REQUIRE(changed_.wait_for(guard, wait_max) == std::cv_status::no_timeout);
    }
  }

  bool has_heard(kind what) {
    std::lock_guard guard{mutex_};
    return std::any_of(events_.begin(), events_.end(), [=](const auto& event) { return event.what == what; });
  }

  shell_process take(shell_event event) {
    REQUIRE_MESSAGE(event.what == kind::started, event.why);
    processes.push_back(event.process);
    return event.process;
  }
  // `left`: what the quota of the user 5 leaves.
  shell_process start(int64_t chat, size_t left = std::numeric_limits<size_t>::max()) {
    client->start(++requests, 5, chat, std::to_string(chat), "default", left);
    return take(hear({kind::started, kind::failed}));
  }
  void end() {
    client->end();
    hear({kind::lost});
  }

  void send(const shell_process& to, uint64_t id, const std::string& code, const std::string& tag = "") {
    auto bytes = encode_execute(id, tag, code, settings.shell);
    REQUIRE(write(to.fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  // What the stream says until this cell is done, or until it ends.
  std::string text_until(const shell_process& from, uint64_t id) {
    frame_reader reader{settings.shell.frame_bytes_max};
    std::string text;
    for (;;) {
      pollfd one{from.fd, POLLIN, 0};
      REQUIRE(poll(&one, 1, 60'000) == 1);
      char bytes[4096];
      auto size = read(from.fd, bytes, sizeof bytes);
      if (size <= 0)
        return text + "(end)";
      auto frames = reader.feed({bytes, static_cast<size_t>(size)});
      REQUIRE(frames);
      for (auto& frame : *frames) {
        if (auto* output = std::get_if<worker_output>(&frame)) {
          if (auto* value = std::get_if<value_output>(&output->output))
            text += value->text;
          else if (auto* stream = std::get_if<stream_output>(&output->output))
            text += stream->text;
        } else if (auto* done = std::get_if<worker_done>(&frame); done && done->id == id) {
          return text;
        }
      }
    }
  }
  std::string run(const shell_process& in, const std::string& code) {
    send(in, ++cells, code);
    return text_until(in, cells);
  }

  supervisor_settings settings;
  std::unique_ptr<supervisor_client> client;
  std::vector<shell_process> processes;
  uint64_t requests = 0, cells = 0;

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<shell_event> events_;
};

// The number after a word of a file.
int64_t number_after(const std::string& wanted, const std::string& path) {
  std::ifstream file{path};
  std::string word;
  int64_t number = -1;
  while (file >> word && word != wanted)
    ;
  file >> number;
  return number;
}

std::string status_of(int pidfd) {
  return "/proc/" + std::to_string(number_after("Pid:", "/proc/self/fdinfo/" + std::to_string(pidfd))) + "/status";
}

// The process that forked the shell.
pid_t interpreter_of(const shell_process& process) {
  return static_cast<pid_t>(number_after("PPid:", status_of(process.init_pidfd)));
}

int64_t user_of(int pidfd) {
  return number_after("Uid:", status_of(pidfd));
}

} // namespace

TEST_CASE("two shells of one interpreter draw different random numbers and names") {
  test::scratch_dir scratch;
  client_world world{scratch.path(), [](shell_config& shell) { shell.preload = {"numpy"}; }};
  auto one = world.start(1), two = world.start(2);
  for (const char* code :
       {"import random; random.random()", "import ssl; ssl.RAND_bytes(16)", "import uuid; uuid.uuid4()",
        "import tempfile; tempfile.mktemp()", "import numpy; numpy.random.rand()",
        "import multiprocessing; bytes(multiprocessing.current_process().authkey)", "import os; os.urandom(8)"}) {
    CAPTURE(code);
    auto first = world.run(one, code), second = world.run(two, code);
    CHECK_FALSE(first.empty());
    CHECK(first != second);
  }
  CHECK(world.run(one, "import os; os.getpid()") == "2");
  world.end();
}

TEST_CASE("processes that together use more memory than the shell may are ended, fewer are not") {
  test::scratch_dir scratch;
  client_world world{scratch.path(), [](shell_config& shell) { shell.memory_bytes_max = 300u << 20; }};
  auto shell = world.start(1);
  const std::string fill
    = "import subprocess, sys\n"
      "hold = 'import sys; x = bytearray(100 << 20); print(len(x), flush=True); sys.stdin.read()'\n"
      "def more():\n"
      "    p = subprocess.Popen([sys.executable, '-c', hold], stdin=subprocess.PIPE, "
      "stdout=subprocess.PIPE)\n"
      "    p.stdout.readline()\n"
      "    return p\n";
  CHECK(world.run(shell, fill + "p = more(); p.communicate(); 'one'").find("'one'") != std::string::npos);
  world.send(shell, 100, "many = [more() for _ in range(6)]\nimport time; time.sleep(3600)");
  auto ended = world.hear({kind::ended});
  CHECK(ended.why == "memory");
  CHECK(world.run(world.start(2), "'well'") == "'well'");
  world.end();
}

TEST_CASE("a shell that may have less memory than others has it, and they keep theirs") {
  test::scratch_dir scratch;
  client_world world{scratch.path()};
  constexpr size_t mib = 1u << 20;
  const auto most = world.settings.shell.memory_bytes_max;
  const auto start = [&](int64_t chat, size_t memory, size_t told) {
    world.client->start(++world.requests, 5, chat, std::to_string(chat), "default", std::numeric_limits<size_t>::max(),
                        {}, memory);
    auto started = world.hear({kind::started, kind::failed});
    CHECK(started.memory == told);
    return world.take(std::move(started));
  };
  const auto little = start(1, 300 * mib, 300 * mib), usual = start(2, 0, most), greedy = start(3, most + 1, most);
  const std::string fill = "def fill():\n"
                           "    try:\n"
                           "        return len(bytearray(400 << 20))\n"
                           "    except MemoryError:\n"
                           "        return 'too much'\n"
                           "fill()";
  CHECK(world.run(little, fill) == "'too much'");
  CHECK(world.run(usual, fill) == std::to_string(400 * mib));
  CHECK(world.run(greedy, fill) == std::to_string(400 * mib));
  const auto hard_limit = [&](const shell_process& of) {
    return std::stoull(world.run(of, "import resource\nresource.getrlimit(resource.RLIMIT_AS)[1]"));
  };
  CHECK(hard_limit(usual) - hard_limit(little) == most - 300 * mib);
  CHECK(hard_limit(greedy) == hard_limit(usual));
  CHECK(world.run(little, "resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))").find("(end)")
        == std::string::npos); // refused, and the shell goes on
  CHECK(world.run(little, fill) == "'too much'");
  world.end();
}

TEST_CASE("shells of a root server have a host user each, and write to disk as one") {
  test::scratch_dir scratch;
  client_world world{scratch.path()};
  auto problem = shell_user() == 0 ? caf::error{} : try_shell_users(scratch.path(), world.settings.shell.bubblewrap);
  auto one = world.start(1), two = world.start(2);
  if (shell_user() == 0 || problem) {
    MESSAGE("one host user for all: " << text_of(problem));
    CHECK(user_of(one.python_pidfd) == user_of(two.python_pidfd));
  } else {
    CHECK(user_of(one.python_pidfd) == user_of_shell(one.number));
    CHECK(user_of(two.python_pidfd) == user_of_shell(two.number));
    CHECK(user_of(one.init_pidfd) == user_of_shell(one.number));
  }
  CHECK(world.run(one, "import os; open('made', 'w').close(); os.getuid(), os.stat('made').st_uid") == "(1000, 1000)");
  struct stat status{};
  REQUIRE(stat((world.settings.workspaces() / "1/made").c_str(), &status) == 0);
  CHECK(status.st_uid == (shell_user() == 0 ? geteuid() : shell_user()));
  kill_shell(one);
  CHECK(world.hear({kind::ended}).shell == one.number);
  CHECK(world.run(world.start(1), "import os; os.remove('made'); 'removed'") == "'removed'");
  world.end();
}

TEST_CASE("an interpreter that dies is started again, and its shells are told to be lost") {
  test::scratch_dir scratch;
  client_world world{scratch.path()};
  auto shell = world.start(1);
  CHECK(world.run(shell, "x = 1\nx") == "1");
  auto interpreter = interpreter_of(shell);
  REQUIRE(interpreter > 1);
  kill(interpreter, SIGKILL);
  auto ended = world.hear({kind::ended});
  CHECK(ended.shell == shell.number);
  CHECK(ended.why == "interpreter");
  CHECK(world.run(world.start(1), "'again'") == "'again'");
  world.end();
}

TEST_CASE("a client that comes after another one finds its shells and their cells") {
  test::scratch_dir scratch;
  auto first = std::make_unique<client_world>(scratch.path());
  auto shell = first->start(7);
  first->send(shell, 1, "x = object()\nprint('kept')", "call_1");
  CHECK(first->text_until(shell, 1) == "kept\n");
  first->send(shell, 2, "import os\nwhile not os.path.exists('go'): pass\n'gone'", "call_2");
  first->client.reset();
  client_world second{scratch.path()};
  auto found = second.hear({kind::found});
  CHECK(found.chat == 7);
  REQUIRE(found.cells.size() == 2);
  CHECK(found.cells[0].tag == "call_1");
  CHECK(found.cells[0].done);
  CHECK(found.cells[1].tag == "call_2");
  CHECK_FALSE(found.cells[1].done);
  second.client->attach(1, found.shell);
  auto again = second.take(second.hear({kind::started, kind::failed}));
  std::ofstream{scratch.path() / "workspaces" / "7" / "go"};
  CHECK(second.text_until(again, 2) == "kept\n'gone'");
  second.end();
  first.reset();
}

TEST_CASE("shells of another configuration are taken over by the next server, which is told that it is another one") {
  test::scratch_dir scratch;
  client_world first{scratch.path()};
  auto shell = first.start(7);
  CHECK(first.run(shell, "x = 1\nx") == "1");
  first.client.reset();
  client_world second{scratch.path(), [](shell_config& limits) { limits.open_files_max = 100; }};
  CHECK_FALSE(second.hear({kind::older, kind::census}).has_same_settings);
  auto found = second.hear({kind::found, kind::census});
  REQUIRE(found.what == kind::found);
  second.client->attach(1, found.shell);
  auto again = second.take(second.hear({kind::started, kind::failed}));
  second.cells = 1; // the former server's, whose result nobody acknowledged: it comes once more
  CHECK(second.run(again, "x + 1") == "12");
  second.end();
}

TEST_CASE("shells of the same program and configuration go on without a word about it") {
  test::scratch_dir scratch;
  client_world first{scratch.path()};
  first.start(7);
  first.client.reset();
  CHECK_FALSE(find_older_supervisor(scratch.path()));
  client_world second{scratch.path()};
  second.hear({kind::census});
  CHECK(second.has_heard(kind::found));
  CHECK_FALSE(second.has_heard(kind::older));
  CHECK_FALSE(second.has_heard(kind::refused));
  second.end();
}

TEST_CASE("more shells live than a single one may have descriptors") {
  test::scratch_dir scratch;
  client_world world{scratch.path(), [](shell_config& shell) { shell.open_files_max = 32; }};
  for (int64_t chat = 1; chat <= 40; ++chat)
    world.start(chat);
  CHECK(world.run(world.processes.back(), "import resource; resource.getrlimit(resource.RLIMIT_NOFILE)") == "(32, 32)");
  CHECK(world.run(world.processes.front(), "open('/workspace/a', 'w').write('x')") == "1");
  world.end();
}

TEST_CASE("a cell that writes beyond what the user's quota leaves is told of, and so is what the workspace holds") {
  test::scratch_dir scratch;
  client_world world{scratch.path() / "data", [](shell_config& limits) { limits.user_bytes_max = 64u << 20; }};
  auto shell = world.start(3, 2u << 20);
  // At once: what is looked at in between would be told as well.
  world.send(shell, 1,
             "import os\nwith open('a', 'wb') as a: os.posix_fallocate(a.fileno(), 0, 3 << 20)\nwhile True: pass");
  auto over = world.hear({kind::over});
  CHECK(over.why
        == "The workspace is over its quota, and the cell was stopped: it holds 3 MiB; all chats of a user may hold 64 "
           "MiB together (shell.user_bytes_max), and the others leave 2 MiB for this one. Delete files; the variables "
           "are kept.");
  auto usage = world.hear({kind::usage});
  CHECK(usage.user == 5);
  CHECK(usage.chat == 3);
  CHECK(usage.bytes >= 3 << 20);
  interrupt_shell(shell);
  world.text_until(shell, 1);
  world.client->allow(over.shell, 40u << 20);
  world.send(shell, 2, "with open('b', 'wb') as b: os.posix_fallocate(b.fileno(), 0, 5 << 20)\nwhile True: pass");
  CHECK(world.hear({kind::usage}).bytes >= 5 << 20);
  interrupt_shell(shell);
  world.text_until(shell, 2);
  world.end();
  CHECK_FALSE(world.has_heard(kind::over));
}

TEST_CASE("what a short cell wrote is told, too") {
  test::scratch_dir scratch;
  client_world world{scratch.path() / "data"};
  auto shell = world.start(3);
  CHECK(world.run(shell, "open('a', 'wb').write(b'x' * 5_000)") == "5000");
  auto usage = world.hear({kind::usage});
  CHECK(usage.bytes >= 5'000);
  CHECK(usage.bytes < 100'000);
  world.end();
}
