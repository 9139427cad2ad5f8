// Replays, ends of runs and of streams, phases: the same through both presenters.
#include "tests/render/presented.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace varro;
using namespace varro::test;

TEST_CASE("a replay that begins in the middle of a turn shows the returns of calls that were seen before") {
  std::vector<message_row> rows{request_row(1, {prompt("go")}), response_row(2, {python_call("x", "c")}),
                                request_row(3, {cell_return(cell_of({value_output{"11"}}), "c")}),
                                response_row(4, {text("so")})};
  for (int64_t after = 0; after <= 4; ++after) {
    auto whole = replay_of(rows), rest = replay_of(rows, {run_of(1, 1, run_status::running)}, after);
    for (auto of : {html_of, json_of}) {
      auto all = of(whole), shown = of(rest);
      REQUIRE(shown.size() == static_cast<size_t>(4 - after));
      for (size_t i = 0; i < shown.size(); ++i)
        CHECK(shown[i].data == all[i + static_cast<size_t>(after)].data);
    }
  }
}

TEST_CASE("who goes on after a replay knows the calls that are open") {
  auto replay = replay_of({request_row(1, {prompt("go")}), response_row(2, {python_call("x", "c")})},
                          {run_of(1, 1, run_status::running)}, 2);
  for (const auto& source : {html_presenters(), json_presenters()}) {
    auto next = presenter_after(replay, source);
    auto events = next->show(request_row(3, {cell_return(cell_of({value_output{"11"}}), "c")}));
    REQUIRE(events.size() == 1);
    CHECK(events.front().data.find("m2-p0") != std::string::npos);
    CHECK(events.front().data.find("m3-p0") == std::string::npos);
  }
}

TEST_CASE("a run that is unfinished has its phase, and what is open in it is running") {
  auto replay = replay_of({request_row(1, {prompt("go")}), response_row(2, {python_call("x", "c")})});
  replay.follow = true;
  replay.phase = run_phase{"Running tools…"};
  auto html = html_of(replay), objects = json_of(replay);
  REQUIRE(html.size() == 3);
  CHECK(keys_of_html(html) == keys_of_json(objects));
  CHECK(html.back().event == "progress");
  CHECK(html.back().id == 0);
  CHECK(html.back().data == progress_indicator("Running tools…").str());
  CHECK(objects.back().data == R"({"text":"Running tools…"})");
  CHECK(parsed(objects[1].data).at("state") == "running");
}

TEST_CASE("a run that ended early stops its open calls and says why") {
  const std::vector<message_row> rows{request_row(1, {prompt("go")}), response_row(2, {python_call("x", "c")})};
  for (auto status : {run_status::failed, run_status::cancelled, run_status::interrupted}) {
    CAPTURE(status);
    auto run = run_of(1, 1, status, 3, "why <it>");
    run.ended_at = 77;
    auto html = html_of(replay_of(rows, {run})), objects = json_of(replay_of(rows, {run}));
    REQUIRE(html.size() == 4);
    CHECK(keys_of_html(html) == keys_of_json(objects));
    CHECK(html[2].id == 2);
    CHECK(html[3].id == 3);
    CHECK(parsed(objects[2].data).at("state") == "stopped");
    CHECK(without_place(parsed(objects[3].data)).dump()
          == json{{"kind", "error"}, {"status", status}, {"text", "why <it>"}}.dump());
    CHECK(parsed(objects[3].data).at("created_at") == 77);
    CHECK(html[3].data.find("why &lt;it&gt;") != std::string::npos);
    // And live.
    std::vector<chat_event> told{rows[0], rows[1], run_ended{run}};
    CHECK(live_of(html_presenters(), told).back().data == html.back().data);
    CHECK(live_of(json_presenters(), told).back().data == objects.back().data);
  }
}

TEST_CASE("ends of earlier runs stand between the rows that they stand between") {
  std::vector<message_row> rows{request_row(1, {prompt("one")}, 1), request_row(3, {prompt("two")}, 2),
                                response_row(4, {text("so")}, 2)};
  std::vector<run_record> runs{run_of(1, 1, run_status::failed, 2, "no"), run_of(2, 3, run_status::completed)};
  auto objects = json_of(replay_of(rows, runs));
  REQUIRE(objects.size() == 4);
  CHECK(keys_of_html(html_of(replay_of(rows, runs))) == keys_of_json(objects));
  for (size_t i = 0; i < objects.size(); ++i)
    CHECK(objects[i].id == static_cast<int64_t>(i) + 1);
  CHECK(parsed(objects[1].data).at("kind") == "error");
  CHECK(json_of(replay_of(rows, runs, 2)).size() == 2);
}

TEST_CASE("the end of a stream tells how the run went") {
  auto run = run_of(5, 1, run_status::completed);
  run.started_at = 10;
  run.ended_at = 20;
  run.model_requests = 2;
  run.usage.input_tokens = 100;
  run.usage.cache_read_tokens = 60;
  run.usage.output_tokens = 7;
  auto html = html_presenter{42}.show(stream_over{run});
  auto objects = json_presenter{42}.show(stream_over{run});
  REQUIRE(html.size() == 1);
  REQUIRE(objects.size() == 1);
  CHECK(html.front().event == "done");
  CHECK(html.front().id == 0);
  CHECK(html.front().data == R"({"chat_id":42,"status":"completed","error":false})");
  CHECK(objects.front().event == "done");
  CHECK(objects.front().data
        == R"({"chat_id":42,"status":"completed","run":5,"turn":5,"started_at":10,"ended_at":20,"model_requests":2,)"
           R"("usage":{"input_tokens":100,"cache_write_tokens":0,"cache_read_tokens":60,"output_tokens":7}})");
}

TEST_CASE("an end that could not be stored says so, and that of a deleted chat says no more than that") {
  auto run = run_of(5, 1, run_status::failed);
  stream_over unstored{run, "The disk is full."};
  CHECK(html_presenter{42}.show(unstored).front().data
        == R"({"chat_id":42,"status":"failed","error":true,"message":"The disk is full."})");
  auto told = parsed(json_presenter{42}.show(unstored).front().data);
  CHECK(told.at("unstored") == "The disk is full.");
  CHECK_FALSE(told.contains("error"));
  run_record deleted;
  deleted.chat_id = 42;
  deleted.status = run_status::cancelled;
  CHECK(html_presenter{42}.show(stream_over{deleted}).front().data
        == R"({"chat_id":42,"status":"cancelled","error":false})");
  CHECK(json_presenter{42}.show(stream_over{deleted}).front().data == R"({"chat_id":42,"status":"cancelled"})");
}

TEST_CASE("a run costs what the provider said of each of its answers, and nothing is said where one is unknown") {
  auto answered = [](int64_t seq, json details, int64_t run) {
    model_response response;
    response.parts = {text("a")};
    response.provider_details = std::move(details);
    return row_of(seq, std::move(response), run);
  };
  auto over_of = [](std::vector<message_row> rows) {
    auto replay
      = replay_of(std::move(rows), {run_of(1, 1, run_status::completed), run_of(2, 3, run_status::completed)});
    replay.over = stream_over{replay.history.runs.back()};
    auto whole = parsed(json_of(replay).back().data);
    replay.after = 4; // also of answers that were seen before
    CHECK(parsed(json_of(replay).back().data) == whole);
    return whole;
  };
  auto known
    = over_of({answered(1, {{"cost", 9}}, 1), answered(3, {{"cost", 0.25}}, 2), answered(5, {{"cost", 0.5}}, 2)});
  CHECK(known.at("cost") == 0.75);
  CHECK_FALSE(over_of({answered(3, {{"cost", 0.25}}, 2), answered(5, nullptr, 2)}).contains("cost"));
  CHECK_FALSE(over_of({answered(3, {{"cost", "much"}}, 2)}).contains("cost"));
  CHECK_FALSE(over_of({answered(1, {{"cost", 9}}, 1)}).contains("cost"));
}
