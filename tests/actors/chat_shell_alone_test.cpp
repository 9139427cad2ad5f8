// chat_shell alone, between the twin of a session that a test steps, and those of shells and files.
#include "actors/chat_shell.hpp"
#include "tests/support/actor_world.hpp"
#include "workspace/versions.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

using namespace varro;
using namespace varro::test;
using namespace std::chrono_literals;

namespace {

using owner_twin_actor = shell_owner_actor::extend<caf::reacts_to<flush_atom>>;

struct owner_log {
  shell_past past;
  std::vector<snapshot_taken> snapshots; // to be committed
  std::deque<caf::typed_response_promise<done_atom>> held;
  std::vector<int64_t> restoring; // runs
  std::vector<std::string> told;  // to runs, of the shell that they wait for
};

owner_twin_actor::behavior_type owner_twin(owner_twin_actor::pointer self, std::shared_ptr<owner_log> log) {
  return {
    [=](history_atom, shell_atom) { return log->past; },
    [=](snapshot_atom, const snapshot_taken& taken) {
      log->snapshots.push_back(taken);
      log->held.push_back(self->make_response_promise<done_atom>());
      return log->held.back();
    },
    [=](restore_atom, int64_t run) { log->restoring.push_back(run); },
    [=](shell_atom, int64_t run, const std::string& words) { log->told.push_back(std::to_string(run) + ": " + words); },
    [=](flush_atom) {
      log->held.front().deliver(done_atom_v);
      log->held.pop_front();
    },
  };
}

struct shell_alone : actor_world {
  std::shared_ptr<owner_log> steps = std::make_shared<owner_log>();
  owner_twin_actor owner;
  chat_shell_actor shells;

  shell_alone() {
    steps->past.chat = fresh_chat().chat;
    owner = system().spawn(owner_twin, steps);
    shells = system().spawn(chat_shell, services(), shell_owner_actor{owner}, int64_t{42});
    tell(shells, start_atom_v, int64_t{5});
  }
  ~shell_alone() {
    steps->held.clear();
    tell(shells, stop_atom_v, false);
    caf::anon_send_exit(owner, caf::exit_reason::kill);
    shells = nullptr;
    owner = nullptr;
    run();
  }

  void want_shell() {
    tell(shells, shell_atom_v);
  }
  void commit_cell(const std::string& tag) {
    tell(shells, ack_atom_v, std::vector{tag}, true);
  }
  // Without delivering what it leads to.
  template <class... Args>
  void post(Args&&... args) {
    caf::anon_send(shells, std::forward<Args>(args)...);
  }
};

} // namespace

TEST_CASE_FIXTURE(shell_alone, "the files are kept once for a run's cells, and a live shell is handed out again") {
  want_shell();
  want_shell();
  CHECK(log().shells_started == 1);
  CHECK(log().file_steps == std::vector{"keep " + version_before(5)});
  tell(shells, start_atom_v, int64_t{6});
  want_shell();
  CHECK(log().shells_started == 1);
  CHECK(log().file_steps.size() == 2);
}

TEST_CASE_FIXTURE(shell_alone, "what a fresh shell gets back is what its session's history says") {
  steps->past.cells = {{"x = 1", false, 3}};
  steps->past.snapshot = snapshot_record{3, 640};
  want_shell();
  CHECK(log().restored == std::vector<int64_t>{640});
  CHECK(log().cells.empty());
  CHECK(steps->restoring == std::vector<int64_t>{5});
  tell(shells, rerun_atom_v);
  want_shell();
  CHECK(log().restored.size() == 1);
  CHECK(log().cells == std::vector<std::string>{"x = 1"});
}

TEST_CASE_FIXTURE(shell_alone, "who wants a shell while one is ending gets another one when that one is gone") {
  want_shell();
  post(close_atom_v, false);
  CHECK(log().shells_started == 1);
  run();
  want_shell();
  REQUIRE(log().shells_started == 2);
  post(close_atom_v);
  post(shell_atom_v);
  post(close_atom_v); // for which a third one would have to end, if it did not wait for the same
  run();
  CHECK(log().shells_closed == 2);
  CHECK(log().shells_started == 3);
}

TEST_CASE_FIXTURE(shell_alone, "snapshots are drained when their session has committed the last one") {
  log().take_snapshot = [] { return snapshot_taken{100, false, "call-1"}; };
  want_shell();
  commit_cell("call-1");
  REQUIRE(steps->snapshots.size() == 1);
  CHECK(log().acknowledged == std::vector<std::string>{"call-1"});
  CHECK_FALSE(ask<done_atom>(shells, snapshot_atom_v));
  tell(owner, flush_atom_v);
  CHECK(ask<done_atom>(shells, snapshot_atom_v));
}

TEST_CASE_FIXTURE(shell_alone, "who drains snapshots waits for a commit that hangs no longer than a stop can") {
  log().take_snapshot = [] { return snapshot_taken{100, false, "call-1"}; };
  want_shell();
  commit_cell("call-1");
  caf::scoped_actor self{system(), true};
  auto drained = self->request(shells, caf::infinite, snapshot_atom_v);
  run();
  advance(3s);
  CHECK(self->mailbox().empty());
  advance(2s);
  REQUIRE_FALSE(self->mailbox().empty());
  drained.receive([](done_atom) {}, [](caf::error& error) { FAIL(text_of(error)); });
}

TEST_CASE_FIXTURE(shell_alone, "without a run nobody gets another shell in place of one that ended") {
  want_shell();
  tell(shells, start_atom_v, int64_t{0});
  caf::scoped_actor self{system(), true};
  auto another = self->request(shells, caf::infinite, shell_atom_v, python_shell_actor{log().shell});
  run();
  REQUIRE_FALSE(self->mailbox().empty());
  another.receive([](python_shell_actor&, std::string&) { FAIL("one was given"); },
                  [](caf::error& error) { CHECK(code_of(error) == errc::shell_lost); });
  CHECK(log().shells_started == 1);
}

TEST_CASE_FIXTURE(shell_alone,
                  "it ends with its session, also when that ends well, and a stop closes or detaches the shell") {
  SUBCASE("the session ends") {
    caf::anon_send_exit(shells, caf::exit_reason::normal);
    run();
    CHECK_FALSE(ask<bool>(shells, passivate_atom_v));
  }
  SUBCASE("closed") {
    want_shell();
    REQUIRE(ask<done_atom>(shells, stop_atom_v, false));
    CHECK(log().shells_closed == 1);
  }
  SUBCASE("detached") {
    want_shell();
    REQUIRE(ask<done_atom>(shells, stop_atom_v, true));
    CHECK(log().shells_closed == 0);
    tell(log().shell, close_atom_v);
  }
}

TEST_CASE_FIXTURE(shell_alone,
                  "a run that waits for a shell without room is told the place, and when it waits no longer") {
  log().no_room = true;
  want_shell();
  tell(log().shell_waiter, progress_atom_v, std::string{"2nd"});
  tell(log().shell_waiter, progress_atom_v, std::string{"1st"});
  CHECK(steps->told == std::vector<std::string>{"5: 2nd", "5: 1st"});
  want_shell(); // of another cell, which is told as well
  CHECK(steps->told.size() == 3);
  tell(log().shell_waiter, progress_atom_v, std::string{});
  CHECK(steps->told.back() == "5: Running tools…");
  make_room();
  CHECK(log().shells_started == 1);
  CHECK(log().wanted.size() == 1);
}

TEST_CASE_FIXTURE(shell_alone, "while no cell waits, nobody is told of the shell's place") {
  log().no_room = true;
  tell(shells, ready_atom_v); // the response with the cell is being committed
  tell(log().shell_waiter, progress_atom_v, std::string{"1st"});
  CHECK(steps->told.empty());
  want_shell();
  CHECK(steps->told == std::vector<std::string>{"5: 1st"});
}

TEST_CASE_FIXTURE(shell_alone, "a stopped run takes its start back, and the next run's cell starts over") {
  log().no_room = true;
  want_shell();
  REQUIRE(log().waiting_starts.size() == 1);
  tell(shells, cancel_atom_v);
  CHECK(log().waiting_starts.empty());
  CHECK(ask<bool>(shells, passivate_atom_v).cvalue()); // nothing is left of it
  log().no_room = false;
  tell(shells, start_atom_v, int64_t{6});
  want_shell();
  CHECK(log().shells_started == 1);
}

TEST_CASE_FIXTURE(shell_alone,
                  "a cell of the next run that comes before the start is taken back gets its shell nevertheless") {
  log().no_room = true;
  want_shell();
  post(cancel_atom_v);
  post(start_atom_v, int64_t{6});
  post(shell_atom_v);
  run();
  CHECK(log().wanted.size() == 2);
  make_room();
  CHECK(log().shells_started == 1);
}
