#include "tests/support/actor_world.hpp"

#include "actors/tool_call.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "tests/support/shown_events.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

auto always(model_response response) {
  return [response = std::move(response)](const model_query&) -> caf::expected<model_response> { return response; };
}

auto refusing(caf::error error) {
  return [error = std::move(error)](const model_query&) -> caf::expected<model_response> { return error; };
}

std::vector<std::string> names(const std::vector<stream_event>& events) {
  std::vector<std::string> result;
  for (const auto& event : events)
    if (event.event != "progress")
      result.push_back(event.event);
  return result;
}

bool contains(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

run_record last_run(actor_world& world) {
  run_record run;
  for (const auto& batch : world.log().batches)
    if (batch.run)
      run = *batch.run;
  return run;
}

// The published content and done events, as a viewer sees them.
std::vector<stream_event> shown(actor_world& world) {
  auto events = world.log().published;
  std::erase_if(events, [](const stream_event& event) { return event.event == "progress"; });
  return events;
}

chat_contents committed_contents(actor_world& world) {
  chat_contents contents = actor_world::fresh_chat();
  for (const auto& batch : world.log().batches) {
    if (batch.chat)
      contents.chat = *batch.chat;
    contents.snapshots.insert(contents.snapshots.end(), batch.snapshots.begin(), batch.snapshots.end());
    for (const auto& row : batch.messages)
      contents.messages.push_back(row);
    if (!batch.run)
      continue;
    if (!contents.runs.empty() && contents.runs.back().id == batch.run->id)
      contents.runs.back() = *batch.run;
    else
      contents.runs.push_back(*batch.run);
  }
  return contents;
}

int64_t seq_of(const std::string& html) {
  const std::string key = "data-seq=\"";
  return std::stoll(html.substr(html.find(key) + key.size()));
}

user_message says(std::string text) {
  return {std::move(text), {}, {}};
}

// What is stored of a chat whose server was killed while a cell ran.
chat_contents cut_off_in_a_cell() {
  actor_world world;
  world.log().run_cell = [](const std::string&) -> std::optional<cell_result> { return std::nullopt; };
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "launch()"}}}})));
  REQUIRE(world.ask<turn_started>(world.session(), send_atom_v, says("go")));
  auto contents = committed_contents(world);
  REQUIRE(contents.runs.back().status == run_status::running);
  return contents;
}

// What is stored of a chat that ran this cell.
chat_contents with_one_cell(std::string code) {
  actor_world world;
  world.log().answers.push_back(always(call_answer({{"python", {{"code", std::move(code)}}}})));
  world.log().answers.push_back(always(text_answer("done")));
  REQUIRE(world.ask<turn_started>(world.session(), send_atom_v, says("go")));
  return committed_contents(world);
}

// What the model reads of a cell that a new server runs in this chat.
std::string show_variables(actor_world& world, const chat_contents& contents, chat_session_actor session = {}) {
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "print(x)"}}}})));
  world.log().answers.push_back(always(text_answer("done")));
  if (!session)
    session = world.session(contents, true);
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("show x")));
  return to_json_text(world.log().queries.back().history->back());
}

} // namespace

TEST_CASE("a message is committed with its chat and run before it is answered") {
  actor_world world;
  world.log().hold_commits = true;
  auto session = world.session();
  auto waiting = world.ask<turn_started>(session, send_atom_v, says("hello"));
  CHECK_FALSE(waiting);
  REQUIRE(world.log().batches.size() == 1);
  const auto& batch = world.log().batches[0];
  CHECK(batch.chat->title == "hello");
  CHECK(batch.messages.size() == 1);
  CHECK(batch.run->status == run_status::running);
  CHECK(world.log().queries.empty());
  world.release_commit();
  CHECK(world.log().queries.size() == 1);
}

TEST_CASE("a turn without tools shows its text and is done") {
  actor_world world;
  world.log().answers.push_back(always(text_answer("**hi**")));
  auto session = world.session();
  auto started = world.ask<turn_started>(session, send_atom_v, says("hello"));
  REQUIRE(started);
  CHECK(started->created);
  CHECK(started->seq == 1);
  CHECK(contains(user_block_of(*started), "data-block=\"user\""));
  auto events = shown(world);
  REQUIRE(names(events) == std::vector<std::string>{"content", "done"});
  CHECK(events[0].id == 2);
  CHECK(contains(events[0].data, "<strong>hi</strong>"));
  CHECK(contains(events[1].data, "\"status\":\"completed\""));
  CHECK(last_run(world).usage.output_tokens == 5);
}

TEST_CASE("a cell's result goes back to the model and replaces the call's block") {
  actor_world world;
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "print(1)"}}}})));
  world.log().answers.push_back(always(text_answer("done")));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("compute")));
  CHECK(world.log().cells == std::vector<std::string>{"print(1)"});
  REQUIRE(world.log().queries.size() == 2);
  const auto& history = *world.log().queries[1].history;
  REQUIRE(history.size() == 3);
  CHECK(check_history(history) == caf::none);
  auto events = shown(world);
  REQUIRE(events.size() == 4);
  CHECK(contains(events[0].data, "data-state=\"running\""));
  CHECK(contains(events[1].data, "data-state=\"done\""));
  CHECK(contains(events[1].data, "ran: print(1)"));
  CHECK(contains(events[1].data, "id=\"m2-p0\""));
  CHECK(events[1].id == 3);
}

TEST_CASE("cells of one response run one after the other, each after the former's result is committed") {
  actor_world world;
  world.log().run_cell = [](const std::string&) -> std::optional<cell_result> { return std::nullopt; };
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "a"}}}, {"python", {{"code", "b"}}}})));
  world.log().answers.push_back(always(text_answer("done")));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("compute")));
  CHECK(world.log().cells == std::vector<std::string>{"a"});
  world.finish_cell(printed("A"));
  CHECK(world.log().cells == std::vector<std::string>{"a", "b"});
  world.finish_cell(printed("B"));
  CHECK(last_run(world).status == run_status::completed);
}

TEST_CASE("a second message during a run is refused with the run's id, and accepted after it") {
  actor_world world;
  auto session = world.session();
  auto first = world.ask<turn_started>(session, send_atom_v, says("one"));
  REQUIRE(first);
  auto second = world.ask<turn_started>(session, send_atom_v, says("two"));
  REQUIRE_FALSE(second);
  CHECK(code_of(second.error()) == errc::run_in_progress);
  CHECK(contains(text_of(second.error()), "run " + std::to_string(first->run_id)));
  world.answer_query(text_answer("answer"));
  world.log().answers.push_back(always(text_answer("again")));
  auto third = world.ask<turn_started>(session, send_atom_v, says("three"));
  REQUIRE(third);
  CHECK_FALSE(third->created);
  CHECK(third->turn == 2);
}

TEST_CASE("one copy of each message serves the store, the model's requests and downloads") {
  actor_world world;
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "1"}}}})));
  world.log().answers.push_back(always(text_answer("done")));
  world.log().answers.push_back(always(text_answer("again")));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("one")));
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("two")));
  const auto committed = world.committed_messages();
  const auto downloaded = world.ask<chat_contents>(session, history_atom_v);
  REQUIRE(downloaded);
  REQUIRE(downloaded->messages.size() == committed.size());
  for (size_t i = 0; i < committed.size(); ++i)
    CHECK(downloaded->messages[i].content.is_same_as(committed[i]));
  REQUIRE(world.log().queries.size() == 3);
  for (const auto& query : world.log().queries)
    for (size_t i = 0; i < query.history->size(); ++i)
      CHECK((*query.history)[i].is_same_as(committed[i]));
}

TEST_CASE("an unknown tool and unusable arguments are told to the model") {
  actor_world world;
  world.log().answers.push_back(always(call_answer({{"magic", json::object()}, {"python", "{\"code\": "}})));
  world.log().answers.push_back(always(call_answer({{"python", json::object()}})));
  world.log().answers.push_back(always(text_answer("done")));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("compute")));
  CHECK(last_run(world).status == run_status::completed);
  CHECK(world.log().cells.empty());
  const auto& history = *world.log().queries.back().history;
  CHECK(check_history(history) == caf::none);
  const auto& unknown = std::get<retry_prompt_part>(std::get<model_request>(*history[2]).parts[0]);
  CHECK(contains(unknown.content.get<std::string>(), "Unknown tool name: 'magic'"));
  const auto& invalid = std::get<retry_prompt_part>(std::get<model_request>(*history[3]).parts[0]);
  CHECK(invalid.content[0]["type"] == "json_invalid");
  const auto& missing = std::get<retry_prompt_part>(std::get<model_request>(*history[5]).parts[0]);
  CHECK(missing.content[0]["type"] == "missing");
}

TEST_CASE("three unusable calls in a row are forgiven, the fourth ends the turn") {
  for (int bad : {3, 4}) {
    actor_world world;
    for (int i = 0; i < bad; ++i)
      world.log().answers.push_back(always(call_answer({{"magic", json::object()}})));
    world.log().answers.push_back(always(text_answer("done")));
    auto session = world.session();
    REQUIRE(world.ask<turn_started>(session, send_atom_v, says("compute")));
    CHECK(last_run(world).status == std::string{bad == 3 ? run_status::completed : run_status::failed});
    if (bad == 4)
      CHECK(contains(last_run(world).error, "agent.retries_max"));
    CHECK(check_history(world.committed_messages()) == caf::none);
  }
}

TEST_CASE("a turn ends at its limit of model requests, saying which limit") {
  actor_world world;
  auto settings = std::make_shared<config>(*world.services().settings);
  settings->agent.model_requests_max = 2;
  world.services().settings = settings;
  for (int i = 0; i < 3; ++i)
    world.log().answers.push_back(always(call_answer({{"python", {{"code", "1"}}}})));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("loop")));
  CHECK(world.log().queries.size() == 2);
  CHECK(last_run(world).status == run_status::failed);
  auto events = shown(world);
  const auto& error = events[events.size() - 2];
  CHECK(contains(error.data, "data-block=\"error\""));
  CHECK(contains(error.data, "agent.model_requests_max"));
  CHECK(contains(events.back().data, "\"error\":true"));
}

TEST_CASE("a turn ends at its limit of tokens") {
  actor_world world;
  auto settings = std::make_shared<config>(*world.services().settings);
  settings->agent.tokens_max = 15;
  world.services().settings = settings;
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "1"}}}})));
  world.log().answers.push_back(always(text_answer("never")));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("loop")));
  CHECK(world.log().queries.size() == 1);
  CHECK(contains(last_run(world).error, "agent.tokens_max"));
}

TEST_CASE("a model that fails for good is an error block, and the chat goes on") {
  actor_world world;
  world.log().answers.push_back(refusing(fail(errc::model_rejected, "no such model")));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("hello")));
  CHECK(last_run(world).status == run_status::failed);
  CHECK(contains(shown(world)[0].data, "no such model"));
  world.log().answers.push_back(always(text_answer("fine now")));
  CHECK(world.ask<turn_started>(session, send_atom_v, says("again")));
  CHECK(last_run(world).status == run_status::completed);
}

TEST_CASE("a stop closes the model request at once") {
  actor_world world;
  auto session = world.session();
  auto started = world.ask<turn_started>(session, send_atom_v, says("hello"));
  REQUIRE(started);
  CHECK(world.ask<done_atom>(session, cancel_atom_v));
  CHECK(world.log().cancelled_queries == std::vector<int64_t>{started->run_id});
  CHECK(last_run(world).status == run_status::cancelled);
  CHECK(contains(shown(world).back().data, "\"status\":\"cancelled\""));
  auto again = world.ask<done_atom>(session, cancel_atom_v);
  CHECK(code_of(again.error()) == errc::no_run);
}

TEST_CASE("of a stopped request the usage is recorded, and the half answer is no part of the history") {
  actor_world world;
  auto half = text_answer("The answer is pro");
  half.state = "interrupted";
  half.usage.input_tokens = 21;
  half.usage.output_tokens = 3;
  world.log().received_before_cancel = half;
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("hello")));
  REQUIRE(world.ask<done_atom>(session, cancel_atom_v));
  CHECK(last_run(world).status == run_status::cancelled);
  CHECK(last_run(world).usage.input_tokens == 21);
  CHECK(last_run(world).usage.output_tokens == 3);
  CHECK(last_run(world).model_requests == 1);
  CHECK(world.committed_messages().size() == 1);
}

TEST_CASE("a stop interrupts the running cell and answers the waiting ones, leaving a valid history") {
  actor_world world;
  world.log().run_cell = [](const std::string&) -> std::optional<cell_result> { return std::nullopt; };
  world.log().answers.push_back(
    always(call_answer({{"python", {{"code", "a"}}}, {"python", {{"code", "b"}}}, {"python", {{"code", "c"}}}})));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("compute")));
  REQUIRE(world.ask<done_atom>(session, cancel_atom_v));
  CHECK(world.log().interrupts == 1);
  CHECK(world.log().cells == std::vector<std::string>{"a"});
  CHECK(last_run(world).status == run_status::cancelled);
  CHECK(check_history(world.committed_messages()) == caf::none);
  CHECK(open_calls(world.committed_messages()).empty());
  for (const auto& event : shown(world))
    if (event.id > 2 && event.event == "content" && contains(event.data, "tool-call"))
      CHECK(contains(event.data, "data-state=\"stopped\""));
}

TEST_CASE("what cannot be committed is not shown") {
  actor_world world;
  world.log().fail_commit = 1; // the user's message is stored, the answer is not
  world.log().answers.push_back(always(text_answer("lost words")));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("hello")));
  for (const auto& event : world.log().published)
    CHECK_FALSE(contains(event.data, "lost words"));
  CHECK(last_run(world).status == run_status::failed);
  CHECK(contains(last_run(world).error, "full"));
}

TEST_CASE("an answer whose end cannot be stored is told, and closed when there is room again") {
  actor_world world;
  world.log().fail_commit = 2; // the return, and all that follows
  world.log().stays_full = true;
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "a"}}}})));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("compute")));
  const auto& published = world.log().published;
  REQUIRE(published.size() >= 2);
  CHECK(published.back().event == "done");
  auto data = json::parse(published.back().data);
  CHECK(data["error"] == true);
  CHECK(contains(data["message"].get<std::string>(), "database or disk is full"));
  auto page = world.ask<transcript_view>(session, page_atom_v);
  REQUIRE(page);
  CHECK_FALSE(page->running);
  CHECK(page->last_seq == 2);
  CHECK(contains(page->notice, "database or disk is full"));
  CHECK(contains(blocks_of(*page).back().html.str(), "data-state=\"stopped\""));
  auto refused = world.ask<turn_started>(session, send_atom_v, says("still full"));
  CHECK(code_of(refused.error()) == errc::storage_failed);
  world.log().stays_full = false;
  world.log().fail_commit = -1;
  world.log().answers.push_back(always(text_answer("there is room")));
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("again")));
  CHECK(check_history(world.committed_messages()) == caf::none);
  page = world.ask<transcript_view>(session, page_atom_v);
  REQUIRE(page);
  CHECK(page->notice.empty());
  CHECK(contains(blocks_of(*page).back().html.str(), "there is room"));
}

TEST_CASE("a user message that cannot be committed is refused and loses nothing") {
  actor_world world;
  world.log().fail_commit = 0;
  auto session = world.session();
  auto refused = world.ask<turn_started>(session, send_atom_v, says("hello"));
  CHECK(code_of(refused.error()) == errc::storage_failed);
  CHECK(world.log().queries.empty());
  world.log().answers.push_back(always(text_answer("hi")));
  auto accepted = world.ask<turn_started>(session, send_atom_v, says("hello"));
  REQUIRE(accepted);
  CHECK(accepted->created);
}

TEST_CASE("a viewer who joins anywhere sees exactly what a live viewer saw of the messages after that point") {
  actor_world world;
  auto thinking_calls = call_answer({{"python", {{"code", "a"}}}, {"python", {{"code", "b"}}}});
  thinking_calls.parts.insert(thinking_calls.parts.begin(), thinking_part{"hm", {}, {}, {}, nullptr});
  world.log().answers.push_back(always(thinking_calls));
  world.log().answers.push_back(always(text_answer("done")));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("compute")));
  auto live = shown(world);
  REQUIRE(live.size() == 7); // thinking, two calls, two results, text, done
  for (int64_t after = 1; after <= 5; ++after) {
    world.log().replays.clear();
    world.tell(session, attach_atom_v, uint64_t{9}, after);
    REQUIRE(world.log().replays.size() == 1);
    std::vector<std::string> expected;
    for (const auto& event : live)
      if (event.event == "done" || seq_of(event.data) > after)
        expected.push_back(event.data);
    std::vector<std::string> got;
    for (const auto& event : world.log().replays[0].events)
      got.push_back(event.data);
    CHECK(got == expected);
  }
}

TEST_CASE("of a message with several blocks only the last one carries its seq") {
  model_response response = text_answer("text");
  response.parts.insert(response.parts.begin(), thinking_part{"hm", {}, {}, {}, nullptr});
  actor_world world;
  world.log().answers.push_back(always(response));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("hello")));
  auto events = shown(world);
  REQUIRE(events.size() == 3);
  CHECK(contains(events[0].data, "data-block=\"thinking\""));
  CHECK(events[0].id == 1);
  CHECK(events[1].id == 2);
}

TEST_CASE("without an id a stream starts with the newest turn's first node") {
  actor_world world;
  world.log().answers.push_back(always(text_answer("first answer")));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("one")));
  world.log().answers.push_back(always(text_answer("second answer")));
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("two")));
  world.tell(session, attach_atom_v, uint64_t{1}, int64_t{-1});
  const auto& events = world.log().replays.back().events;
  REQUIRE(events.size() == 2);
  CHECK(contains(events[0].data, "second answer"));
  CHECK(events[1].event == "done");
}

TEST_CASE("a viewer of a running turn gets the newest progress and follows") {
  actor_world world;
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("one")));
  world.tell(session, attach_atom_v, uint64_t{1}, int64_t{-1});
  const auto& replay = world.log().replays.back();
  CHECK(replay.follow);
  REQUIRE(replay.events.size() == 1);
  CHECK(replay.events[0].event == "progress");
  CHECK(contains(replay.events[0].data, "Thinking…"));
  CHECK_FALSE(world.ask<bool>(session, passivate_atom_v, false).cvalue());
}

TEST_CASE("a run that a former process left open goes on, its lost cell is told to the model and not run again") {
  auto contents = cut_off_in_a_cell();
  actor_world second;
  second.log().answers.push_back(always(text_answer("I launch it again later.")));
  auto session = second.session(contents, true);
  auto page = second.ask<transcript_view>(session, page_atom_v);
  REQUIRE(page);
  CHECK_FALSE(page->running);
  CHECK(contains(blocks_of(*page).back().html.str(), "I launch it again later."));
  auto history = messages_of(contents.messages);
  for (const auto& m : second.committed_messages())
    history.push_back(m);
  CHECK(check_history(history) == caf::none);
  CHECK(second.log().cells.empty());
  REQUIRE(second.log().queries.size() == 1);
  CHECK(contains(to_json_text(second.log().queries[0].history->back()), "result is lost"));
  auto run = last_run(second);
  CHECK(run.id == contents.runs.back().id);
  CHECK(run.status == run_status::completed);
  CHECK(run.resumes == 1);
  CHECK(run.model_requests == 2);
  CHECK(run.usage.output_tokens == 2 * std::get<model_response>(*contents.messages[1].content).usage.output_tokens);
}

TEST_CASE("of a run whose answer was committed and whose end was not, only the end is made up") {
  actor_world first;
  first.log().answers.push_back(always(text_answer("That is all.")));
  REQUIRE(first.ask<turn_started>(first.session(), send_atom_v, says("go")));
  auto contents = committed_contents(first);
  contents.runs.back().status = run_status::running;
  contents.runs.back().ended_at = 0;

  actor_world second;
  auto page = second.ask<transcript_view>(second.session(contents, true), page_atom_v);
  REQUIRE(page);
  CHECK(blocks_of(*page).size() == 2);
  CHECK(second.log().queries.empty());
  CHECK(last_run(second).status == run_status::completed);
}

TEST_CASE("a run is taken up again agent.resumes_max times and no more") {
  for (int resumes : {2, 3}) {
    auto contents = cut_off_in_a_cell();
    contents.runs.back().resumes = resumes;
    actor_world world;
    REQUIRE(world.services().settings->agent.resumes_max == 3);
    world.log().answers.push_back(always(text_answer("done")));
    REQUIRE(world.ask<transcript_view>(world.session(contents, true), page_atom_v));
    CHECK(last_run(world).status == (resumes == 2 ? run_status::completed : run_status::interrupted));
    CHECK(contains(last_run(world).error, "agent.resumes_max") == (resumes == 3));
  }
}

TEST_CASE("a run whose model is no longer configured is closed with these words") {
  auto contents = cut_off_in_a_cell();
  contents.chat.model = "gone:model";
  actor_world world;
  REQUIRE(world.ask<transcript_view>(world.session(contents, true), page_atom_v));
  CHECK(last_run(world).status == run_status::interrupted);
  CHECK(contains(last_run(world).error, "gone:model"));
}

TEST_CASE("the registry takes up the open run of a chat that nobody looks at") {
  auto contents = cut_off_in_a_cell();
  actor_world world;
  world.log().stored[{contents.chat.user_id, contents.chat.id}] = contents;
  world.log().answers.push_back(always(text_answer("done")));
  world.tell(world.registry(), resume_atom_v, contents.chat.user_id, contents.chat.id);
  CHECK(last_run(world).status == run_status::completed);
}

TEST_CASE("with after_restart = interrupt an open run is closed before the chat is shown, and waits for the user") {
  auto contents = cut_off_in_a_cell();
  actor_world second;
  auto settings = std::make_shared<config>(*second.services().settings);
  settings->agent.after_restart = "interrupt";
  second.services().settings = settings;
  auto session = second.session(contents, true);
  auto page = second.ask<transcript_view>(session, page_atom_v);
  REQUIRE(page);
  CHECK_FALSE(page->running);
  CHECK(contains(blocks_of(*page).back().html.str(), "Interrupted: the server was restarted."));
  auto history = messages_of(contents.messages);
  for (const auto& m : second.committed_messages())
    history.push_back(m);
  CHECK(check_history(history) == caf::none);
  CHECK(second.log().cells.empty());
}

TEST_CASE("after each cell a snapshot is taken and remembered with the cell's return") {
  actor_world world;
  world.log().take_snapshot = [&, footer = int64_t{0}]() mutable {
    return snapshot_taken{footer += 100, footer == 100, "call-" + std::to_string(world.log().cells.size())};
  };
  world.log().answers.push_back(
    always(call_answer({{"python", {{"code", "x = 1"}}}, {"python", {{"code", "y = 2"}}}})));
  world.log().answers.push_back(always(text_answer("done")));
  REQUIRE(world.ask<turn_started>(world.session(), send_atom_v, says("set")));
  CHECK(world.log().snapshot_bases == std::vector<int64_t>{-1, 100});
  CHECK(world.log().acknowledged == std::vector<std::string>{"call-1", "call-2"});
  auto contents = committed_contents(world);
  REQUIRE(contents.snapshots.size() == 2);
  CHECK(contents.snapshots[0].seq == contents.messages[2].seq);
  CHECK(contents.snapshots[0].footer == 100);
  CHECK(contents.snapshots[1].seq == contents.messages[3].seq);
}

TEST_CASE(
  "after a restart the namespace comes back from its snapshot, and the next cell's reader is told what is back") {
  auto contents = with_one_cell("x = 1");
  contents.snapshots.push_back({contents.messages[2].seq, 640});
  actor_world world;
  auto text = show_variables(world, contents);
  CHECK(world.log().restored == std::vector<int64_t>{640});
  CHECK(world.log().cells == std::vector<std::string>{"print(x)"});
  CHECK(contains(text, "2 variables are back"));
  CHECK(contains(text, "lock (a lock)"));
  CHECK_FALSE(contains(text, "is missing"));
  auto restoring = std::any_of(world.log().published.begin(), world.log().published.end(), [](const auto& event) {
    return event.event == "progress" && contains(event.data, "Restoring session…");
  });
  CHECK(restoring);
}

TEST_CASE("a cell that ran after the snapshot is told to be missing, and a snapshot before a killed cell is not used") {
  actor_world first;
  first.log().answers.push_back(
    always(call_answer({{"python", {{"code", "x = 1"}}}, {"python", {{"code", "y = 1"}}}})));
  first.log().answers.push_back(always(text_answer("done")));
  SUBCASE("later") {
    REQUIRE(first.ask<turn_started>(first.session(), send_atom_v, says("set x")));
    auto contents = committed_contents(first);
    contents.snapshots.push_back({contents.messages[2].seq, 640});
    actor_world world;
    CHECK(contains(show_variables(world, contents), "What the last 1 cell changed after it is missing."));
  }
  SUBCASE("killed") {
    first.log().run_cell = [](const std::string& code) {
      auto result = printed(code);
      if (code == "y = 1")
        result.status = cell_status::killed;
      return std::optional{result};
    };
    REQUIRE(first.ask<turn_started>(first.session(), send_atom_v, says("set x")));
    auto contents = committed_contents(first);
    contents.snapshots.push_back({contents.messages[2].seq, 640});
    actor_world world;
    auto text = show_variables(world, contents);
    CHECK(world.log().restored.empty());
    CHECK_FALSE(contains(text, "[The variables"));
  }
}

TEST_CASE("without a usable snapshot the reader is told so, and cells are run again only when the user asks") {
  auto contents = with_one_cell("x = 1");
  SUBCASE("none") {
    actor_world world;
    CHECK(contains(show_variables(world, contents), "there is no snapshot of them"));
    CHECK(contains(shown(world)[1].data, ">Run the earlier cells again</button>"));
    CHECK(world.log().cells == std::vector<std::string>{"print(x)"});
  }
  SUBCASE("damaged") {
    contents.snapshots.push_back({contents.messages[2].seq, 640});
    actor_world world;
    world.log().damaged_snapshots = true;
    CHECK(contains(show_variables(world, contents), "could not be read"));
    CHECK(world.log().cells == std::vector<std::string>{"print(x)"});
  }
  SUBCASE("the user asks") {
    contents.snapshots.push_back({contents.messages[2].seq, 640});
    actor_world world;
    auto session = world.session(contents, true);
    REQUIRE(world.ask<done_atom>(session, rerun_atom_v));
    CHECK(contains(show_variables(world, contents, session), "by running its 1 earlier cell again"));
    CHECK_FALSE(contains(shown(world)[1].data, "Run the earlier cells again"));
    CHECK(world.log().restored.empty());
    CHECK(world.log().cells == std::vector<std::string>{"x = 1", "print(x)"});
    CHECK(world.log().snapshot_bases.size() == 2);
  }
}

TEST_CASE("a shell of a former server is taken over as it is") {
  auto contents = with_one_cell("x = 1");
  actor_world world;
  world.log().former_shell = true;
  world.log().begun_cells["call-1"] = printed("committed, not acknowledged");
  auto text = show_variables(world, contents);
  CHECK_FALSE(contains(text, "[This session"));
  CHECK_FALSE(contains(text, "[The variables"));
  CHECK(world.log().shells_started == 0);
  CHECK(world.log().restored.empty());
  CHECK(world.log().acknowledged.front() == "call-1");
}

TEST_CASE("a cell that a former server's shell still runs is awaited, and its result committed once") {
  for (bool done : {true, false}) {
    auto contents = cut_off_in_a_cell();
    actor_world world;
    world.log().former_shell = true;
    world.log().begun_cells["call-1"] = done ? std::optional{printed("launched")} : std::nullopt;
    world.log().answers.push_back(always(text_answer("It is launched.")));
    auto session = world.session(contents, true);
    world.run();
    if (!done) {
      CHECK(world.log().queries.empty());
      world.finish_cell(printed("launched"));
    }
    CHECK(world.log().cells.empty());
    CHECK(world.log().acknowledged == std::vector<std::string>{"call-1"});
    CHECK(last_run(world).status == run_status::completed);
    auto history = messages_of(contents.messages);
    for (const auto& m : world.committed_messages())
      history.push_back(m);
    CHECK(check_history(history) == caf::none);
    CHECK(contains(to_json_text(history[2]), "launched"));
  }
}

TEST_CASE("of several open calls those before the begun one are lost, and those after it run") {
  actor_world first;
  first.log().run_cell = [](const std::string&) -> std::optional<cell_result> { return std::nullopt; };
  first.log().answers.push_back(always(call_answer(
    {{"python", {{"code", "one()"}}}, {"python", {{"code", "two()"}}}, {"python", {{"code", "three()"}}}})));
  REQUIRE(first.ask<turn_started>(first.session(), send_atom_v, says("go")));
  actor_world world;
  world.log().former_shell = true;
  world.log().begun_cells["call-2"] = printed("second");
  world.log().answers.push_back(always(text_answer("done")));
  auto contents = committed_contents(first);
  auto session = world.session(contents, true);
  world.run();
  CHECK(world.log().cells == std::vector<std::string>{"three()"});
  auto history = messages_of(contents.messages);
  for (const auto& m : world.committed_messages())
    history.push_back(m);
  CHECK(check_history(history) == caf::none);
  CHECK(contains(to_json_text(history[2]), "result is lost"));
}

TEST_CASE("a stop that keeps shells leaves the run and the shell to the next server") {
  actor_world world;
  auto settings = std::make_shared<config>(*world.services().settings);
  settings->keep_shells = true;
  world.services().settings = settings;
  world.log().run_cell = [](const std::string&) -> std::optional<cell_result> { return std::nullopt; };
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "launch()"}}}})));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("go")));
  REQUIRE(world.ask<done_atom>(session, stop_atom_v));
  CHECK(last_run(world).status == run_status::running);
  CHECK(world.log().shells_closed == 0);
  world.tell(world.log().shell, close_atom_v);
}

TEST_CASE("a replaced turn is an alternative that can be switched to, and the shell goes along") {
  actor_world world;
  for (int i = 0; i < 3; ++i)
    world.log().answers.push_back(always(text_answer("answer")));
  auto session = world.session();
  auto first = world.ask<turn_started>(session, send_atom_v, says("one"));
  REQUIRE(first);
  auto second = world.ask<turn_started>(session, edit_atom_v, int64_t{1}, says("other"));
  REQUIRE(second);
  auto contents = world.ask<chat_contents>(session, history_atom_v);
  REQUIRE(contents);
  CHECK(contents->alternatives[second->run_id] == std::vector{first->run_id, second->run_id});
  auto next = world.ask<turn_started>(session, send_atom_v, says("and then"));
  REQUIRE(next);
  CHECK(last_run(world).parent == second->run_id);
  world.log().stored[{contents->chat.user_id, contents->chat.id}] = committed_contents(world);
  REQUIRE(world.ask<done_atom>(session, branch_atom_v, first->run_id));
  REQUIRE(world.log().batches.back().activate_run);
  CHECK(*world.log().batches.back().activate_run == first->run_id);
}

TEST_CASE("a version that is not there is refused before the shell ends, and the one that is shown is no change") {
  actor_world world;
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "x = 1"}}}})));
  world.log().answers.push_back(always(text_answer("done")));
  auto session = world.session();
  auto started = world.ask<turn_started>(session, send_atom_v, says("go"));
  REQUIRE(started);
  CHECK(code_of(world.ask<done_atom>(session, branch_atom_v, int64_t{999}).error()) == errc::not_found);
  CHECK(world.ask<done_atom>(session, branch_atom_v, started->run_id));
  CHECK(world.log().shells_closed == 0);
}

TEST_CASE("a shell that died is told to the model, and the next cell gets a fresh one") {
  actor_world world;
  world.log().run_cell = [](const std::string& code) -> std::optional<cell_result> {
    cell_result result = printed(code);
    if (code == "die") {
      result.status = cell_status::killed;
      result.reason = "The shell was killed.";
    }
    return result;
  };
  for (const auto* code : {"x = 1", "die", "print(2)"})
    world.log().answers.push_back(always(call_answer({{"python", {{"code", code}}}})));
  world.log().answers.push_back(always(text_answer("done")));
  REQUIRE(world.ask<turn_started>(world.session(), send_atom_v, says("go")));
  auto cells = transcript{committed_contents(world)}.cells();
  REQUIRE(cells.size() == 1);
  CHECK(cells[0].code == "print(2)");
}

TEST_CASE("a cell whose shell ends before it begins runs once, in a fresh shell, and the model is told") {
  actor_world world;
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "launch()"}}}})));
  world.log().answers.push_back(always(text_answer("done")));
  SUBCASE("as often as it may") {
    world.log().shells_that_end = ended_shells_max;
    REQUIRE(world.ask<turn_started>(world.session(), send_atom_v, says("go")));
    CHECK(world.log().cells == std::vector<std::string>{"launch()"});
    CHECK(world.log().shells_started == ended_shells_max + 1);
    CHECK(
      contains(shown(world)[1].data, "[The Python shell had ended before this cell began; it ran in a fresh one.]"));
    CHECK(contains(shown(world)[1].data, "data-state=\"done\""));
  }
  SUBCASE("a shell that is gone without an answer") {
    world.log().shells_that_vanish = 1;
    REQUIRE(world.ask<turn_started>(world.session(), send_atom_v, says("go")));
    CHECK(world.log().cells == std::vector<std::string>{"launch()"});
    CHECK(world.log().shells_started == 2);
  }
  SUBCASE("once more, and it is reported") {
    world.log().shells_that_end = ended_shells_max + 1;
    REQUIRE(world.ask<turn_started>(world.session(), send_atom_v, says("go")));
    CHECK(world.log().cells.empty());
    CHECK(contains(shown(world)[1].data, "The Python shell ended before this cell ran"));
    CHECK(transcript{committed_contents(world)}.cells().empty());
  }
  CHECK(last_run(world).status == run_status::completed);
}

TEST_CASE("a cell that wakes in another shell has the variables of the snapshot") {
  auto contents = with_one_cell("x = 1");
  contents.snapshots.push_back({contents.messages[2].seq, 640});
  actor_world world;
  world.log().shells_that_end = 1;
  auto text = show_variables(world, contents);
  CHECK(contains(text, "[This session was restored from its snapshot: 2 variables are back."));
  CHECK_FALSE(contains(text, "had ended before this cell"));
  CHECK(world.log().restored == std::vector<int64_t>{640, 640});
  CHECK(world.log().cells == std::vector<std::string>{"print(x)"});
}

TEST_CASE("a chat's shells are of its Python, and of the default one once that is not configured any more") {
  for (auto known : {true, false}) {
    actor_world world;
    auto settings = std::make_shared<config>(*world.services().settings);
    if (known)
      settings->shell.interpreters.push_back({"science", "/opt/science/bin/python3", {}});
    world.services().settings = settings;
    world.log().answers.push_back(always(call_answer({{"python", {{"code", "1"}}}})));
    world.log().answers.push_back(always(text_answer("done")));
    REQUIRE(world.ask<turn_started>(world.session(), send_atom_v, user_message{"go", {}, "science"}));
    CHECK(committed_contents(world).chat.python == "science");
    REQUIRE(world.log().wanted.size() == 1);
    CHECK(world.log().wanted[0].python == (known ? "science" : ""));
    CHECK(world.log().wanted[0].user == 7);
    auto note = "[The Python &quot;science&quot; of this chat is no longer configured; this is &quot;default&quot;.]";
    CHECK(contains(shown(world)[1].data, note) == !known);
  }
}

TEST_CASE("without a sandbox the cell fails with words, and the model hears them") {
  actor_world world;
  world.log().no_shells = true;
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "1"}}}})));
  world.log().answers.push_back(always(text_answer("sorry")));
  REQUIRE(world.ask<turn_started>(world.session(), send_atom_v, says("go")));
  CHECK(last_run(world).status == run_status::completed);
  CHECK(check_history(world.committed_messages()) == caf::none);
  CHECK(contains(shown(world)[1].data, "bubblewrap is not installed"));
}

TEST_CASE("an edited turn replaces itself and what follows, and the namespace goes back") {
  actor_world world;
  world.log().take_snapshot = [&, footer = int64_t{0}]() mutable {
    return snapshot_taken{footer += 100, footer == 100, world.log().acknowledged.back()};
  };
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "x = 1"}}}})));
  world.log().answers.push_back(always(text_answer("one")));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("first")));
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "x = 2"}}}})));
  world.log().answers.push_back(always(text_answer("two")));
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("second")));
  world.log().cells.clear();
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "print(x)"}}}})));
  world.log().answers.push_back(always(text_answer("three")));
  auto edited = world.ask<turn_started>(session, edit_atom_v, int64_t{2}, says("second, but better"));
  REQUIRE(edited);
  CHECK(edited->turn == 2);
  CHECK(world.log().restored == std::vector<int64_t>{100}); // not 200, which the replaced turn left
  CHECK(world.log().cells == std::vector<std::string>{"print(x)"});
  auto page = world.ask<transcript_view>(session, page_atom_v);
  REQUIRE(page);
  std::string html;
  for (const auto& block : blocks_of(*page))
    html += block.html.str();
  CHECK(contains(html, "second, but better"));
  CHECK_FALSE(contains(html, ">two<"));
  CHECK(code_of(world.ask<turn_started>(session, edit_atom_v, int64_t{5}, says("x")).error()) == errc::not_found);
}

TEST_CASE("a stop of the server interrupts the run, keeps the history valid and ends the session") {
  actor_world world;
  world.log().run_cell = [](const std::string&) -> std::optional<cell_result> { return std::nullopt; };
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "a"}}}})));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("go")));
  CHECK(world.ask<done_atom>(session, stop_atom_v));
  CHECK(last_run(world).status == run_status::interrupted);
  CHECK(check_history(world.committed_messages()) == caf::none);
  CHECK(world.log().shells_closed == 1);
}

TEST_CASE("a deleted chat leaves the database and closes its shell") {
  actor_world world;
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "a"}}}})));
  world.log().answers.push_back(always(text_answer("done")));
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("go")));
  CHECK(world.ask<done_atom>(session, remove_atom_v, audit_origin{}));
  CHECK(world.log().removed == std::vector<std::pair<int64_t, int64_t>>{{7, 42}});
  CHECK(world.log().shells_closed == 1);
}

TEST_CASE("a chat is found by its owner only") {
  actor_world world;
  auto contents = actor_world::fresh_chat();
  world.log().stored[{7, 42}] = contents;
  auto registry = world.registry();
  CHECK(code_of(world.ask<chat_session_actor>(registry, find_atom_v, int64_t{8}, int64_t{42}).error())
        == errc::not_found);
  CHECK(world.ask<chat_session_actor>(registry, find_atom_v, int64_t{7}, int64_t{42}));
  // The same when it is live.
  CHECK(code_of(world.ask<chat_session_actor>(registry, find_atom_v, int64_t{8}, int64_t{42}).error())
        == errc::not_found);
}

TEST_CASE("an idle session leaves memory and comes back when it is asked for") {
  actor_world world;
  world.log().stored[{7, 42}] = actor_world::fresh_chat();
  auto registry = world.registry();
  REQUIRE(world.ask<chat_session_actor>(registry, find_atom_v, int64_t{7}, int64_t{42}));
  CHECK(world.ask<actor_counts>(registry, count_atom_v)->sessions == 1);
  world.advance(world.services().settings->chat.idle + std::chrono::minutes{2});
  world.advance(std::chrono::minutes{1});
  CHECK(world.ask<actor_counts>(registry, count_atom_v)->sessions == 0);
  CHECK(world.ask<chat_session_actor>(registry, find_atom_v, int64_t{7}, int64_t{42}));
}

TEST_CASE("who was given a session that ends is answered when it is gone, with what there is then") {
  actor_world world;
  world.log().stored[{7, 42}] = actor_world::fresh_chat();
  auto registry = world.registry();
  auto find = [&](auto... more) {
    return world.ask<chat_session_actor>(registry, find_atom_v, int64_t{7}, int64_t{42}, more...);
  };
  auto session = find();
  REQUIRE(session);
  world.log().stored.erase({7, 42});
  REQUIRE(world.ask<done_atom>(*session, remove_atom_v, audit_origin{}));
  CHECK(code_of(find(*session).error()) == errc::not_found);

  world.log().stored[{7, 42}] = actor_world::fresh_chat();
  auto other = find(*session);
  REQUIRE(other);
  CHECK(*other != *session);
  CHECK(*find(*session) == *other);
}

TEST_CASE("a message that makes a chat larger than one may be is refused, and an edited one is not") {
  actor_world world;
  auto settings = std::make_shared<config>(*world.services().settings);
  settings->chat.history_bytes_max = 10'000;
  world.services().settings = settings;
  auto session = world.session();
  world.log().answers.push_back(always(text_answer("done")));
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says(std::string(5'000, 'x'))));
  auto refused = world.ask<turn_started>(session, send_atom_v, says(std::string(5'000, 'y')));
  REQUIRE_FALSE(refused);
  CHECK(code_of(refused.error()) == errc::too_large);
  CHECK(contains(text_of(refused.error()), "chat.history_bytes_max"));
  world.log().answers.push_back(always(text_answer("done")));
  REQUIRE(world.ask<turn_started>(session, edit_atom_v, int64_t{0}, says(std::string(5'000, 'z'))));
  world.log().answers.push_back(always(text_answer("done")));
  CHECK(world.ask<turn_started>(session, send_atom_v, says("short")));
}

TEST_CASE("when large chats fill the memory those that nobody needs leave it, and no user takes more than a share") {
  actor_world world;
  auto settings = std::make_shared<config>(*world.services().settings);
  settings->chat.resident_bytes_max = 100'000;
  world.services().settings = settings;
  auto store_chat = [&](int64_t user, int64_t chat, size_t bytes) {
    auto contents = actor_world::fresh_chat();
    contents.chat.id = chat;
    contents.chat.user_id = user;
    message_row row;
    row.chat_id = chat;
    row.seq = row.turn = row.run_id = 1;
    model_response response;
    response.parts.push_back(text_part{std::string(bytes, 'x'), {}, {}, nullptr, nullptr});
    row.content = std::move(response);
    contents.messages.push_back(std::move(row));
    world.log().stored[{user, chat}] = std::move(contents);
  };
  for (int64_t chat = 1; chat <= 3; ++chat)
    store_chat(7, chat, 30'000);
  store_chat(8, 4, 30'000);
  store_chat(8, 5, 1'000);
  auto registry = world.registry();
  auto find
    = [&](int64_t user, int64_t chat) { return world.ask<chat_session_actor>(registry, find_atom_v, user, chat); };
  const auto& resident = *world.services().resident;
  REQUIRE(find(7, 1));
  world.advance(std::chrono::seconds{1});
  REQUIRE(find(7, 2));
  CHECK(resident.bytes() > 60'000);
  // Of user 7 two are as many as there may be, as long as both may be about to be used; of another there is room.
  auto third = find(7, 3);
  CHECK(code_of(third.error()) == errc::limit_reached);
  CHECK(contains(text_of(third.error()), "chat.resident_bytes_max"));
  REQUIRE(find(8, 4));
  CHECK(resident.bytes_of(4) > 30'000);
  world.advance(std::chrono::seconds{61});
  // The one that was asked for first has left, and that was enough.
  CHECK(world.ask<actor_counts>(registry, count_atom_v)->sessions == 2);
  CHECK(resident.bytes_of(1) == 0);
  CHECK(resident.bytes_of(2) > 30'000);
  REQUIRE(find(7, 3));
  CHECK(find(8, 5));
}

TEST_CASE("titles are the message's first 30 characters, white space folded") {
  CHECK(title_of("  hello\n  world ") == "hello world");
  CHECK(title_of(std::string(31, 'x')) == std::string(30, 'x'));
  std::string umlauts;
  for (int i = 0; i < 40; ++i)
    umlauts += "ü";
  CHECK(title_of(umlauts).size() == 60);
  // The fence of a message that is code says nothing, and the code does.
  CHECK(title_of("```python\nimport os\n```") == "import os");
  CHECK(title_of("Why?\n\n  ~~~\nx = 1\n  ~~~\n") == "Why? x = 1");
  CHECK(title_of("```") == "```");
  CHECK(title_of("``x`` and `y`") == "``x`` and `y`");
}
