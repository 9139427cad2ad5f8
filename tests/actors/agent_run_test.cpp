// agent_run alone, between its owner, a model and tools that a test steps: every message in every state.
#include "actors/agent_run.hpp"
#include "models/timestamp.hpp"

#include "actors/tool_call.hpp"
#include "models/message_json.hpp"
#include "tests/support/actor_world.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

constexpr int64_t run_id = 5;

using owner_twin_actor = run_owner_actor::extend<caf::reacts_to<flush_atom>, caf::reacts_to<gone_atom>>;

struct run_log {
  message_history nodes; // in the order in which they came to be committed
  bool hold_commits = false;
  std::deque<caf::typed_response_promise<done_atom>> held;
  std::vector<run_end> ends;
  std::vector<usage_row> noted;                 // without a node
  std::vector<std::vector<usage_row>> of_nodes; // by node
  std::vector<int64_t> prepared;                // runs whose shell was asked for
  size_t nodes_when_prepared = 0;
  std::vector<tool_job> started;      // calls, in order
  std::vector<std::string> cancelled; // their ids
  std::map<std::string, tool_call_actor> tools;
};
using log_pointer = std::shared_ptr<run_log>;

owner_twin_actor::behavior_type owner_twin(owner_twin_actor::pointer self, log_pointer log) {
  return {
    [](start_atom, int64_t) { return done_atom_v; },
    [=](node_atom, const run_node& node) {
      log->nodes.push_back(node.content);
      log->of_nodes.push_back(node.usage);
      auto promise = self->make_response_promise<done_atom>();
      if (log->hold_commits)
        log->held.push_back(promise);
      else
        promise.deliver(done_atom_v);
      return promise;
    },
    [](progress_atom, int64_t, const std::string&) {},
    [=](ready_atom, int64_t run) {
      log->prepared.push_back(run);
      log->nodes_when_prepared = log->nodes.size();
    },
    [=](usage_atom, int64_t, const std::vector<usage_row>& rows) {
      log->noted.insert(log->noted.end(), rows.begin(), rows.end());
    },
    [=](ended_atom, const run_end& end) { log->ends.push_back(end); },
    [=](flush_atom) {
      log->held.front().deliver(done_atom_v);
      log->held.pop_front();
    },
    [=](gone_atom) {
      log->held.front().deliver(fail(errc::storage_failed, "database or disk is full"));
      log->held.pop_front();
    },
  };
}

tool_outcome outcome_of(const tool_call_part& call, const std::string& text) {
  return {call.tool_call_id, make_tool_return(call.tool_name, call.tool_call_id, as_tool_result(printed(text))), false};
}

// Answers when the test says so, or when it is stopped.
tool_call_actor::behavior_type tool_twin(tool_call_actor::pointer self, log_pointer log, tool_job job) {
  return {
    [=](start_atom) { log->started.push_back(job); },
    [=](cancel_atom) {
      log->cancelled.push_back(job.call.tool_call_id);
      auto outcome = outcome_of(job.call, "stopped");
      outcome.cancelled = true;
      self->send(job.run, result_atom_v, std::move(outcome));
      self->quit();
    },
  };
}

struct staged_run : actor_world {
  log_pointer steps = std::make_shared<run_log>();
  owner_twin_actor chat;
  agent_run_actor run_;

  staged_run() {
    chat = system().spawn(owner_twin, steps);
    run_setup setup;
    setup.run_id = run_id;
    setup.model = services().settings->models.front();
    setup.session = chat;
    setup.models = services().models;
    setup.tools = std::make_shared<const std::vector<tool_spec>>(
      std::vector<tool_spec>{twin_of("python", true), twin_of("look_up", false)});
    model_request question;
    question.parts.push_back(user_prompt_part{std::string{"question"}, timestamp_now()});
    question.timestamp = timestamp_now();
    setup.history.push_back(question);
    steps->nodes = setup.history;
    run_ = system().spawn(agent_run, std::move(setup));
  }

  ~staged_run() {
    steps->tools.clear();
    steps->started.clear();
    for (const auto& actor : {caf::actor_cast<caf::actor>(run_), caf::actor_cast<caf::actor>(chat)})
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    run_ = nullptr;
    chat = nullptr;
    steps->held.clear();
    run();
  }

  tool_spec twin_of(const std::string& name, bool is_python) {
    auto spec = python_tool();
    spec.definition.name = name;
    spec.in_order = spec.needs_shell = is_python;
    spec.spawn = [log = steps](caf::actor_system& system, tool_job job) {
      auto id = job.call.tool_call_id;
      return log->tools[id] = system.spawn(tool_twin, log, std::move(job));
    };
    return spec;
  }

  void begin() {
    tell(run_, step_atom_v);
  }

  // The model's next answer: calls of these tools.
  void call(const std::vector<std::string>& tools) {
    std::vector<std::pair<std::string, json>> calls;
    for (const auto& tool : tools)
      calls.push_back({tool, {{"code", "1"}}});
    answer_query(call_answer(calls));
  }

  void finish_call(size_t which) {
    const auto& job = steps->started.at(which);
    tell(run_, result_atom_v, outcome_of(job.call, "result " + std::to_string(which)));
  }

  void commit_oldest() {
    tell(chat, flush_atom_v);
  }

  // Lets everything that waits go on, until nothing does.
  void finish_all() {
    steps->hold_commits = false;
    size_t finished = 0;
    for (int i = 0; i < 20; ++i) {
      while (!steps->held.empty())
        commit_oldest();
      while (finished < steps->started.size())
        finish_call(finished++);
      while (!log().open_queries.empty())
        answer_query(text_answer("answer"));
      run();
    }
  }

  std::string end() const {
    return steps->ends.size() == 1 ? steps->ends.front().status : std::to_string(steps->ends.size()) + " ends";
  }

  size_t requests() {
    return log().queries.size();
  }
};

struct named_step {
  std::string name;
  std::function<void(staged_run&)> take;
};

const std::vector<named_step>& states() {
  static const std::vector<named_step> all{
    {"it has not begun", [](staged_run&) {}},
    {"the model is asked", [](staged_run& w) { w.begin(); }},
    {"a response with calls is being committed",
     [](staged_run& w) {
       w.begin();
       w.steps->hold_commits = true;
       w.call({"python", "python"});
     }},
    {"the answer is being committed",
     [](staged_run& w) {
       w.begin();
       w.steps->hold_commits = true;
       w.answer_query(text_answer("answer"));
     }},
    {"a cell runs and another waits",
     [](staged_run& w) {
       w.begin();
       w.call({"python", "python"});
     }},
    {"two calls run side by side",
     [](staged_run& w) {
       w.begin();
       w.call({"look_up", "look_up"});
     }},
    {"a result is being committed while another call runs",
     [](staged_run& w) {
       w.begin();
       w.call({"look_up", "look_up"});
       w.steps->hold_commits = true;
       w.finish_call(0);
     }},
    {"the result of a cell is being committed while another waits",
     [](staged_run& w) {
       w.begin();
       w.call({"python", "python"});
       w.steps->hold_commits = true;
       w.finish_call(0);
     }},
    {"the model is asked again",
     [](staged_run& w) {
       w.begin();
       w.call({"python"});
       w.finish_call(0);
     }},
    {"a stop is under way",
     [](staged_run& w) {
       w.begin();
       w.call({"python", "python"});
       w.steps->hold_commits = true;
       w.tell(w.run_, cancel_atom_v);
     }},
    {"it has ended",
     [](staged_run& w) {
       w.begin();
       w.answer_query(text_answer("answer"));
     }},
  };
  return all;
}

tool_call_part stranger() {
  tool_call_part call;
  call.tool_name = "python";
  call.tool_call_id = "call-77";
  return call;
}

const std::vector<named_step>& messages() {
  static const std::vector<named_step> all{
    {"nothing", [](staged_run&) {}},
    {"step", [](staged_run& w) { w.begin(); }},
    {"cancel", [](staged_run& w) { w.tell(w.run_, cancel_atom_v); }},
    {"cancel twice",
     [](staged_run& w) {
       for (int i = 0; i < 2; ++i)
         w.tell(w.run_, cancel_atom_v);
     }},
    {"the result of a call that was not made",
     [](staged_run& w) { w.tell(w.run_, result_atom_v, outcome_of(stranger(), "ghost")); }},
    {"every result twice",
     [](staged_run& w) {
       for (const auto& job : std::vector{w.steps->started})
         for (int i = 0; i < 2; ++i)
           w.tell(w.run_, result_atom_v, outcome_of(job.call, "result"));
     }},
    {"a tool dies",
     [](staged_run& w) {
       for (const auto& [id, tool] : w.steps->tools)
         caf::anon_send_exit(caf::actor_cast<caf::actor>(tool), caf::exit_reason::kill);
       w.run();
     }},
    {"a commit fails",
     [](staged_run& w) {
       if (!w.steps->held.empty())
         w.tell(w.chat, gone_atom_v);
     }},
  };
  return all;
}

bool mentions_ghost(const run_log& log) {
  return std::any_of(log.nodes.begin(), log.nodes.end(),
                     [](const message& m) { return to_json_text(m).find("ghost") != std::string::npos; });
}

} // namespace

TEST_CASE("every message is taken or ignored in every state, and the run ends once with a valid history") {
  for (const auto& state : states())
    for (const auto& message : messages()) {
      CAPTURE(state.name);
      CAPTURE(message.name);
      staged_run world;
      state.take(world);
      auto failing = message.name == "a commit fails" && !world.steps->held.empty();
      message.take(world);
      world.finish_all();
      if (world.steps->ends.empty()) { // it had not begun
        world.begin();
        world.finish_all();
      }
      REQUIRE(world.steps->ends.size() == 1);
      CHECK(world.steps->ends.front().run_id == run_id);
      CHECK_FALSE(mentions_ghost(*world.steps));
      if (failing) {
        CHECK(world.end() == run_status::failed); // its session closes the calls that are left open
        continue;
      }
      auto was_cancelled = message.name.starts_with("cancel") && state.name != "it has ended";
      auto stopped = was_cancelled || state.name == "a stop is under way";
      CHECK(world.end() == (stopped ? run_status::cancelled : run_status::completed));
      CHECK(check_history(world.steps->nodes) == caf::none);
      CHECK(open_calls(world.steps->nodes).empty());
      // Each of the model's answers is one request of the end's account.
      auto cut_short = stopped && world.log().cancelled_queries.size() == 1 ? 1u : 0u;
      CHECK(world.steps->ends.front().model_requests == static_cast<int64_t>(world.requests() - cut_short));
    }
}

TEST_CASE("cells of one response run one after the other, other tools side by side") {
  staged_run world;
  world.begin();
  world.call({"python", "look_up", "python", "look_up"});
  CHECK(world.steps->started.size() == 3); // not the second cell
  for (size_t i = 0; i < 3; ++i)
    if (world.steps->started[i].call.tool_name == "python")
      world.finish_call(i);
  REQUIRE(world.steps->started.size() == 4);
  CHECK(world.steps->started.back().call.tool_call_id == "call-3");
}

TEST_CASE("the shell is asked for before the response is committed, and only for a tool that needs it") {
  staged_run world;
  world.begin();
  world.steps->hold_commits = true;
  world.call({"look_up", "python"});
  CHECK(world.steps->prepared == std::vector{run_id});
  CHECK(world.steps->nodes_when_prepared == 1); // the question
  CHECK(world.steps->started.empty());
  staged_run without;
  without.begin();
  without.call({"look_up"});
  without.finish_all();
  CHECK(without.steps->prepared.empty());
}

TEST_CASE("a stop while the response with calls is being committed runs none of them") {
  staged_run world;
  world.begin();
  world.steps->hold_commits = true;
  world.call({"python", "look_up"});
  world.tell(world.run_, cancel_atom_v);
  world.finish_all();
  CHECK(world.steps->started.empty());
  CHECK(world.end() == run_status::cancelled);
  CHECK(check_history(world.steps->nodes) == caf::none);
  CHECK(open_calls(world.steps->nodes).empty());
}

namespace {

std::vector<retry_prompt_part> retries_of(const run_log& log) {
  std::vector<retry_prompt_part> found;
  for (const auto& node : log.nodes)
    if (const auto* request = node.as<model_request>())
      for (const auto& part : request->parts)
        if (const auto* retry = std::get_if<retry_prompt_part>(&part))
          found.push_back(*retry);
  return found;
}

model_response cut_answer() {
  auto answer = call_answer({{"python", "{\"code\": \"print(1"}});
  answer.finish_reason = "length";
  return answer;
}

model_response refused_answer(std::vector<std::pair<std::string, json>> calls) {
  auto answer = call_answer(std::move(calls));
  text_part text;
  text.content = "I begin";
  answer.parts.insert(answer.parts.begin(), text);
  answer.finish_reason = "content_filter";
  answer.provider_details = json{{"refusal", "It could be misused."}, {"refusal_category", "bio"}};
  return answer;
}

} // namespace

TEST_CASE("a call that the output limit cut off says so, and is tried once more, not four times") {
  staged_run world;
  world.begin();
  world.answer_query(cut_answer());
  auto retries = retries_of(*world.steps);
  REQUIRE(retries.size() == 1);
  CHECK(retries[0].content.get<std::string>().find("cut off") != std::string::npos);
  REQUIRE(world.log().open_queries.size() == 1);
  SUBCASE("a shorter one then runs") {
    world.call({"python"});
    world.finish_all();
    CHECK(world.end() == run_status::completed);
  }
  SUBCASE("a second cut one ends the turn with the limit's name") {
    world.answer_query(cut_answer());
    CHECK(world.end() == run_status::failed);
    CHECK(world.steps->ends.front().error.find("twice in a row") != std::string::npos);
    CHECK(world.steps->ends.front().error.find("output_tokens_max") != std::string::npos);
    CHECK(world.requests() == 2);
    CHECK(check_history(world.steps->nodes) == caf::none);
  }
}

TEST_CASE("a whole call in an answer that the output limit cut off behind it is run") {
  staged_run world;
  world.begin();
  auto answer = call_answer({{"python", {{"code", "1"}}}});
  answer.finish_reason = "length";
  world.answer_query(answer);
  CHECK(world.steps->started.size() == 1);
  world.finish_all();
  CHECK(world.end() == run_status::completed);
}

TEST_CASE("of a refused answer no call is run, and the vendor's explanation is told") {
  staged_run world;
  world.begin();
  world.answer_query(refused_answer({{"python", {{"code", "1"}}}}));
  CHECK(world.steps->started.empty());
  CHECK(world.end() == run_status::failed);
  const auto& error = world.steps->ends.front().error;
  CHECK(error.find("It could be misused.") != std::string::npos);
  CHECK(error.find("bio") != std::string::npos);
  CHECK(check_history(world.steps->nodes) == caf::none);
  CHECK(open_calls(world.steps->nodes).empty());
}

TEST_CASE("what failed attempts of a request used counts for the run, and is noted at once") {
  staged_run world;
  world.begin();
  token_usage spent;
  spent.input_tokens = 1'000;
  spent.output_tokens = 30;
  usage_row broken, answered;
  broken.outcome = usage_outcome::broken;
  answered.outcome = usage_outcome::answered;
  world.tell(world.run_, usage_atom_v, broken, spent);
  REQUIRE(world.steps->noted.size() == 1);
  CHECK(world.steps->noted[0].outcome == usage_outcome::broken);
  world.tell(world.run_, usage_atom_v, answered, token_usage{});
  CHECK(world.steps->noted.size() == 1);
  world.answer_query(text_answer("answer"));
  REQUIRE(world.steps->of_nodes.size() == 1);
  REQUIRE(world.steps->of_nodes[0].size() == 1);
  CHECK(world.steps->of_nodes[0][0].outcome == usage_outcome::answered);
  REQUIRE(world.steps->ends.size() == 1);
  CHECK(world.steps->ends[0].used.empty());
  CHECK(world.steps->ends.front().usage.input_tokens >= 1'000);
  CHECK(world.steps->ends.front().usage.output_tokens >= 30);
}

TEST_CASE("an answer that says nothing ends the turn with a word, however it says nothing") {
  auto blank = text_answer(" \n");
  model_response pause;
  pause.finish_reason = "stop";
  pause.provider_details = json{{"finish_reason", "pause_turn"}};
  for (const auto& answer : {blank, pause}) {
    staged_run world;
    world.begin();
    world.answer_query(answer);
    CHECK(world.end() == run_status::failed);
    CHECK(world.steps->ends.front().error.find("empty") != std::string::npos);
  }
}

TEST_CASE("an answer that was cut says whose limit it was") {
  model_response cut;
  text_part text;
  text.content = "half";
  cut.parts.push_back(text);
  cut.finish_reason = "length";
  model_config model;
  model.id = "x:y";
  model.kind = provider_kind::openai;
  CHECK(unfinished_reason(cut, model).find("the vendor's own") != std::string::npos);
  model.output_tokens_max = 500;
  CHECK(unfinished_reason(cut, model).find("output_tokens_max = 500") != std::string::npos);
  cut.provider_details = json{{"finish_reason", "model_context_window_exceeded"}};
  CHECK(unfinished_reason(cut, model).find("context of x:y is full") != std::string::npos);
}

TEST_CASE("a call that even the vendor could not read is asked for again, a few times, and shown never") {
  model_response garbled;
  garbled.finish_reason = "error";
  garbled.provider_details
    = json{{"finish_reason", "MALFORMED_FUNCTION_CALL"}, {"finish_message", "Malformed function call: print(1"}};
  staged_run world;
  world.begin();
  world.answer_query(garbled);
  CHECK(world.steps->nodes.size() == 1); // the question
  CHECK(world.requests() == 2);
  SUBCASE("and then answers") {
    world.answer_query(text_answer("answer"));
    CHECK(world.end() == run_status::completed);
  }
  SUBCASE("and then not, which ends the turn with the vendor's words") {
    for (int i = 0; i < garbled_calls_max; ++i)
      world.answer_query(garbled);
    CHECK(world.end() == run_status::failed);
    CHECK(world.steps->ends.front().error.find("Malformed function call: print(1") != std::string::npos);
    CHECK(world.requests() == static_cast<size_t>(garbled_calls_max) + 1);
  }
}
