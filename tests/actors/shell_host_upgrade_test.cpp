#include "actors/shell_host_parts.hpp"
#include "actors/shell_notes.hpp"
#include "tests/support/host_world.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace std::chrono_literals;
using varro::test::host_world;

namespace {

// What is told of the chat's former shell; nothing: there is one.
caf::error former_shell_of(host_world& world, int64_t chat) {
  caf::error told;
  world.self->request(world.host, 60s, attach_atom_v, chat)
    .receive([](const python_shell_actor&, const std::vector<std::string>&) {},
             [&](caf::error& error) { told = error; });
  return told;
}

} // namespace

TEST_CASE("an older varro-shells may go on for its time, one of another configuration not at all") {
  const shell_host_state::clock::time_point begin{1h};
  const shell_host_state::older same{begin, true, {}}, other{begin, false, {}};
  CHECK_FALSE(must_sleep(same, begin));
  CHECK_FALSE(must_sleep(same, begin + older_supervisor_max - 1ms));
  CHECK(must_sleep(same, begin + older_supervisor_max));
  CHECK(must_sleep(other, begin));
}

TEST_CASE("shells of an older varro-shells take no further cells a cell's time after they were to sleep") {
  const shell_host_state::clock::time_point begin{1h};
  const shell_host_state::older same{begin, true, {}}, other{begin, false, {}};
  CHECK_FALSE(must_retire(other, begin + 120s - 1ms, 120s));
  CHECK(must_retire(other, begin + 120s, 120s));
  CHECK_FALSE(must_retire(same, begin + older_supervisor_max + 120s - 1ms, 120s));
  CHECK(must_retire(same, begin + older_supervisor_max + 120s, 120s));
}

TEST_CASE("a shell of another configuration that gets one cell after the other gives way all the same") {
  host_world world;
  auto one = world.start(1);
  REQUIRE(one);
  world.hold(*one);
  world.loaded->shell.open_files_max -= 1;
  world.loaded->shell.cell_max = 1s;
  world.loaded->shell.interrupt_grace = 500ms; // over before the test: CAF gives back no actor that a timer still holds
  world.restart();
  python_shell_actor shell;
  world.self->request(world.host, 60s, attach_atom_v, int64_t{1})
    .receive([&](python_shell_actor& found, const std::vector<std::string>&) { shell = found; },
             [](caf::error& error) { FAIL(text_of(error)); });
  caf::error ended;
  for (int cell = 0; !ended && cell < 1'000'000; ++cell) {
    const auto tag = std::to_string(cell);
    world.self->request(shell, 60s, execute_atom_v, tag, tag)
      .receive([&](cell_result&) { world.self->send(shell, ack_atom_v, tag); },
               [&](caf::error& error) { ended = error; });
  }
  CHECK(ended);
  REQUIRE(world.start(2));
  CHECK(text_of(former_shell_of(world, 1)).find("another configuration of shells") != std::string::npos);
}

TEST_CASE("what is told of ended shells is bounded") {
  shell_host_state state;
  for (size_t chat = 1; chat <= ended_for_max + 1; ++chat)
    note_ended_for(state, static_cast<int64_t>(chat), "why");
  CHECK(state.ended_for.size() == ended_for_max);
  CHECK(state.ended_for.contains(static_cast<int64_t>(ended_for_max + 1)));
}

TEST_CASE("shells of another configuration give way to a new varro-shells, and their chats are told why") {
  host_world world;
  auto one = world.start(1);
  REQUIRE(one);
  CHECK(world.run(*one, "x = 1\nx") == "1");
  world.loaded->shell.open_files_max -= 1;
  world.restart();
  REQUIRE(world.start(2)); // by the new one, which is there when the older one is gone
  auto told = former_shell_of(world, 1);
  CHECK(code_of(told) == errc::shell_lost);
  CHECK(text_of(told).find("another configuration of shells") != std::string::npos);
  CHECK(code_of(former_shell_of(world, 3)) == errc::not_found);
  auto again = world.start(1);
  REQUIRE(again);
  CHECK(world.run(*again, "'x' in globals()") == "False");
  CHECK(code_of(former_shell_of(world, 1)) == errc::not_found); // it was told once
}

TEST_CASE("shells of the same configuration are taken over as they are") {
  host_world world;
  auto one = world.start(1);
  REQUIRE(one);
  CHECK(world.run(*one, "x = 1\nx") == "1");
  world.restart();
  CHECK(code_of(former_shell_of(world, 1)) == errc::none);
}

TEST_CASE("a note says which variables came back from a snapshot, and that there were more") {
  snapshot_restored restored{2, {"lock (a lock)"}, {"x", "frame"}};
  CHECK(woken_note(restored, 0)
        == "[This session was restored from its snapshot: 2 variables are back. Back: x, frame. Not back: lock (a "
           "lock).]\n");
  restored.count = 5;
  CHECK(woken_note(restored, 0).find("Back: x, frame and 3 more.") != std::string::npos);
}
