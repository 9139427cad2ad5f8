// Limits of users, held while a run is on.
#include "actors/allowances.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "tests/support/actor_world.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

// What the twin of `allowances` answers, and how often it was asked.
struct told_allowance {
  user_allowance now;
  bool fails = false;
  bool holds = false; // it does not answer
  int asked = 0;
  std::vector<caf::typed_response_promise<allowance_ptr>> held;
};
using told_pointer = std::shared_ptr<told_allowance>;

allowances_actor::behavior_type told(allowances_actor::pointer self, told_pointer what) {
  auto answer = [=](int64_t user) -> caf::result<allowance_ptr> {
    CHECK(user == 7);
    ++what->asked;
    if (what->fails)
      return fail(errc::storage_failed, "the disk is gone");
    if (what->holds) {
      what->held.push_back(self->make_response_promise<allowance_ptr>());
      return what->held.back();
    }
    for (auto& each : what->held) // who asks next lets the ones before go on
      each.deliver(std::make_shared<const user_allowance>(what->now));
    what->held.clear();
    return std::make_shared<const user_allowance>(what->now);
  };
  return {
    [=](usage_atom, int64_t user) { return answer(user); },
    [=](usage_atom, int64_t user, int64_t) { return answer(user); },
  };
}

struct limited_world : actor_world {
  told_pointer what = std::make_shared<told_allowance>();

  limited_world() {
    what->now.settings = services().settings;
    services().allowances = system().spawn(told, what);
  }
  ~limited_world() {
    what->held.clear();
    caf::anon_send_exit(services().allowances, caf::exit_reason::kill);
    services().allowances = nullptr;
    run();
  }
  caf::expected<turn_started> say(std::string text) {
    return ask<turn_started>(session(), send_atom_v, user_message{std::move(text), {}, {}});
  }
  // Each of these answers is a step after which so much more is used.
  void answers(model_response response, int64_t requests) {
    log().answers.emplace_back([what = what, response, requests](const model_query&) -> caf::expected<model_response> {
      what->now.used.requests += requests;
      return response;
    });
  }
  run_record last_run() {
    run_record run;
    for (const auto& batch : log().batches)
      if (batch.run)
        run = *batch.run;
    return run;
  }
};

auto runs_cells(std::vector<std::string> codes) {
  std::vector<std::pair<std::string, json>> calls;
  for (auto& code : codes)
    calls.emplace_back("python", json{{"code", std::move(code)}});
  return call_answer(std::move(calls));
}

} // namespace

TEST_CASE("a run stops between two steps when a limit is reached, with exactly so many requests") {
  for (int64_t limit : {1, 2, 3}) {
    limited_world world;
    world.what->now.limits.model_requests_per_day = limit;
    world.log().run_cell = [](const std::string&) -> std::optional<cell_result> { return printed("1"); };
    for (int i = 0; i < 5; ++i)
      world.answers(runs_cells({"1"}), 1);
    REQUIRE(world.say("go on for ever"));
    CHECK(world.log().queries.size() == static_cast<size_t>(limit));
    CHECK(world.log().cells.size() == static_cast<size_t>(limit));
    auto run = world.last_run();
    CHECK(run.status == run_status::failed);
    CHECK(run.end_seq > 0);
    CHECK(run.error.starts_with("Limit reached: " + std::to_string(limit) + " of " + std::to_string(limit)
                                + " model requests of today"));
    CHECK(run.model_requests == limit);
    CHECK(world.log().published.back().event == "done");
  }
}

TEST_CASE("a limit that is raised lets the next message go on") {
  limited_world world;
  world.what->now.limits.model_requests_per_day = 1;
  world.what->now.used.requests = 1;
  auto chat = world.session();
  REQUIRE(world.ask<turn_started>(chat, send_atom_v, user_message{"first", {}, {}}));
  CHECK(world.log().queries.empty());
  CHECK(world.last_run().status == run_status::failed);
  world.what->now.limits.model_requests_per_day = 2;
  world.answers(text_answer("there"), 1);
  REQUIRE(world.ask<turn_started>(chat, send_atom_v, user_message{"second", {}, {}}));
  CHECK(world.log().queries.size() == 1);
  CHECK(world.last_run().status == run_status::completed);
}

TEST_CASE("cells that may not run any more are answered without running, and the turn ends") {
  limited_world world;
  world.what->now.limits.cell_cpu_seconds_per_day = 1;
  world.log().run_cell = [&](const std::string&) -> std::optional<cell_result> {
    world.what->now.used.processor_us = 1'000'000;
    return printed("ran");
  };
  world.answers(runs_cells({"first", "second", "third"}), 1);
  REQUIRE(world.say("three cells"));
  CHECK(world.log().cells == std::vector<std::string>{"first"});
  CHECK(world.log().queries.size() == 1);
  CHECK(world.last_run().error.starts_with("Limit reached: 1 of 1 seconds of processor time"));
  auto history = world.committed_messages();
  CHECK(open_calls(history).empty());
  int unrun = 0;
  for (const auto& batch : world.log().batches)
    for (const auto& row : batch.messages)
      if (to_json_text(*row.content).find("Not run. Limit reached") != std::string::npos)
        ++unrun;
  CHECK(unrun == 2);
}

TEST_CASE("no cell is run where the disk is used up, and the turn ends with what takes it") {
  limited_world world;
  world.what->now.limits.disk_bytes = 100;
  world.log().run_cell = [&](const std::string&) -> std::optional<cell_result> {
    world.what->now.disk.snapshots = 100;
    return printed("ran");
  };
  world.answers(runs_cells({"first", "second"}), 1);
  REQUIRE(world.say("two cells"));
  CHECK(world.log().cells == std::vector<std::string>{"first"});
  CHECK(world.last_run().error.find("100 bytes by snapshots of variables") != std::string::npos);
}

TEST_CASE("a model that the user may not use any more is not asked, nor is one whose limits nobody can look up") {
  limited_world world;
  world.what->now.limits.models = {"other:*"};
  REQUIRE(world.say("hello"));
  CHECK(world.log().queries.empty());
  CHECK(world.last_run().error.find("is not among those that you may use") != std::string::npos);

  limited_world broken;
  broken.what->fails = true;
  REQUIRE(broken.say("hello"));
  CHECK(broken.log().queries.empty());
  CHECK(broken.last_run().status == run_status::failed);
  CHECK(broken.last_run().error.find("could not be looked up: the disk is gone") != std::string::npos);
}

TEST_CASE("a run that is stopped while its limits are looked at asks nobody") {
  limited_world world;
  world.what->holds = true;
  auto chat = world.session();
  REQUIRE(world.ask<turn_started>(chat, send_atom_v, user_message{"hello", {}, {}}));
  REQUIRE(world.what->held.size() == 1);
  REQUIRE(world.ask<done_atom>(chat, cancel_atom_v));
  world.what->holds = false;
  REQUIRE(world.ask<allowance_ptr>(world.services().allowances, usage_atom_v, int64_t{7}));
  CHECK(world.what->held.empty());
  CHECK(world.log().queries.empty());
  CHECK(world.last_run().status == run_status::cancelled);
}
