// A run as a response of Open Responses: its items, its events and their numbers.
#include "models/user_prompt.hpp"
#include "render/response_presenter.hpp"
#include "tests/render/presented.hpp"

#include <algorithm>
#include <map>

using namespace varro;
using namespace varro::test;

namespace {

response_view view_of_run(int64_t run = 1) {
  response_view view;
  view.chat = 42;
  view.run = run;
  view.created_at = 5'000'000;
  view.model = "x:y";
  view.address = "http://here";
  return view;
}

const std::vector<message_row>& plotted_turn() {
  static const std::vector<message_row> rows{
    request_row(1, {prompt("plot")}),
    response_row(2, {thinking("hm"), text("I look."), python_call("1", "a"), python_call("2", "b")}),
    request_row(
      3, {cell_return(cell_of({stream_output{"stdout", "one\n"}, image_output{"image/png", png_bytes()}}), "a")}),
    request_row(4, {cell_return(cell_of({}, cell_status::failed), "b")}),
    response_row(5, {text("There it is.")}),
  };
  return rows;
}

run_record ended(std::string status = run_status::completed, int64_t end_seq = 0, std::string error = {}) {
  auto run = run_of(1, 1, std::move(status), end_seq, std::move(error));
  run.ended_at = 9'000'000;
  run.usage.input_tokens = 10;
  run.usage.cache_read_tokens = 4;
  run.usage.output_tokens = 3;
  return run;
}

chat_contents history_of(std::vector<message_row> rows, std::vector<run_record> runs) {
  chat_contents history;
  history.chat.id = 42;
  history.messages = std::move(rows);
  history.runs = std::move(runs);
  return history;
}

std::vector<std::string> types(const events& all) {
  std::vector<std::string> result;
  for (const auto& event : all)
    result.push_back(event.event);
  return result;
}

std::vector<int64_t> numbers(const events& all) {
  std::vector<int64_t> result;
  for (const auto& event : all)
    if (!event.event.empty())
      result.push_back(parsed(event.data).at("sequence_number").get<int64_t>());
  return result;
}

std::vector<int64_t> counted(int64_t from, int64_t to) {
  std::vector<int64_t> result;
  for (; from < to; ++from)
    result.push_back(from);
  return result;
}

json last_response(const events& all) {
  REQUIRE(all.size() >= 2);
  return parsed(all[all.size() - 2].data).at("response");
}

} // namespace

TEST_CASE("an id names a chat and a run, in one way only") {
  CHECK(response_id(42, 7) == "resp_42_7");
  const auto place = parse_response_id("resp_42_7");
  REQUIRE(place);
  CHECK(place->chat == 42);
  CHECK(place->run == 7);
  CHECK(parse_response_id("resp_1_9223372036854775807"));
  for (const auto* text : {"", "resp_", "resp_42", "resp_42_", "resp__7", "resp_042_7", "resp_42_07", "resp_0_7",
                           "resp_-1_7", "resp_42_+7", "resp_42_7 ", "resp_42_7_1", "RESP_42_7", "42_7",
                           "resp_1_9223372036854775808", "resp_1_99999999999999999999"})
    CHECK_MESSAGE(!parse_response_id(text), text);
}

TEST_CASE("a turn becomes items and events in the order in which accumulators want them, numbered in a row") {
  const auto all = events_of_response(history_of(plotted_turn(), {ended()}), view_of_run());
  CHECK(types(all)
        == std::vector<std::string>{"response.created",
                                    "response.in_progress",
                                    "response.output_item.added",
                                    "response.reasoning_summary_part.added",
                                    "response.reasoning_summary_text.delta",
                                    "response.reasoning_summary_text.done",
                                    "response.reasoning_summary_part.done",
                                    "response.output_item.done",
                                    "response.output_item.added",
                                    "response.content_part.added",
                                    "response.output_text.delta",
                                    "response.output_text.done",
                                    "response.content_part.done",
                                    "response.output_item.done",
                                    "response.output_item.added",
                                    "response.code_interpreter_call.in_progress",
                                    "response.code_interpreter_call_code.delta",
                                    "response.code_interpreter_call_code.done",
                                    "response.code_interpreter_call.interpreting",
                                    "response.output_item.added",
                                    "response.code_interpreter_call.in_progress",
                                    "response.code_interpreter_call_code.delta",
                                    "response.code_interpreter_call_code.done",
                                    "response.code_interpreter_call.interpreting",
                                    "response.code_interpreter_call.completed",
                                    "response.output_item.done",
                                    "response.code_interpreter_call.completed",
                                    "response.output_item.done",
                                    "response.output_item.added",
                                    "response.content_part.added",
                                    "response.output_text.delta",
                                    "response.output_text.done",
                                    "response.content_part.done",
                                    "response.output_item.done",
                                    "response.completed",
                                    ""});
  CHECK(numbers(all) == counted(0, static_cast<int64_t>(all.size()) - 1));
  CHECK(all.back().data == "[DONE]");
  // Each event says its own name, and what is added at an index is done there.
  std::map<int64_t, std::string> added;
  for (const auto& event : all)
    if (!event.event.empty()) {
      const auto data = parsed(event.data);
      CHECK(data["type"] == event.event);
      if (event.event == "response.output_item.added") {
        const auto index = data["output_index"].get<int64_t>();
        CHECK(index == static_cast<int64_t>(added.size()));
        added[index] = data["item"]["id"];
      } else if (event.event == "response.output_item.done") {
        CHECK(added[data["output_index"].get<int64_t>()] == data["item"]["id"].get<std::string>());
      }
    }
}

TEST_CASE("the response has a cell's code, what it printed and the address of its picture") {
  const auto response = last_response(events_of_response(history_of(plotted_turn(), {ended()}), view_of_run()));
  CHECK(response["id"] == "resp_42_1");
  CHECK(response["object"] == "response");
  CHECK(response["status"] == "completed");
  CHECK(response["created_at"] == 5);
  CHECK(response["completed_at"] == 9);
  CHECK(response["model"] == "x:y");
  CHECK(response["previous_response_id"].is_null());
  CHECK(response["usage"]["input_tokens"] == 10);
  CHECK(response["usage"]["input_tokens_details"]["cached_tokens"] == 4);
  CHECK(response["usage"]["total_tokens"] == 13);
  const auto& output = response["output"];
  REQUIRE(output.size() == 5);
  CHECK(output[0]["type"] == "reasoning");
  CHECK(output[0]["summary"][0]["text"] == "hm");
  CHECK(output[1]["content"][0]["text"] == "I look.");
  CHECK(output[2]["type"] == "code_interpreter_call");
  CHECK(output[2]["status"] == "completed");
  CHECK(output[2]["code"] == "1");
  CHECK(output[2]["container_id"] == "chat_42");
  REQUIRE(output[2]["outputs"].size() == 2);
  CHECK(output[2]["outputs"][0]["type"] == "logs");
  CHECK(output[2]["outputs"][0]["logs"] == "one\n");
  CHECK(output[2]["outputs"][1]["type"] == "image");
  CHECK(output[2]["outputs"][1]["url"] == "http://here/chat/42/files/m3-0.png");
  CHECK(output[3]["status"] == "failed");
  CHECK(output[4]["role"] == "assistant");
  CHECK(output[4]["status"] == "completed");
}

TEST_CASE("wherever a client breaks off, it gets the rest and nothing twice") {
  const auto history = history_of(plotted_turn(), {ended()});
  const auto all = events_of_response(history, view_of_run());
  const auto count = static_cast<int64_t>(all.size()) - 1;
  for (int64_t after = -1; after <= count; ++after) {
    auto view = view_of_run();
    view.starting_after = after;
    const auto rest = events_of_response(history, view);
    CHECK(numbers(rest) == counted(std::min(after + 1, count), count));
    CHECK(rest.back().data == "[DONE]");
    CHECK(last_response(all)["output"].size() == 5);
  }
}

TEST_CASE("events come with the same numbers as the rows come, from wherever a viewer begins") {
  const auto& rows = plotted_turn();
  const auto all = events_of_response(history_of(rows, {ended()}), view_of_run());
  for (int64_t seen = 0; seen <= 5; ++seen) {
    CAPTURE(seen);
    std::vector<message_row> first(rows.begin(), rows.begin() + seen);
    auto replay = replay_of(first);
    replay.follow = true;
    const auto source = response_presenters(view_of_run());
    auto fresh = source(42, {});
    auto told = events_of(*fresh, replay);
    auto live = presenter_after(replay, source);
    std::vector<chat_event> later(rows.begin() + seen, rows.end());
    later.emplace_back(run_phase{"Thinking…"});
    later.emplace_back(stream_over{ended()});
    for (const auto& each : later)
      for (auto& event : live->show(each))
        told.push_back(std::move(event));
    REQUIRE(types(told) == types(all));
    CHECK(numbers(told) == numbers(all));
    CHECK(last_response(told) == last_response(all));
    // A row is told whole or again: no id stands before its last event.
    int64_t newest = 0;
    for (const auto& event : told)
      if (event.id != 0)
        CHECK(event.id == ++newest);
  }
}

TEST_CASE("who wants the whole answer gets it once, when the run is over") {
  auto view = view_of_run();
  view.whole = true;
  std::vector<chat_event> told(plotted_turn().begin(), plotted_turn().end());
  told.emplace_back(stream_over{ended()});
  const auto all = live_of(response_presenters(view), told);
  REQUIRE(all.size() == 1);
  CHECK(all[0].event == response_event::whole);
  CHECK(parsed(all[0].data) == last_response(events_of_response(history_of(plotted_turn(), {ended()}), view_of_run())));
}

TEST_CASE("how a run ended is the response's status, and what was open is closed") {
  struct ending {
    std::string run_status, finish_reason, event, status, reason;
  };
  const std::vector<ending> endings{
    {run_status::completed, "stop", "response.completed", "completed", ""},
    {run_status::completed, "length", "response.incomplete", "incomplete", "max_output_tokens"},
    {run_status::completed, "content_filter", "response.incomplete", "incomplete", "content_filter"},
    {run_status::cancelled, "tool_call", "response.incomplete", "incomplete", "cancelled"},
    {run_status::interrupted, "tool_call", "response.incomplete", "incomplete", "interrupted"},
    {run_status::failed, "tool_call", "response.failed", "failed", ""},
  };
  for (const auto& each : endings) {
    CAPTURE(each.event);
    CAPTURE(each.finish_reason);
    model_response answer;
    answer.parts = {text("x"), python_call("1", "a")};
    answer.finish_reason = each.finish_reason;
    auto run = ended(each.run_status, 3, each.run_status == run_status::failed ? "It broke." : "");
    const auto all
      = events_of_response(history_of({request_row(1, {prompt("x")}), row_of(2, answer)}, {run}), view_of_run());
    CHECK(all[all.size() - 2].event == each.event);
    const auto response = last_response(all);
    CHECK(response["status"] == each.status);
    CHECK(response["output"][1]["status"] != "interpreting");
    if (each.status == "failed")
      CHECK(response["error"]["message"] == "It broke.");
    else
      CHECK(response["error"].is_null());
    if (each.reason.empty())
      CHECK(response["incomplete_details"].is_null());
    else
      CHECK(response["incomplete_details"]["reason"] == each.reason);
    CHECK(numbers(all) == counted(0, static_cast<int64_t>(all.size()) - 1));
  }
}

TEST_CASE("of a run that is on, the response has what there is") {
  const auto& rows = plotted_turn();
  const auto response
    = response_of(history_of({rows.begin(), rows.begin() + 2}, {run_of(1, 1, run_status::running)}), view_of_run());
  CHECK(response["status"] == "in_progress");
  CHECK(response["usage"].is_null());
  REQUIRE(response["output"].size() == 4);
  CHECK(response["output"][2]["status"] == "interpreting");
}

TEST_CASE("other turns of the chat are no part of a response, and a later one shows that it is over") {
  auto rows = plotted_turn();
  rows.push_back(request_row(6, {prompt("next")}, 2));
  rows.push_back(response_row(7, {text("Other.")}, 2));
  auto second = run_of(2, 6, run_status::running);
  second.parent = 1;
  auto view = view_of_run(2);
  view.parent = 1;
  const auto later = response_of(history_of(rows, {ended(), second}), view);
  CHECK(later["previous_response_id"] == "resp_42_1");
  REQUIRE(later["output"].size() == 1);
  // Who comes for the first one while the second is on.
  auto replay = replay_of(rows, {ended(), second});
  replay.follow = true;
  auto fresh = response_presenters(view_of_run())(42, {});
  const auto all = events_of(*fresh, replay);
  CHECK(all.back().data == "[DONE]");
  CHECK(last_response(all)["status"] == "completed");
  CHECK(last_response(all)["output"].size() == 5);
}

TEST_CASE("of a chat that was deleted the response is not complete") {
  run_record gone;
  gone.chat_id = 42;
  gone.status = run_status::cancelled;
  const auto all = live_of(response_presenters(view_of_run()), {request_row(1, {prompt("x")}), stream_over{gone}});
  CHECK(all.back().data == "[DONE]");
  CHECK(last_response(all)["status"] == "incomplete");
}

TEST_CASE("metadata of a client is a response's, and what else a message has of it is not") {
  auto row = request_row(1, {prompt("plot")});
  CHECK(response_metadata_in(row) == json::object());
  auto request = *row.content.as<model_request>();
  request.metadata = response_metadata_of({{"ticket", "4711"}});
  row.content = request;
  CHECK(response_metadata_in(row) == json{{"ticket", "4711"}});
  request.metadata = json{{"other", {{"ticket", "1"}}}};
  row.content = request;
  CHECK(response_metadata_in(row) == json::object());
  auto view = view_of_run();
  view.metadata = json{{"ticket", "4711"}};
  CHECK(response_without_items(view)["metadata"] == view.metadata);
}

TEST_CASE("the input of a response is one message, with the addresses of what went to the model") {
  auto with_files = make_user_prompt("plot",
                                     {uploads_note({"a.png", "b.pdf"}), upload_label("a.png"),
                                      binary_content{png_bytes(), "image/png", nullptr, ""}, upload_label("b.pdf"),
                                      binary_content{"%PDF-1.7", "application/pdf", nullptr, ""}},
                                     {});
  const auto items = input_items_of(view_of_run(), request_row(1, {std::move(with_files)}));
  REQUIRE(items.size() == 1);
  CHECK(items[0]["role"] == "user");
  const auto& content = items[0]["content"];
  REQUIRE(content.size() == 3);
  CHECK(content[0] == json{{"type", "input_text"}, {"text", "plot"}});
  CHECK(content[1]["image_url"] == "http://here/chat/42/files/m1-0.png");
  CHECK(content[2]["filename"] == "b.pdf");
  CHECK(content[2]["file_url"] == "http://here/chat/42/files/m1-1.pdf");
}

TEST_CASE("tools that are no cells are not taken for calls that a client is to carry out") {
  const auto history
    = history_of({request_row(1, {prompt("x")}), response_row(2, {call("lookup", json{{"q", "x"}}, "a")}),
                  request_row(3, {tool_return("lookup", "found", "a")})},
                 {ended()});
  const auto item = response_of(history, view_of_run())["output"][0];
  CHECK(item["type"] == "varro:tool_call");
  CHECK(item["name"] == "lookup");
  CHECK(item["status"] == "completed");
  CHECK(item["output"] == "found");
}
