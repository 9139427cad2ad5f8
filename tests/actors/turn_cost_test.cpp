// What a turn costs the actors of a long chat beside those of a short one, without what a request's own bytes cost. Run
// by name, with --no-skip.
#include "tests/support/actor_world.hpp"
#include "tests/support/chat_rows.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

using namespace varro;
using namespace varro::test;

namespace {

constexpr int64_t long_turns = 2'300;
constexpr int64_t plots = 200; // each in a turn of four messages
constexpr size_t plot_bytes = 60'000;
constexpr size_t measured_turns = 300;

message plot_result(const std::string& call) {
  tool_return_part part;
  part.tool_name = "python";
  part.tool_call_id = call;
  part.content
    = make_tool_content("<Figure>", {binary_content{std::string(plot_bytes, 'x'), "image/png", nullptr, call}});
  model_request request;
  request.parts.push_back(std::move(part));
  return request;
}

message plot_call(const std::string& call) {
  tool_call_part part;
  part.tool_name = "python";
  part.tool_call_id = call;
  part.args = {{"code", "plot()"}};
  model_response response;
  response.parts.push_back(std::move(part));
  return response;
}

chat_contents long_chat() {
  auto contents = actor_world::fresh_chat();
  auto add = [&](message content, int64_t turn) {
    auto row = make_row(contents.chat.id, ++contents.chat.last_seq, std::move(content), turn);
    row.run_id = turn;
    contents.messages.push_back(std::move(row));
  };
  for (int64_t turn = 1; turn <= long_turns; ++turn) {
    run_record run;
    run.id = turn;
    run.chat_id = contents.chat.id;
    run.turn = turn;
    run.parent = turn - 1;
    run.first_seq = contents.chat.last_seq + 1;
    run.status = run_status::completed;
    contents.runs.push_back(run);
    add(prompt("question " + std::to_string(turn)), turn);
    if (turn <= plots) {
      auto call = "plot-" + std::to_string(turn);
      add(plot_call(call), turn);
      add(plot_result(call), turn);
    }
    add(answer("answer " + std::to_string(turn)), turn);
  }
  return contents;
}

struct measured_chat {
  actor_world world;
  chat_session_actor session;
  std::vector<double> microseconds;

  explicit measured_chat(chat_contents contents) {
    auto stored = !contents.messages.empty();
    world.log().next_run = long_turns + 1;
    session = world.session(std::move(contents), stored);
  }
  void turn() {
    world.log().answers.push_back([](const model_query&) { return text_answer("an answer"); });
    auto begin = std::chrono::steady_clock::now();
    REQUIRE(world.ask<turn_started>(session, send_atom_v, user_message{"and now?", "", ""}));
    auto took = std::chrono::steady_clock::now() - begin;
    microseconds.push_back(std::chrono::duration<double, std::micro>(took).count());
    world.log().queries.clear();
  }
  double median() {
    auto middle = microseconds.begin() + static_cast<std::ptrdiff_t>(microseconds.size() / 2);
    std::nth_element(microseconds.begin(), middle, microseconds.end());
    return *middle;
  }
};

} // namespace

TEST_CASE("benchmark: a turn of a chat with 5,000 messages and 200 plots beside one of a new chat" * doctest::skip()) {
  measured_chat beginning{actor_world::fresh_chat()};
  measured_chat grown{long_chat()};
  for (size_t i = 0; i < measured_turns; ++i) { // side by side, so that the machine's moods meet both
    beginning.turn();
    grown.turn();
  }
  std::printf("a turn takes %.0f us in a new chat and %.0f us in a long one: %.2f times\n", beginning.median(),
              grown.median(), grown.median() / beginning.median());
}
