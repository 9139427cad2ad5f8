// The states of a chat's newest turn as a value: every transition from every state.
#include "actors/current_turn.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace varro;

namespace {

run_record run_with(int64_t id, std::string status = run_status::running) {
  run_record run;
  run.id = id;
  run.status = std::move(status);
  return run;
}

std::string name_of(const current_turn& turn) {
  if (turn.is_idle())
    return "idle";
  if (turn.now_running() != nullptr)
    return "running";
  return turn.now_ending() != nullptr ? "ending" : "starting";
}

current_turn turn_in(const std::string& state) {
  current_turn turn;
  if (state != "idle")
    REQUIRE(turn.start());
  if (state == "running" || state == "ending")
    REQUIRE(turn.run({run_with(5), {}}));
  if (state == "ending")
    REQUIRE(turn.end(run_with(5, run_status::completed)));
  REQUIRE(name_of(turn) == state);
  return turn;
}

struct transition {
  std::string name;
  std::function<bool(current_turn&)> take;
  std::vector<std::pair<std::string, std::string>> legal; // from, to
};

const std::vector<transition>& transitions() {
  static const std::vector<transition> all{
    {"start", [](auto& turn) { return turn.start(); }, {{"idle", "starting"}}},
    {"abandon", [](auto& turn) { return turn.abandon(); }, {{"starting", "idle"}}},
    {"run", [](auto& turn) { return turn.run({run_with(6), {}}); }, {{"idle", "running"}, {"starting", "running"}}},
    {"begin of a run that does not wait", [](auto& turn) { return turn.begin(5); }, {}},
    {"end", [](auto& turn) { return turn.end(run_with(5, run_status::failed)); }, {{"running", "ending"}}},
    {"end of another run", [](auto& turn) { return turn.end(run_with(4, run_status::failed)); }, {}},
    {"halt", [](auto& turn) { return turn.halt(); }, {{"running", "idle"}}},
    {"close", [](auto& turn) { return turn.close(); }, {{"ending", "idle"}}},
  };
  return all;
}

} // namespace

TEST_CASE("each transition is taken where it is legal, and elsewhere refused without a change") {
  for (const auto& transition : transitions())
    for (const std::string from : {"idle", "starting", "running", "ending"}) {
      CAPTURE(transition.name);
      CAPTURE(from);
      auto turn = turn_in(from);
      auto to = from;
      for (const auto& [legal_from, legal_to] : transition.legal)
        if (legal_from == from)
          to = legal_to;
      CHECK(transition.take(turn) == (to != from));
      CHECK(name_of(turn) == to);
      if (to == from && turn.run_on() != nullptr)
        CHECK(turn.run_on()->status == (from == "running" ? run_status::running : run_status::completed));
    }
}

TEST_CASE("a run is on while it runs and while its end is committed, and only then") {
  CHECK(turn_in("idle").run_on() == nullptr);
  CHECK(turn_in("starting").run_on() == nullptr);
  CHECK(turn_in("running").has_run(5));
  CHECK(turn_in("ending").has_run(5));
  CHECK_FALSE(turn_in("running").has_run(6));
}

TEST_CASE("progress is that of the run that is on, and leaves with it") {
  auto turn = turn_in("starting");
  CHECK_FALSE(turn.show_progress("nobody sees it"));
  CHECK(turn.progress().empty());
  turn.run({run_with(5), {}});
  CHECK(turn.progress() == "Thinking…");
  CHECK(turn.show_progress("Running tools…"));
  turn.end(run_with(5, run_status::completed));
  CHECK(turn.progress() == "Running tools…");
  CHECK(turn.show_progress("Done."));
  turn.close();
  CHECK(turn.progress().empty());
}

TEST_CASE("a run that waits for a place begins once, and no other in its stead") {
  auto turn = turn_in("starting");
  REQUIRE(turn.run({run_with(5), {}, "Thinking…", true}));
  CHECK(turn.waits());
  CHECK_FALSE(turn.begin(6));
  CHECK(turn.waits());
  CHECK(turn.begin(5));
  CHECK_FALSE(turn.waits());
  CHECK_FALSE(turn.begin(5));
}
