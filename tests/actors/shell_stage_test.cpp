// The states of a chat's shell as a value: every transition from every state.
#include "actors/shell_stage.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace varro;

namespace {

const std::vector<recorded_cell> one_cell{{"x = 1", false, 3}};

std::string name_of(shell_stage& stage) {
  if (stage.is_none())
    return "none";
  if (stage.now_starting() != nullptr)
    return "starting";
  if (stage.now_restoring() != nullptr)
    return "restoring";
  return stage.now_live() != nullptr ? "live" : "ending";
}

shell_stage stage_in(const std::string& state) {
  shell_stage stage;
  if (state == "starting" || state == "restoring" || state == "live") {
    REQUIRE(stage.start());
    REQUIRE(stage.start_fresh(one_cell, "another Python"));
  }
  if (state == "restoring" || state == "live")
    REQUIRE(stage.restore({}));
  if (state == "live")
    REQUIRE(stage.go_live(640));
  if (state == "ending")
    REQUIRE(stage.end([] {}));
  REQUIRE(name_of(stage) == state);
  return stage;
}

struct transition {
  std::string name;
  std::function<bool(shell_stage&)> take;
  std::map<std::string, std::string> legal; // from, to
};

const std::vector<transition>& transitions() {
  static const std::vector<transition> all{
    {"start", [](auto& stage) { return stage.start(); }, {{"none", "starting"}}},
    {"start fresh", [](auto& stage) { return stage.start_fresh({}, ""); }, {{"starting", "starting"}}},
    {"restore", [](auto& stage) { return stage.restore({}); }, {{"starting", "restoring"}}},
    {"go live", [](auto& stage) { return stage.go_live(-1); }, {{"restoring", "live"}}},
    {"adopt", [](auto& stage) { return stage.adopt({}); }, {{"none", "live"}, {"starting", "live"}}},
    {"end",
     [](auto& stage) { return stage.end([] {}); },
     {{"none", "ending"}, {"starting", "ending"}, {"restoring", "ending"}, {"live", "ending"}}},
    {"end a former one", [](auto& stage) { return stage.end_former({}); }, {{"ending", "ending"}}},
    {"ended", [](auto& stage) { return !stage.take_ended().then.empty(); }, {{"ending", "none"}}},
    {"forget",
     [](auto& stage) { return stage.forget(); },
     {{"starting", "none"}, {"restoring", "none"}, {"live", "none"}}},
  };
  return all;
}

} // namespace

TEST_CASE("each transition of a shell is taken where it is legal, and elsewhere refused without a change") {
  for (const auto& transition : transitions())
    for (const std::string from : {"none", "starting", "restoring", "live", "ending"}) {
      CAPTURE(transition.name);
      CAPTURE(from);
      auto stage = stage_in(from);
      auto legal = transition.legal.find(from);
      CHECK(transition.take(stage) == (legal != transition.legal.end()));
      CHECK(name_of(stage) == (legal == transition.legal.end() ? from : legal->second));
    }
}

TEST_CASE("what a fresh shell has to get back goes along until it is live, and not further") {
  auto stage = stage_in("starting");
  CHECK(stage.has_cells());
  stage.restore({});
  CHECK(stage.has_cells());
  CHECK(stage.now_restoring()->cells.front().code == "x = 1");
  CHECK(stage.now_restoring()->python_note == "another Python");
  stage.go_live(640);
  CHECK_FALSE(stage.has_cells());
  CHECK(stage.now_live()->snapshot_base == 640);
}

TEST_CASE("a shell is snapshotting only while it is live") {
  auto stage = stage_in("live");
  CHECK_FALSE(stage.is_snapshotting());
  stage.now_live()->snapshotting = true;
  CHECK(stage.is_snapshotting());
  stage.end([] {});
  CHECK_FALSE(stage.is_snapshotting());
}

TEST_CASE("everyone who ends a shell is told once, when it is gone, in the order in which they asked") {
  std::string told;
  shell_stage stage;
  CHECK(stage.end([&] { told += "first "; }));
  CHECK_FALSE(stage.end([&] { told += "second "; }));
  CHECK_FALSE(stage.forget());
  CHECK(told.empty());
  for (const auto& then : stage.take_ended().then)
    then();
  CHECK(told == "first second ");
  CHECK(stage.take_ended().then.empty());
}
