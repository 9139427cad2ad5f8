// A chat's shell is started while the response that calls for it is committed; its cells wait for that commit.
#include "models/message_json.hpp"
#include "tests/support/actor_world.hpp"
#include "workspace/versions.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;
using namespace std::chrono_literals;

namespace {

struct shell_world : actor_world {
  chat_session_actor chat = session();

  turn_started ask_something(const std::string& text) {
    auto started = ask<turn_started>(chat, send_atom_v, user_message{text, {}, {}});
    REQUIRE(started);
    return *started;
  }

  // A turn with one cell, to its end.
  turn_started turn_with_cell(const std::string& code) {
    auto turn = ask_something("please");
    answer_query(call_answer({{"python", {{"code", code}}}}));
    answer_query(text_answer("done"));
    return turn;
  }

  // A turn whose response with a cell waits for its commit.
  turn_started response_in_commit() {
    auto turn = ask_something("please");
    log().hold_commits = true;
    answer_query(call_answer({{"python", {{"code", "x = 1"}}}}));
    return turn;
  }

  void release_all() {
    log().hold_commits = false;
    while (!log().held.empty())
      release_commit();
  }

  std::string status() {
    return ask<chat_contents>(chat, history_atom_v)->runs.back().status;
  }
};

} // namespace

TEST_CASE_FIXTURE(shell_world,
                  "while a response is committed its shell starts and the files are kept; its cell waits") {
  auto turn = response_in_commit();
  CHECK(log().shells_started == 1);
  CHECK(log().file_steps == std::vector{"keep " + version_before(turn.run_id)});
  CHECK(log().cells.empty());
  release_all();
  CHECK(log().cells.size() == 1);
  CHECK(log().shells_started == 1);
  CHECK(log().file_steps.size() == 1);
}

TEST_CASE_FIXTURE(shell_world, "a response without a cell starts no shell") {
  ask_something("please");
  answer_query(call_answer({{"no_such_tool", json::object()}}));
  answer_query(text_answer("done"));
  CHECK(log().shells_started == 0);
  CHECK(log().file_steps.empty());
}

TEST_CASE_FIXTURE(shell_world, "a response that cannot be committed leaves a shell without a cell, for the next turn") {
  ask_something("please");
  log().fail_commit = 0;
  answer_query(call_answer({{"python", {{"code", "x = 1"}}}}));
  CHECK(status() == run_status::failed);
  CHECK(log().cells.empty());
  turn_with_cell("x = 2");
  CHECK(log().cells == std::vector<std::string>{"x = 2"});
  CHECK(log().shells_started == 1);
}

TEST_CASE_FIXTURE(shell_world, "a stop while the response is committed runs no cell, and the chat goes on") {
  response_in_commit();
  tell(chat, cancel_atom_v);
  release_all();
  CHECK(status() == run_status::cancelled);
  CHECK(log().cells.empty());
  turn_with_cell("x = 2");
  CHECK(log().cells == std::vector<std::string>{"x = 2"});
}

TEST_CASE_FIXTURE(shell_world, "files that are being kept for a stopped run are kept for the next one, too") {
  log().keeper_is_slow = true;
  response_in_commit();
  tell(chat, cancel_atom_v);
  release_all();
  auto second = ask_something("again");
  answer_query(call_answer({{"python", {{"code", "x = 2"}}}}));
  log().keeper_is_slow = false;
  advance(7s); // the keeper is not waited for any longer
  CHECK(log().file_steps == std::vector{"keep " + version_before(second.run_id)});
  CHECK(log().cells == std::vector<std::string>{"x = 2"});
}

TEST_CASE_FIXTURE(shell_world, "cells that are run again wait until the files are kept") {
  turn_with_cell("x = 1");
  tell(log().shell, close_atom_v);
  REQUIRE(ask<done_atom>(chat, rerun_atom_v));
  log().keeper_is_slow = true;
  log().cells.clear();
  ask_something("again");
  answer_query(call_answer({{"python", {{"code", "x"}}}}));
  CHECK(log().shells_started == 1);
  CHECK(log().cells.empty());
  advance(7s);
  CHECK(log().cells == std::vector<std::string>{"x = 1", "x"});
}

TEST_CASE_FIXTURE(shell_world, "a shell that could not be started is tried again for the cell, which says why") {
  log().no_shells = true;
  response_in_commit();
  CHECK(log().wanted.size() == 1);
  release_all();
  CHECK(log().wanted.size() == 2);
  answer_query(text_answer("done"));
  CHECK(status() == run_status::completed);
  auto told = to_json_text(committed_messages());
  CHECK(told.find("bubblewrap is not installed") != std::string::npos);
}
