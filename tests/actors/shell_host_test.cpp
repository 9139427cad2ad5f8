#include "actors/shell_host.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace varro;
using namespace std::chrono_literals;

namespace {

struct host_system_config : caf::actor_system_config {
  host_system_config() {
    load<caf::io::middleman>();
    add_message_types<caf::id_block::varro_base>();
    add_message_types<caf::id_block::varro>();
  }
};

// A real shell_host; the shells run without their sandbox, so that these tests are about the census alone.
class host_world {
public:
  explicit host_world(std::function<void(shell_config&)> change = {}) : system{config_}, self{system} {
    auto loaded = std::make_shared<config>();
    loaded->data_dir = scratch.path();
    loaded->shell.sandbox = false;
    loaded->shell.preload.clear();
    if (change)
      change(loaded->shell);
    host = spawn_shell_host(system, loaded);
  }
  ~host_world() {
    self->request(host, 60s, stop_atom_v).receive([](done_atom) {}, [](caf::error&) {});
    self->wait_for(host);
  }

  auto ask(int64_t chat) {
    return self->request(host, 60s, start_atom_v,
                         wanted_shell{0, chat, (scratch / "workspaces" / std::to_string(chat)).string(), {}});
  }
  caf::expected<python_shell_actor> start(int64_t chat) {
    caf::expected<python_shell_actor> found{caf::sec::none};
    ask(chat).receive([&](python_shell_actor& shell) { found = shell; }, [&](caf::error& error) { found = error; });
    return found;
  }
  std::string run(const python_shell_actor& shell, const std::string& code) {
    std::string text;
    self->request(shell, 60s, execute_atom_v, code)
      .receive([&](cell_result& result) { text = cell_text(result); },
               [&](caf::error& error) { text = text_of(error); });
    return text;
  }
  int64_t count() {
    int64_t found = -1;
    self->request(host, 60s, count_atom_v).receive([&](int64_t n) { found = n; }, [](caf::error&) {});
    return found;
  }
  caf::error end_of(const python_shell_actor& shell) {
    caf::error reason;
    self->monitor(shell);
    self->receive([&](caf::down_msg& down) { reason = down.reason; });
    return reason;
  }

  test::scratch_dir scratch;
  host_system_config config_;
  caf::actor_system system;
  caf::scoped_actor self;
  shell_host_actor host;
};

} // namespace

TEST_CASE("each chat gets a shell of its own") {
  host_world world;
  auto one = world.start(1), two = world.start(2);
  REQUIRE(one);
  REQUIRE(two);
  CHECK(world.run(*one, "x = 1\nx") == "1");
  CHECK(world.run(*two, "'x' in globals()") == "False");
  CHECK(world.count() == 2);
}

TEST_CASE("requests for a chat that is starting share its shell; a used shell is replaced by a fresh one") {
  host_world world;
  auto first = world.ask(1);
  auto second = world.ask(1);
  python_shell_actor a, b;
  first.receive([&](python_shell_actor& shell) { a = shell; }, [](caf::error& error) { FAIL(text_of(error)); });
  second.receive([&](python_shell_actor& shell) { b = shell; }, [](caf::error& error) { FAIL(text_of(error)); });
  CHECK(a == b);
  CHECK(world.run(a, "x = 1\nx") == "1");
  auto fresh = world.start(1);
  REQUIRE(fresh);
  CHECK(*fresh != a);
  CHECK(world.run(*fresh, "'x' in globals()") == "False");
  CHECK(world.count() == 1);
}

TEST_CASE("when all places are taken the shell that was used longest ago makes room") {
  host_world world{[](shell_config& limits) { limits.live_max = 2; }};
  auto one = world.start(1), two = world.start(2);
  REQUIRE((one && two));
  world.run(*two, "2");
  world.run(*one, "1");
  auto three = world.start(3);
  REQUIRE(three);
  CHECK(world.count() == 2);
  CHECK(code_of(world.end_of(*two)) == errc::none);
  CHECK(world.run(*one, "'alive'") == "'alive'");
  CHECK(world.run(*three, "3") == "3");
}

TEST_CASE("a busy shell is not closed for another; the request waits until it is idle") {
  host_world world{[](shell_config& limits) { limits.live_max = 1; }};
  auto one = world.start(1);
  REQUIRE(one);
  auto gate = (world.scratch / "gate").string();
  auto cell = world.self->request(*one, 60s, execute_atom_v,
                                  "import os, time\nopen('" + gate
                                    + "', 'w').close()\n"
                                      "while os.path.exists('"
                                    + gate + "'): time.sleep(0.001)\n'finished'");
  while (!std::filesystem::exists(gate))
    std::this_thread::sleep_for(1ms);
  auto two = world.ask(2);
  CHECK(world.count() == 1); // answered after the request, so that the host has seen it
  std::filesystem::remove(gate);
  cell.receive([](cell_result& result) { CHECK(cell_text(result) == "'finished'"); },
               [](caf::error& error) { FAIL_CHECK(text_of(error)); });
  two.receive([&](python_shell_actor& shell) { CHECK(shell != *one); },
              [](caf::error& error) { FAIL_CHECK(text_of(error)); });
}

TEST_CASE("more starts than may run at once are served one after the other") {
  host_world world{[](shell_config& limits) { limits.starting_max = 1; }};
  auto one = world.ask(1), two = world.ask(2), three = world.ask(3);
  int served = 0;
  for (auto* handle : {&one, &two, &three})
    handle->receive([&](python_shell_actor&) { ++served; }, [](caf::error& error) { FAIL_CHECK(text_of(error)); });
  CHECK(served == 3);
}

TEST_CASE("an idle shell is closed after its time") {
  host_world world{[](shell_config& limits) { limits.idle = std::chrono::minutes{0}; }};
  auto one = world.start(1);
  REQUIRE(one);
  CHECK(code_of(world.end_of(*one)) == errc::none);
}

TEST_CASE("while memory is short idle shells are put to sleep, one that computes is not") {
  host_world world{[](shell_config& limits) { limits.memory_reserve_bytes = size_t{1} << 50; }};
  auto busy = world.start(1);
  REQUIRE(busy);
  auto answer = world.self->request(*busy, 60s, execute_atom_v, std::string{"import time\nwhile True: time.sleep(1)"});
  auto idle = world.start(2);
  REQUIRE(idle);
  CHECK(code_of(world.end_of(*idle)) == errc::none);
  world.self->send(*busy, interrupt_atom_v); // which it could not answer below if it were gone
  answer.receive([](cell_result& result) { CHECK(result.status == cell_status::interrupted); },
                 [](caf::error& error) { FAIL(text_of(error)); });
  CHECK(code_of(world.end_of(*busy)) == errc::none);
}

TEST_CASE("a shell that cannot be started is an error in plain words, and the next start works") {
  host_world world{[](shell_config& limits) {
    limits.sandbox = true;
    limits.bubblewrap = "/usr/bin/false";
  }};
  auto shell = world.start(1);
  REQUIRE_FALSE(shell);
  CHECK(code_of(shell.error()) == errc::shell_unavailable);
  CHECK(text_of(shell.error()).find("could not be started") != std::string::npos);
  host_world missing{[](shell_config& limits) { limits.python = "/nonexistent/python3"; }};
  auto none = missing.start(1);
  REQUIRE_FALSE(none);
  CHECK(text_of(none.error()).find("/nonexistent/python3 is not installed") != std::string::npos);
  host_world good;
  CHECK(good.start(1));
}

TEST_CASE("after a stop nothing lives and nothing starts") {
  auto world = std::make_unique<host_world>();
  auto one = world->start(1);
  REQUIRE(one);
  auto starting = world->ask(2);
  auto stopping = world->self->request(world->host, 60s, stop_atom_v);
  auto late = world->ask(3);
  bool stopped = false;
  stopping.receive([&](done_atom) { stopped = true; }, [](caf::error& error) { FAIL_CHECK(text_of(error)); });
  CHECK(stopped);
  starting.receive([](python_shell_actor&) { FAIL_CHECK("a shell after the stop"); }, [](caf::error&) {});
  late.receive([](python_shell_actor&) { FAIL_CHECK("a shell after the stop"); }, [](caf::error&) {});
  world->self->wait_for(*one);
}
