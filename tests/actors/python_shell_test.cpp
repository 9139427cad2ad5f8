#include "actors/shell_host.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace varro;
using namespace std::chrono_literals;

namespace {

struct shell_system_config : caf::actor_system_config {
  shell_system_config() {
    load<caf::io::middleman>();
    add_message_types<caf::id_block::varro_base>();
    add_message_types<caf::id_block::varro>();
  }
};

// A real shell in a real sandbox, with limits that a test reaches quickly. Without packages, to be quick itself.
class shell_world {
public:
  shell_world() : system{config_}, self{system} {
    settings.preload.clear();
    settings.cell_max = 60s;
    settings.interrupt_grace = 2s;
    settings.output_bytes_max = 20'000;
    settings.memory_bytes_max = 1u << 30;
    workspace = scratch.path() / "data" / "workspaces" / "7";
    std::filesystem::create_directories(workspace.parent_path());
    std::filesystem::permissions(scratch.path() / "data", std::filesystem::perms::owner_all);
  }
  ~shell_world() {
    stop_host();
  }

  // With the settings as they are now.
  caf::error try_start() {
    stop_host();
    auto loaded = std::make_shared<config>();
    loaded->data_dir = scratch.path() / "data";
    loaded->shell = settings;
    host = spawn_shell_host(system, loaded);
    caf::error problem;
    self->request(host, 120s, start_atom_v, wanted_shell{3, 7, workspace.string(), {}})
      .receive([&](python_shell_actor& found) { shell = found; }, [&](caf::error& error) { problem = error; });
    return problem;
  }
  void start() {
    auto problem = try_start();
    REQUIRE_MESSAGE(!problem, text_of(problem));
  }
  void stop_host() {
    shell = nullptr;
    if (!host)
      return;
    self->request(host, 60s, stop_atom_v).receive([](done_atom) {}, [](caf::error&) {});
    self->wait_for(host);
    host = nullptr;
  }

  cell_result run(const std::string& code) {
    if (!shell)
      start();
    cell_result result;
    bool answered = false;
    self->request(shell, 120s, execute_atom_v, code)
      .receive(
        [&](cell_result& found) {
          result = std::move(found);
          answered = true;
        },
        [](caf::error& error) { MESSAGE(text_of(error)); });
    REQUIRE(answered);
    return result;
  }

  std::string text(const std::string& code) {
    return cell_text(run(code));
  }

  // Why the actor ended; waits for it.
  caf::error end() {
    caf::error reason;
    auto watched = std::exchange(shell, nullptr);
    self->monitor(watched);
    self->receive([&](caf::down_msg& down) { reason = down.reason; });
    return reason;
  }

  shell_system_config config_;
  caf::actor_system system;
  caf::scoped_actor self;
  shell_config settings;
  test::scratch_dir scratch;
  std::filesystem::path workspace;
  shell_host_actor host;
  python_shell_actor shell;
};

template <class Output>
const Output* find_output(const cell_result& result) {
  for (const auto& output : result.outputs)
    if (auto* found = std::get_if<Output>(&output))
      return found;
  return nullptr;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Processes of the host that work in this directory.
int processes_in(const std::filesystem::path& directory) {
  struct stat wanted{};
  if (stat(directory.c_str(), &wanted) != 0)
    return 0;
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    struct stat status{};
    found += stat((entry.path() / "cwd").c_str(), &status) == 0 && status.st_dev == wanted.st_dev
        && status.st_ino == wanted.st_ino
      ? 1
      : 0;
  }
  return found;
}

void signal_all_in(const std::filesystem::path& directory, int signal) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc"))
    if (std::filesystem::equivalent(entry.path() / "cwd", directory, ignored))
      kill(static_cast<pid_t>(std::atoi(entry.path().filename().c_str())), signal);
}

// Processes of the host whose command line has this in it.
int processes_with_argument(const std::string& needle) {
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file{entry.path() / "cmdline", std::ios::binary};
    std::string line{std::istreambuf_iterator<char>{file}, {}};
    found += contains(line, needle) ? 1 : 0;
  }
  return found;
}

} // namespace

TEST_CASE("variables, imports and functions stay from cell to cell") {
  shell_world world;
  CHECK(world.run("import math\nx = 40\ndef f(y): return x + y").status == cell_status::ok);
  auto result = world.run("f(2)");
  CHECK(result.status == cell_status::ok);
  CHECK(cell_text(result) == "42");
  CHECK(world.text("_ + 1") == "43");
  CHECK(world.text("import asyncio\nawait asyncio.sleep(0, 'awaited')") == "'awaited'");
}

TEST_CASE("an error comes with a short traceback of the cells' own lines") {
  shell_world world;
  auto result = world.run("def f():\n    return 1 / 0\nf()");
  CHECK(result.status == cell_status::failed);
  auto* error = find_output<error_output>(result);
  REQUIRE(error != nullptr);
  CHECK(error->name == "ZeroDivisionError");
  CHECK(error->message == "division by zero");
  CHECK(contains(error->traceback, "line 2, in f"));
  CHECK_FALSE(contains(error->traceback, "IPython"));
  CHECK_FALSE(contains(error->traceback, "\x1b"));
  CHECK(contains(world.text("x = ("), "SyntaxError"));
  CHECK(contains(world.text("import sys; sys.exit(3)"), "SystemExit: 3"));
  CHECK(contains(world.text("input('name?')"), "nobody can type"));
  CHECK(world.text("'still here'") == "'still here'");
}

TEST_CASE("output of Python, of children and of C keeps its order") {
  shell_world world;
  auto text = world.text("import os, ctypes\n"
                         "print('one')\n"
                         "os.system('echo two')\n"
                         "os.write(1, b'three\\xff\\n')\n"
                         "!echo four\n"
                         "print('five')\n"
                         "_ = ctypes.CDLL(None).puts(b'six')\n");
  CHECK(text == "one\ntwo\nthree\xEF\xBF\xBD\nfour\nfive\nsix\n");
}

TEST_CASE("a plot becomes an image and a DataFrame becomes a table") {
  shell_world world;
  auto plot = world.run("import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show(); print('between')\n"
                        "plt.figure(); _ = plt.plot([3, 4])");
  REQUIRE(plot.outputs.size() == 3);
  CHECK(std::get<image_output>(plot.outputs[0]).data.starts_with("\x89PNG"));
  CHECK(std::get<stream_output>(plot.outputs[1]).text == "between\n");
  CHECK(std::get<image_output>(plot.outputs[2]).media_type == "image/png");

  auto frame = world.run("import pandas as pd\npd.DataFrame({'a': range(1000), 'b': [0.5] * 1000})");
  auto* table = find_output<table_output>(frame);
  REQUIRE(table != nullptr);
  CHECK(table->columns == std::vector<std::string>{"", "a", "b"});
  CHECK(table->dtypes == std::vector<std::string>{"int64", "int64", "float64"});
  CHECK(table->rows.size() == static_cast<size_t>(world.settings.table_rows_max));
  CHECK(table->rows[1] == std::vector<std::string>{"1", "1", "0.5"});
  CHECK(table->rows_total == 1000);
  CHECK(table->columns_total == 2);
}

TEST_CASE("cells wait for each other and are answered in order") {
  shell_world world;
  world.start();
  auto first = world.self->request(world.shell, 60s, execute_atom_v, std::string{"import time\nx = 1"});
  auto second = world.self->request(world.shell, 60s, execute_atom_v, std::string{"x += 1\nx"});
  second.receive([](cell_result& result) { CHECK(cell_text(result) == "2"); },
                 [](caf::error& error) { FAIL_CHECK(text_of(error)); });
  first.receive([](cell_result& result) { CHECK(result.status == cell_status::ok); },
                [](caf::error& error) { FAIL_CHECK(text_of(error)); });
}

TEST_CASE("an interrupt ends the cell in flight, keeps the state and drops what waits") {
  shell_world world;
  CHECK(world.text("x = 'kept'\nopen('started', 'w').close()\nx") == "'kept'");
  auto endless = world.self->request(world.shell, 60s, execute_atom_v,
                                     std::string{"import os\nos.remove('started')\nwhile True: pass"});
  auto waiting = world.self->request(world.shell, 60s, execute_atom_v, std::string{"y = 1"});
  while (std::filesystem::exists(world.workspace / "started"))
    std::this_thread::sleep_for(1ms);
  world.self->send(world.shell, interrupt_atom_v);
  endless.receive([](cell_result& result) { CHECK(result.status == cell_status::interrupted); },
                  [](caf::error& error) { FAIL_CHECK(text_of(error)); });
  waiting.receive([](cell_result& result) { CHECK(result.status == cell_status::interrupted); },
                  [](caf::error& error) { FAIL_CHECK(text_of(error)); });
  CHECK(world.text("x, 'y' in globals()") == "('kept', False)");
  world.self->send(world.shell, interrupt_atom_v);
  CHECK(world.text("'an interrupt between cells does nothing'") == "'an interrupt between cells does nothing'");
}

TEST_CASE("an interrupt that is lost in a destructor is sent again, and the state is kept") {
  shell_world world;
  world.settings.cell_max = 1s;
  CHECK(world.text("x = 'kept'\nx") == "'kept'");
  auto result = world.run("import time\nclass Lost:\n    def __del__(self): time.sleep(60)\nLost()\nwhile True: pass");
  CHECK(result.status == cell_status::interrupted);
  CHECK(world.text("x") == "'kept'");
}

TEST_CASE("a cell that outlives its time is interrupted with a reason") {
  shell_world world;
  world.settings.cell_max = 1s;
  CHECK(world.run("x = 5").status == cell_status::ok);
  auto result = world.run("print('working')\nimport time\ntime.sleep(60)");
  CHECK(result.status == cell_status::interrupted);
  CHECK(contains(result.reason, "longer than 1 s"));
  CHECK(contains(cell_text(result), "working"));
  CHECK(world.text("x") == "5");
}

TEST_CASE("a cell that ignores the interrupt is killed with its shell") {
  shell_world world;
  world.settings.cell_max = 1s;
  world.settings.interrupt_grace = 200ms;
  auto result = world.run("import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('deaf')\n"
                          "while True: time.sleep(1)");
  CHECK(result.status == cell_status::killed);
  CHECK(contains(result.reason, "killed"));
  CHECK(contains(cell_text(result), "deaf"));
  CHECK(code_of(world.end()) == errc::shell_lost);
}

TEST_CASE("a shell that ends itself is reported, with what it had printed") {
  for (const auto& dying : std::vector<std::pair<const char*, const char*>>{
         {"print('last words'); import os; os._exit(7)", "exit code 7"},
         {"print('last words'); import ctypes; ctypes.string_at(0)", "segmentation fault"},
         {"print('last words'); exit()", "exit()"},
         {"print('last words'); import os; os.kill(os.getpid(), 9)", "killed"},
         {"print('last words'); import os; os.abort()", "aborted"}}) {
    const auto* code = dying.first;
    const auto* reason = dying.second;
    CAPTURE(code);
    shell_world world;
    auto result = world.run(code);
    CHECK((result.status == cell_status::lost || result.status == cell_status::killed));
    CHECK(contains(result.reason, reason));
    CHECK(contains(cell_text(result), "last words"));
    CHECK(code_of(world.end()) == errc::shell_lost);
    CHECK(processes_in(world.workspace) == 0);
  }
}

TEST_CASE("a cell that its shell surely did not begin before it ended is given back, one that it began is not") {
  shell_world world;
  world.start();
  auto answer_to = [&](auto& request) {
    std::string answer;
    request.receive([&](cell_result& result) { answer = to_string(result.status); },
                    [&](caf::error& error) { answer = to_string(code_of(error)); });
    return answer;
  };
  SUBCASE("it waits behind the cell that ends the shell") {
    auto first = world.self->request(world.shell, 60s, execute_atom_v, "import os; os.kill(os.getpid(), 9)");
    auto second = world.self->request(world.shell, 60s, execute_atom_v, "print('ran')");
    CHECK(answer_to(second) == "shell_lost");
    CHECK(answer_to(first) == "killed");
  }
  SUBCASE("it was sent, and its process ends before it looks at it") {
    world.run("import pathlib");
    signal_all_in(world.workspace, SIGSTOP);
    auto cell = world.self->request(world.shell, 60s, execute_atom_v, "pathlib.Path('ran').touch()");
    // It is sent once another message was answered.
    world.self->request(world.shell, 60s, result_atom_v, "none").receive([](cell_result&) {}, [](caf::error&) {});
    signal_all_in(world.workspace, SIGKILL);
    CHECK(answer_to(cell) == "shell_lost");
    CHECK_FALSE(std::filesystem::exists(world.workspace / "ran"));
  }
  SUBCASE("it began, and said nothing before the end") {
    auto cell = world.self->request(world.shell, 60s, execute_atom_v, "import os; os._exit(7)");
    CHECK(answer_to(cell) == "lost");
  }
}

TEST_CASE("a shell falls asleep when it has nothing to do, and not while a cell is on or waits") {
  shell_world world;
  world.start();
  auto shell = caf::actor_cast<python_shell_broker>(world.shell);
  auto falls_asleep = [&] {
    bool answer = false;
    world.self->request(shell, 60s, sleep_atom_v).receive([&](bool ends) { answer = ends; }, [](caf::error&) {});
    return answer;
  };
  auto cell = world.self->request(world.shell, 60s, execute_atom_v, "import time; time.sleep(0.2); 'ran'");
  auto next = world.self->request(world.shell, 60s, execute_atom_v, "'ran too'");
  CHECK_FALSE(falls_asleep());
  cell.receive([](cell_result& result) { CHECK(cell_text(result) == "'ran'"); },
               [](caf::error& error) { FAIL(text_of(error)); });
  next.receive([](cell_result& result) { CHECK(cell_text(result) == "'ran too'"); },
               [](caf::error& error) { FAIL(text_of(error)); });
  CHECK(falls_asleep());
  CHECK(world.end() == caf::none);
}

TEST_CASE("a shell that retires lets the cells of one answer run, and ends when they are over") {
  shell_world world;
  world.start();
  auto shell = caf::actor_cast<python_shell_broker>(world.shell);
  auto first = world.self->request(world.shell, 60s, execute_atom_v, "import time; time.sleep(0.2); 'ran'", "first");
  auto retires = world.self->request(shell, 60s, passivate_atom_v);
  auto next = world.self->request(world.shell, 60s, execute_atom_v, "'ran too'", "next");
  first.receive([](cell_result& result) { CHECK(cell_text(result) == "'ran'"); },
                [](caf::error& error) { FAIL(text_of(error)); });
  next.receive([](cell_result& result) { CHECK(cell_text(result) == "'ran too'"); },
               [](caf::error& error) { FAIL(text_of(error)); });
  retires.receive([](bool ends) { CHECK(ends); }, [](caf::error& error) { FAIL(text_of(error)); });
  CHECK(world.end() == caf::none);
}

TEST_CASE("a shell that retires takes the snapshot after its last cell, and gives back a cell that comes then") {
  shell_world world;
  world.start();
  auto shell = caf::actor_cast<python_shell_broker>(world.shell);
  world.self->request(world.shell, 60s, execute_atom_v, "x = 1\n'ran'", "last")
    .receive([](cell_result& result) { CHECK(cell_text(result) == "'ran'"); },
             [](caf::error& error) { FAIL(text_of(error)); });
  world.self->send(world.shell, ack_atom_v, std::string{"last"});
  auto snapshot = world.self->request(world.shell, 60s, snapshot_atom_v, int64_t{-1});
  auto retires = world.self->request(shell, 60s, passivate_atom_v);
  auto late = world.self->request(world.shell, 60s, execute_atom_v, "open('late', 'w').close()", "late");
  snapshot.receive([](snapshot_taken& taken) { CHECK(taken.tag == "last"); },
                   [](caf::error& error) { FAIL(text_of(error)); });
  retires.receive([](bool ends) { CHECK(ends); }, [](caf::error& error) { FAIL(text_of(error)); });
  late.receive([](cell_result&) { FAIL("it ran"); },
               [](caf::error& error) { CHECK(code_of(error) == errc::shell_lost); });
  CHECK(world.end() == caf::none);
  CHECK_FALSE(std::filesystem::exists(world.workspace / "late"));
}

TEST_CASE("a flood of 200 MB is bounded to head and tail") {
  shell_world world;
  auto result = world.run("for i in range(200): print('x' * 1_000_000)\nprint('the end')");
  CHECK(result.status == cell_status::ok);
  auto text = cell_text(result);
  CHECK(text.size() < world.settings.output_bytes_max + 200);
  CHECK(text.size() > world.settings.output_bytes_max / 2);
  CHECK(contains(text, "bytes left out]"));
  CHECK(text.ends_with("the end\n"));
  auto child = world.text("!head -c 200000000 /dev/zero\nprint('done')");
  CHECK(contains(child, "[199980005 bytes left out]"));
  CHECK(child.ends_with("done\n"));
}

TEST_CASE("output of exactly the limit is whole, one byte more is cut") {
  shell_world world;
  auto limit = std::to_string(world.settings.output_bytes_max);
  CHECK(world.text("print('x' * " + limit + ", end='')") == std::string(world.settings.output_bytes_max, 'x'));
  CHECK(contains(world.text("print('x' * (" + limit + " + 1), end='')"), "[1 bytes left out]"));
}

TEST_CASE("memory is limited and the shell survives reaching the limit") {
  shell_world world;
  auto small = world.run("a = bytearray(100 << 20)\nlen(a)");
  CHECK(small.status == cell_status::ok);
  auto result = world.run("b = []\nwhile True: b.append(bytearray(50 << 20))");
  CHECK(result.status == cell_status::failed);
  CHECK(contains(cell_text(result), "MemoryError"));
  CHECK(world.text("del b\nlen(a)") == "104857600");
}

TEST_CASE("processes are limited, few are allowed, and a fork bomb ends with its shell") {
  shell_world world;
  world.settings.cell_max = 20s;
  CHECK(world.text("import subprocess\nps = [subprocess.Popen(['sleep', '60']) for _ in range(10)]\n"
                   "[p.kill() for p in ps]\n[p.wait() for p in ps]\nlen(ps)")
        == "10");
  auto result = world.run("import os, time\n"
                          "count = 0\n"
                          "try:\n"
                          "    while True:\n"
                          "        if os.fork() == 0:\n"
                          "            os.execvp('sleep', ['sleep', '86397'])\n"
                          "        count += 1\n"
                          "except OSError as error:\n"
                          "    print(type(error).__name__)\n"
                          "count < 64");
  CHECK(cell_text(result).starts_with("BlockingIOError\nTrue\nStill running after this cell: processes "));
  CHECK(processes_with_argument("86397") > 10);
  world.self->send(world.shell, close_atom_v);
  CHECK(code_of(world.end()) == errc::none);
  CHECK(processes_with_argument("86397") == 0);
}

TEST_CASE("a recursive fork bomb is killed at the deadline and leaves nothing") {
  shell_world world;
  world.settings.cell_max = 1s;
  world.settings.interrupt_grace = 300ms;
  auto result = world.run("import os, signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
                          "while True:\n    try: os.fork()\n    except OSError: pass");
  CHECK(result.status == cell_status::killed);
  CHECK(code_of(world.end()) == errc::shell_lost);
  CHECK(processes_in(world.workspace) == 0);
}

TEST_CASE("garbage in the protocol's descriptor ends the shell, other descriptors do not matter") {
  const std::string sockets = "import os, stat\n"
                              "def sockets():\n"
                              "    found = []\n"
                              "    for name in os.listdir('/proc/self/fd'):\n"
                              "        try:\n"
                              "            if stat.S_ISSOCK(os.fstat(int(name)).st_mode): found.append(int(name))\n"
                              "        except OSError: pass\n"
                              "    return found\n";
  SUBCASE("children do not inherit it") {
    shell_world world;
    CHECK(world.text(sockets + "len(sockets())") == "1");
    CHECK(world.text("import subprocess\n"
                     "print(subprocess.run(['/bin/ls', '-l', '/proc/self/fd'], close_fds=False, text=True, "
                     "capture_output=True).stdout.count('socket:'))")
          == "0\n");
  }
  SUBCASE("writing garbage") {
    shell_world world;
    auto result
      = world.run(sockets + "os.write(sockets()[0], b'garbage that is no frame')\nimport time; time.sleep(60)");
    CHECK(result.status == cell_status::killed);
    CHECK(contains(result.reason, "protocol"));
    CHECK(code_of(world.end()) == errc::shell_lost);
  }
  SUBCASE("claiming a frame without end") {
    shell_world world;
    auto result = world.run(sockets + "os.write(sockets()[0], b'\\xff\\xff\\xff\\xff')\nimport time; time.sleep(60)");
    CHECK(result.status == cell_status::killed);
  }
  SUBCASE("ending a cell that is not its own") {
    shell_world world;
    auto result
      = world.run(sockets
                  + "body = b'{\"op\":\"done\",\"id\":999,\"status\":\"ok\",\"duration_us\":1}'\n"
                    "os.write(sockets()[0], len(body).to_bytes(4, 'big') + body)\nimport time; time.sleep(60)");
    CHECK(result.status == cell_status::killed);
  }
  SUBCASE("more output than a worker may send") {
    shell_world world;
    auto result
      = world.run(sockets
                  + "import json\n"
                    "body = json.dumps({'op': 'output', 'id': 1, 'output': {'type': 'stream', 'name': 'stdout', "
                    "'text': 'x' * 1000000}}).encode()\n"
                    "os.write(sockets()[0], len(body).to_bytes(4, 'big') + body)\nimport time; time.sleep(60)");
    CHECK(result.status == cell_status::killed);
    CHECK(contains(result.reason, "limits"));
  }
  SUBCASE("closing it and going on") {
    shell_world world;
    auto result = world.run(sockets + "os.close(sockets()[0])\nimport time; time.sleep(60)");
    CHECK(result.status == cell_status::lost);
    CHECK(contains(result.reason, "closed its connection"));
    CHECK(code_of(world.end()) == errc::shell_lost);
  }
  SUBCASE("closing it while it is killed for another reason") {
    shell_world world;
    world.start();
    caf::anon_send(caf::actor_cast<caf::actor>(world.shell), ended_atom_v, SIGKILL, std::string{"memory"});
    auto result = world.run(sockets + "os.close(sockets()[0])\nimport time; time.sleep(60)");
    CHECK(result.status == cell_status::killed);
    CHECK(contains(result.reason, "more memory than the limit"));
  }
}

TEST_CASE("the sandbox shows the workspace and the system, and nothing else") {
  shell_world world;
  std::ofstream{world.scratch.path() / "data" / "varro.db"} << "secret";
  auto fails = [&](const std::string& code) {
    auto result = world.run(code);
    return result.status == cell_status::failed ? find_output<error_output>(result)->name
                                                : "allowed: " + cell_text(result);
  };
  CHECK(world.text("open('/workspace/a', 'w').write('mine')\nopen('a').read()") == "'mine'");
  CHECK(std::filesystem::exists(world.workspace / "a"));
  CHECK(world.text("open('/tmp/b', 'w').write('x')") == "1");
  CHECK(contains(world.text("open('/etc/passwd').read()"), "user:x:1000"));
  CHECK_FALSE(contains(world.text("open('/etc/passwd').read()"), "daemon"));
  CHECK(fails("open('/etc/shadow')") == "FileNotFoundError");
  CHECK(fails("open('" + (world.scratch.path() / "data" / "varro.db").string() + "')") == "FileNotFoundError");
  CHECK(fails("import os; os.listdir('" + world.workspace.parent_path().string() + "')") == "FileNotFoundError");
  CHECK(fails("open('/usr/x', 'w')") == "OSError");
  CHECK(fails("open('/x', 'w')") == "OSError");
  CHECK(fails("open('/dev/x', 'w')") == "OSError");
  CHECK(fails("open('/etc/passwd', 'a')") == "PermissionError");
  CHECK(contains(fails("open('/proc/sys/kernel/core_pattern', 'w')"), "Error"));
  CHECK(world.text("sorted(os.listdir('/home') if os.path.exists('/home') else [])") == "[]");
  CHECK(world.text("os.getuid(), os.getcwd(), os.environ.get('ANTHROPIC_API_KEY')") == "(1000, '/workspace', None)");
}

TEST_CASE("a file that was uploaded before the shell started is the user's to read and to change") {
  shell_world world;
  std::filesystem::create_directories(world.workspace);
  std::ofstream{world.workspace / "data.csv"} << "a,b";
  std::filesystem::permissions(world.workspace / "data.csv",
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  CHECK(world.text("open('data.csv').read()") == "'a,b'");
  CHECK(world.text("open('data.csv', 'a').write('c')") == "1");
}

TEST_CASE("the shell sees its own processes only") {
  shell_world world;
  auto text = world.text("import os\nsorted(int(x) for x in os.listdir('/proc') if x.isdigit())");
  CHECK(text == "[1, 2]");
  CHECK(world.text("import signal\ntry: os.kill(" + std::to_string(getpid()) + ", 0)\nexcept OSError as e: print('no')")
        == "no\n");
}

TEST_CASE("the shell has no network, but sockets between its own processes work") {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(listen(listener, 4) == 0);
  REQUIRE(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  auto port = std::to_string(ntohs(address.sin_port));
  shell_world world;
  auto result = world.run("import socket\nsocket.create_connection(('127.0.0.1', " + port + "), 2)");
  CHECK(contains(cell_text(result), "ConnectionRefusedError"));
  CHECK(contains(world.text("socket.create_connection(('1.1.1.1', 53), 2)"), "unreachable"));
  CHECK(contains(world.text("socket.socket(40, socket.SOCK_STREAM)"), "not supported"));
  CHECK(world.run("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)").status == cell_status::failed);
  CHECK(world.run("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)").status == cell_status::failed);
  CHECK(world.text("a, b = socket.socketpair()\na.send(b'hi')\nb.recv(2)") == "b'hi'");
  CHECK(world.text("s = socket.create_server(('127.0.0.1', 0))\nc = socket.create_connection(s.getsockname())\n'local'")
        == "'local'");
  close(listener);
}

TEST_CASE("the shell cannot make namespaces, mounts or debug, but can make threads and processes") {
  shell_world world;
  CHECK(world.text("import ctypes, os, errno\nlibc = ctypes.CDLL(None, use_errno=True)\n"
                   "def no(f, *args):\n"
                   "    ctypes.set_errno(0)\n"
                   "    return errno.errorcode.get(ctypes.get_errno()) if f(*args) == -1 else 'allowed'\n"
                   "no(libc.unshare, 0x10000000), no(libc.mount, b'none', b'/tmp', b'tmpfs', 0, None), "
                   "no(libc.ptrace, 0, 0, 0, 0), no(libc.syscall, 435, 0, 0), no(libc.syscall, 425, 1, 0), "
                   "no(libc.syscall, 321, 0, 0, 0), no(libc.syscall, 56, 0x10000000 | 17, 0, 0, 0, 0)")
        == "('EPERM', 'EPERM', 'EPERM', 'ENOSYS', 'EPERM', 'EPERM', 'EPERM')");
  CHECK(world.text("import subprocess\nsubprocess.run(['unshare', '-U', 'true'], capture_output=True).returncode != 0")
        == "True");
  CHECK(world.text("import threading\nt = threading.Thread(target=print, args=('thread',)); t.start(); t.join()")
        == "thread\n");
  CHECK(world.text("from multiprocessing import Pool\nwith Pool(2) as p: print(p.map(abs, [-1, -2]))") == "[1, 2]\n");
}

TEST_CASE("files, shared memory and temporary space have limits") {
  shell_world world;
  world.settings.file_bytes_max = 10u << 20;
  world.settings.tmp_bytes_max = 8u << 20;
  CHECK(world.text("open('/workspace/f', 'wb').write(bytes(10 << 20))") == "10485760");
  CHECK(
    contains(world.text("f = open('/workspace/g', 'wb', 0)\nf.write(bytes(10 << 20)), f.write(b'x')"), "too large"));
  CHECK(world.text("open('/tmp/f', 'wb').write(bytes(4 << 20))") == "4194304");
  CHECK(
    contains(world.text("open('/tmp/g', 'wb', 0).write(bytes(5 << 20)); open('/tmp/h', 'wb', 0).write(b'x' * 8192)"),
             "No space left"));
  CHECK(contains(world.text("open('/dev/shm/g', 'wb').write(bytes(9 << 20))"), "No space left"));
}

TEST_CASE("objects that fight back in their repr end in an error, not in a lost shell") {
  shell_world world;
  world.settings.cell_max = 5s;
  CHECK(world.text("class good:\n    def __repr__(self): return 'fine'\ngood()") == "fine");
  CHECK(contains(world.text("class bad:\n    def __repr__(self): raise ValueError('no repr')\nbad()"), "no repr"));
  CHECK(contains(world.text("class deep:\n    def __repr__(self): return repr(self)\ndeep()"), "RecursionError"));
  CHECK(contains(world.text("class e(Exception):\n    def __str__(self): raise ValueError\nraise e"), "str() failed"));
  CHECK(world.run("class quits:\n    def __repr__(self): raise SystemExit\nquits()").status == cell_status::failed);
  CHECK(world.text("print('\\ud800')") == "?\n");
  CHECK(world.text("'alive'") == "'alive'");
}

TEST_CASE("a shell that cannot start ends with words about it") {
  shell_world world;
  world.settings.bubblewrap = "/usr/bin/false";
  auto problem = world.try_start();
  CHECK(code_of(problem) == errc::shell_unavailable);
  CHECK(contains(text_of(problem), "could not be started"));
  world.settings.bubblewrap = "/usr/bin/bwrap";
  world.start();
  CHECK(world.text("1") == "1");
}

TEST_CASE("a shell that is not ready in time is given up") {
  shell_world world;
  auto sleeper = world.scratch / "python3";
  std::ofstream{sleeper} << "#!/bin/sh\nexec sleep 86396\n";
  std::filesystem::permissions(sleeper, std::filesystem::perms::owner_all);
  world.settings.sandbox = false;
  world.settings.python = sleeper;
  world.settings.start_max = 100ms;
  auto problem = world.try_start();
  CHECK(code_of(problem) == errc::shell_unavailable);
  CHECK(contains(text_of(problem), "in time"));
  world.stop_host();
  CHECK(processes_with_argument("86396") == 0);
}

TEST_CASE("closing a shell ends everything in it and frees every descriptor") {
  auto descriptors = [] {
    auto entries = std::filesystem::directory_iterator("/proc/self/fd");
    return std::distance(begin(entries), end(entries));
  };
  shell_world world;
  world.start();
  auto with_shell = descriptors();
  CHECK(world.text("import subprocess\np = subprocess.Popen(['setsid', 'sleep', '86398'])\n1").starts_with("1\n"));
  CHECK(processes_in(world.workspace) > 1); // init stands elsewhere
  world.self->send(world.shell, close_atom_v);
  CHECK(code_of(world.end()) == errc::none);
  CHECK(processes_with_argument("86398") == 0);
  CHECK(processes_in(world.workspace) == 0);
  CHECK(descriptors() == with_shell - 3);
}

TEST_CASE("without the sandbox cells run, are interrupted and end") {
  shell_world world;
  world.settings.sandbox = false;
  world.settings.cell_max = 1s;
  CHECK(world.text("import os\nos.getcwd()") == "'" + world.workspace.string() + "'");
  CHECK(world.run("while True: pass").status == cell_status::interrupted);
  CHECK(contains(world.run("os._exit(3)").reason, "exit code 3"));
}
