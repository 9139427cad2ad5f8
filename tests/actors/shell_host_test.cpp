#include "tests/support/host_world.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace varro;
using varro::test::host_world;
using namespace std::chrono_literals;

namespace {

// Somebody of a chat who waits for its shell: tells the test of the place, and that the shell is there. It is idle
// then.
using waiting_user_actor = shell_waiter_actor::extend<caf::replies_to<step_atom>::with<done_atom>>;
waiting_user_actor::behavior_type waiting_user(waiting_user_actor::pointer self, const shell_host_actor& host,
                                               const wanted_shell& wanted, const caf::actor& test) {
  self->request(host, 60s, start_atom_v, wanted, shell_waiter_actor{waiting_user_actor{self}})
    .then([=](const python_shell_actor&) { caf::anon_send(test, done_atom_v, wanted.chat); }, [](caf::error&) {});
  return {
    [=](progress_atom, const std::string& words) {
      if (!words.empty())
        caf::anon_send(test, progress_atom_v, wanted.chat, words);
    },
    [](step_atom) { return done_atom_v; },
  };
}

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

TEST_CASE("starts that wait for room are served round robin by user, and told their places") {
  host_world world{[](shell_config& limits) { limits.live_max = 1; }};
  constexpr int64_t first_of_anna = 10, first_of_bert = 20, count = 3;
  auto busy = world.start(1);
  REQUIRE(busy);
  auto gate = world.hold(*busy);
  std::vector<int64_t> served;
  std::map<int64_t, std::string> told;
  std::vector<caf::actor> waiters;
  auto wait = [&](int64_t user, int64_t chat) {
    auto workspace = (world.scratch / "workspaces" / std::to_string(chat)).string();
    waiters.push_back(caf::actor_cast<caf::actor>(
      world.system.spawn(waiting_user, world.host, wanted_shell{user, chat, workspace, {}}, world.self)));
    // Answered after its start, so that they come in this order.
    caf::scoped_actor self{world.system};
    self->request(waiters.back(), 60s, step_atom_v).receive([](done_atom) {}, [](caf::error&) {});
  };
  for (int64_t i = 0; i < count; ++i)
    wait(7, first_of_anna + i);
  wait(8, first_of_bert);
  while (told.size() < count + 1)
    world.self->receive([&](progress_atom, int64_t chat, const std::string& words) { told[chat] = words; });
  CHECK(told[first_of_anna] == "Waiting for a free Python shell: 1st of your own, 0 before it");
  CHECK(told[first_of_bert] == "Waiting for a free Python shell: 1st of your own, 1 before it");
  CHECK(told[first_of_anna + 2] == "Waiting for a free Python shell: 3rd of your own, 3 before it");
  CHECK(world.stats().waiting_shells == count + 1);
  caf::anon_send_exit(waiters[1], caf::exit_reason::user_shutdown); // it does not wait any more
  std::filesystem::remove(gate);
  while (served.size() < count)
    world.self->receive([&](progress_atom, int64_t, const std::string&) {},
                        [&](done_atom, int64_t chat) { served.push_back(chat); });
  CHECK(served == std::vector<int64_t>{first_of_anna, first_of_bert, first_of_anna + 2});
  CHECK(world.stats().waiting_shells == 0);
  for (const auto& waiter :
       waiters) // else the timeouts of their requests keep them, and the actor system, for a minute
    caf::anon_send_exit(waiter, caf::exit_reason::user_shutdown);
}

TEST_CASE("a start that waits for room can be taken back") {
  host_world world{[](shell_config& limits) { limits.live_max = 1; }};
  auto busy = world.start(1);
  REQUIRE(busy);
  auto gate = world.hold(*busy);
  auto waiting = world.ask(2);
  caf::anon_send(world.host, cancel_atom_v, int64_t{2});
  waiting.receive([](python_shell_actor&) { FAIL_CHECK("it got a shell"); },
                  [](caf::error& error) { CHECK(code_of(error) == errc::cancelled); });
  CHECK(world.stats().waiting_shells == 0);
  std::filesystem::remove(gate);
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
