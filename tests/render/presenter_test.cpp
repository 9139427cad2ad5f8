// The same rows through both presenters: what differs is the data of their events alone.
#include "base/utf8.hpp"
#include "models/left_out.hpp"
#include "models/user_prompt.hpp"
#include "tests/render/hostile_history.hpp"
#include "tests/render/presented.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace varro;
using namespace varro::test;

namespace {

// Addresses of attachments, wherever they stand.
std::set<std::string> addresses_in(const std::string& data) {
  std::set<std::string> found;
  const std::string start = "/chat/42/files/m";
  for (auto at = data.find(start); at != data.npos; at = data.find(start, at + 1))
    found.insert(data.substr(at, data.find_first_of("\"?", at) - at));
  return found;
}

// The call "c" of a cell with this result, as JSON.
json returned(const cell_result& result) {
  return content_of({response_row(1, {python_call("1", "c")}), request_row(2, {cell_return(result, "c")})});
}

// --- the table -------------------------------------------------------------------------------------------------------

struct wanted_event {
  int64_t id;
  std::string html; // a piece of the data
  std::string json; // its data without id, seq, turn, run and created_at
};

struct example {
  const char* what;
  std::vector<message_row> rows;
  std::vector<wanted_event> wanted;
};

table_output small_table() {
  table_output table;
  table.columns = {"", "a"};
  table.dtypes = {"int64", "float64"};
  table.rows = {{"0", "1.5"}};
  table.rows_total = 9;
  table.columns_total = 1;
  return table;
}

std::vector<example> examples() {
  url_content link;
  link.kind = "image-url";
  link.url = "https://example.org/a.png";
  user_prompt_part listed;
  listed.content
    = std::vector<user_content>{"look", upload_label("b.png"), binary_content{png_bytes(), "image/png", nullptr, "b"},
                                link, uploaded_file{"file-1", "openai", nullptr, "", ""}};
  compaction_part summary;
  summary.content = "short";
  file_part made;
  made.content = binary_content{"abc", "text/csv", nullptr, "f"};
  thinking_part kept;
  kept.id = "redacted_thinking";
  auto cell = cell_of({stream_output{"stdout", "out <b>\n"}, value_output{"3"}, small_table(),
                       image_output{"image/png", png_bytes()}, rich_output{"text/markdown", "*m*", ""},
                       rich_output{"text/html", "<i>x</i>", "an x"}});
  cell.duration = std::chrono::microseconds{1'500};
  cell_result failed = cell_of({error_output{"ValueError", "bad", "line 1"}}, cell_status::failed);
  cell_result lost = cell_of({}, cell_status::lost);
  lost.reason = "The server was restarted.";
  lost.variables_gone = true;
  return {
    {"what was typed",
     {request_row(1, {prompt("hi <you>")})},
     {{1, "hi &lt;you&gt;", R"({"kind":"user","content":[{"type":"text","text":"hi <you>"}],"begins_turn":true})"}}},
    {"a message with files",
     {request_row(1, {listed})},
     {{1, "/chat/42/files/m1-0.png",
       R"({"kind":"user","content":[{"type":"text","text":"look"},)"
       R"({"type":"file","url":"/chat/42/files/m1-0.png","media_type":"image/png","bytes":24,"name":"b.png"},)"
       R"({"type":"link","url":"https://example.org/a.png","link_kind":"image-url"},)"
       R"({"type":"uploaded","file_id":"file-1"}],"begins_turn":true})"}}},
    {"thinking, a text and a call; the blank text is nowhere",
     {response_row(2, {thinking("hm"), kept, text(" \n"), text("**so**"), python_call("1+1", "c")})},
     {{1, "hm", R"({"kind":"thinking","text":"hm"})"},
      {1, "keeps this part", R"({"kind":"thinking","text":""})"},
      {1, "<strong>so</strong>", R"({"kind":"text","text":"**so**"})"},
      {2, "data-state=\"running\"",
       R"({"kind":"tool_call","tool":"python","call_id":"c","state":"running","code":"1+1","result":null})"}}},
    {"what a cell produced, in place of its call",
     {response_row(2, {python_call("x", "c")}), request_row(3, {cell_return(cell, "c")})},
     {{2, "data-state=\"running\"",
       R"({"kind":"tool_call","tool":"python","call_id":"c","state":"running","code":"x","result":null})"},
      {3, "data-state=\"done\"",
       R"({"kind":"tool_call","tool":"python","call_id":"c","state":"done","code":"x","result":{"outputs":[)"
       R"({"type":"stream","name":"stdout","text":"out <b>\n"},{"type":"value","text":"3"},)"
       R"({"type":"table","columns":["","a"],"dtypes":["int64","float64"],"rows":[["0","1.5"]],"rows_total":9,"columns_total":1},)"
       R"({"type":"image","url":"/chat/42/files/m3-0.png","media_type":"image/png","bytes":24},)"
       R"({"type":"display","media_type":"text/markdown","data":"*m*"},)"
       R"({"type":"display","url":"/chat/42/files/m3-1.html","media_type":"text/html","bytes":8,"text":"an x"}],)"
       R"("status":"ok","duration_us":1500}})"}}},
    {"a cell that raised, and one whose result is lost",
     {response_row(2, {python_call("x", "c"), python_call("y", "d")}),
      request_row(3, {cell_return(failed, "c"), cell_return(lost, "d")})},
     {{1, "running",
       R"({"kind":"tool_call","tool":"python","call_id":"c","state":"running","code":"x","result":null})"},
      {2, "running",
       R"({"kind":"tool_call","tool":"python","call_id":"d","state":"running","code":"y","result":null})"},
      {2, "ValueError",
       R"({"kind":"tool_call","tool":"python","call_id":"c","state":"failed","code":"x","result":{"outputs":[)"
       R"({"type":"exception","name":"ValueError","message":"bad","traceback":"line 1"}],"status":"failed"}})"},
      {3, "The server was restarted.",
       R"({"kind":"tool_call","tool":"python","call_id":"d","state":"failed","code":"y","result":{"outputs":[],)"
       R"("status":"lost","reason":"The server was restarted.","variables_gone":true}})"}}},
    {"another tool, with arguments that are JSON and with some that are none",
     {response_row(2, {call("weather", R"({"city":"Ulm"})", "c"), call("weather", R"({"city)", "d")}),
      request_row(3, {tool_return("weather", "sunny", "c"), retry("no JSON", "d")})},
     {{1, "Ulm",
       R"({"kind":"tool_call","tool":"weather","call_id":"c","state":"running","arguments":{"city":"Ulm"},"result":null})"},
      {2, "running",
       R"({"kind":"tool_call","tool":"weather","call_id":"d","state":"running","arguments_text":"{\"city","result":null})"},
      {2, "sunny",
       R"({"kind":"tool_call","tool":"weather","call_id":"c","state":"done","arguments":{"city":"Ulm"},)"
       R"("result":{"outputs":[{"type":"text","text":"sunny"}]}})"},
      {3, "no JSON",
       R"({"kind":"tool_call","tool":"weather","call_id":"d","state":"failed","arguments_text":"{\"city",)"
       R"("result":{"outputs":[{"type":"complaint","content":"no JSON"}]}})"}}},
    {"a return without its call, and a complaint about none",
     {request_row(3, {tool_return("weather", {{"deg", 3}}, "gone"), retry("again", "unknown")})},
     {{2, "deg",
       R"({"kind":"tool_call","tool":"weather","call_id":"gone","state":"done","arguments":{},)"
       R"("result":{"outputs":[{"type":"text","text":"{\"deg\":3}"}]}})"},
      {3, "again", R"({"kind":"retry","content":"again"})"}}},
    {"a summary and a file of the model's",
     {response_row(2, {summary, made})},
     {{1, "short", R"({"kind":"summary","text":"short"})"},
      {2, "/chat/42/files/m2-0.csv",
       R"({"kind":"file","content":[{"type":"file","url":"/chat/42/files/m2-0.csv","media_type":"text/csv","bytes":3}]})"}}},
  };
}

} // namespace

TEST_CASE("both presenters show the same rows as the same events") {
  for (const auto& example : examples()) {
    CAPTURE(example.what);
    auto replay = replay_of(example.rows);
    auto html = html_of(replay), objects = json_of(replay);
    REQUIRE(html.size() == example.wanted.size());
    REQUIRE(objects.size() == example.wanted.size());
    CHECK(keys_of_html(html) == keys_of_json(objects));
    for (size_t i = 0; i < html.size(); ++i) {
      CAPTURE(i);
      CHECK(html[i].event == "content");
      CHECK(html[i].id == example.wanted[i].id);
      CHECK_MESSAGE(html[i].data.find(example.wanted[i].html) != std::string::npos, html[i].data);
      CHECK(without_place(parsed(objects[i].data)).dump() == parsed(example.wanted[i].json).dump());
      CHECK(objects[i].data.find('\n') == std::string::npos);
      CHECK(addresses_in(objects[i].data) == addresses_in(html[i].data));
    }
  }
}

TEST_CASE("a row is shown alone as it is in a replay") {
  for (const auto& example : examples()) {
    CAPTURE(example.what);
    std::vector<chat_event> told{example.rows.begin(), example.rows.end()};
    for (const auto& [source, replayed] : {std::pair{html_presenters(), html_of(replay_of(example.rows))},
                                           {json_presenters(), json_of(replay_of(example.rows))}}) {
      auto live = live_of(source, told);
      REQUIRE(live.size() == replayed.size());
      for (size_t i = 0; i < live.size(); ++i) {
        CHECK(live[i].id == replayed[i].id);
        CHECK(live[i].data == replayed[i].data);
      }
    }
  }
}

TEST_CASE("a part says where it stands") {
  auto row = response_row(7, {text("a"), text("b")}, 3);
  row.created_at = 1'700'000'000'000'000;
  auto part = content_of({row});
  CHECK(part.at("id") == "m7-p1");
  CHECK(part.at("seq") == 7);
  CHECK(part.at("turn") == 3);
  CHECK(part.at("run") == 3);
  CHECK(part.at("created_at") == 1'700'000'000'000'000);
}

TEST_CASE("hostile text stays text in both, and JSON is always valid UTF-8") {
  auto many = attacks();
  many.insert(many.end(),
              {"\xed\xa0\x80 half a surrogate pair \xed\xb0\x80", "\xf0\x9f\x98\x80 whole", "cut \xf0\x9f\x98",
               "\xe2\x80\xa8 line \xe2\x80\xa9 paragraph", "\"}],\"kind\":\"error\"", "a\nb\r\nevent: done\n\n",
               "\\u0000\\ud800", std::string("\0\x01\x1f\x7f", 4)});
  for (const auto& attack : many) {
    CAPTURE(attack);
    auto contents = hostile_chat(attack);
    auto replay = replay_of(contents.messages, contents.runs);
    replay.phase = run_phase{attack};
    replay.over = stream_over{contents.runs.front(), attack};
    auto html = html_of(replay), objects = json_of(replay);
    CHECK(html.size() > 15);
    REQUIRE(html.size() == objects.size());
    for (size_t i = 0; i < html.size(); ++i) {
      CHECK(html[i].id == objects[i].id);
      CHECK(html[i].event == objects[i].event);
      if (html[i].event != "done")
        CHECK(active_content(html[i].data) == "");
      CHECK(is_utf8(objects[i].data));
      CHECK(objects[i].data.find('\n') == std::string::npos);
      auto value = parsed(objects[i].data);
      if (objects[i].event == "content")
        CHECK(value.at("id").get<std::string>().starts_with("m"));
    }
    if (is_utf8(attack)) { // and it is there as it was written
      CHECK(parsed(objects.front().data).at("content").at(0).at("text") == attack);
      CHECK(parsed(objects.back().data).at("text") == attack);
    }
  }
}

TEST_CASE("bytes that are no text become U+FFFD") {
  auto part = returned(cell_of({stream_output{"stdout", "a\xff"}, value_output{"\xed\xa0\x80"}}));
  const auto& outputs = part.at("result").at("outputs");
  CHECK(outputs.at(0).at("text") == "a\xef\xbf\xbd");
  CHECK(outputs.at(1).at("text").get<std::string>().starts_with("\xef\xbf\xbd"));
}

TEST_CASE("huge outputs are whole, and one event each") {
  constexpr size_t bytes = 4u << 20;
  std::string text(bytes, 'x');
  for (size_t i = 0; i < bytes; i += 100)
    text[i] = '\n';
  std::vector<cell_output> outputs{stream_output{"stdout", text}};
  for (int i = 0; i < 1'000; ++i)
    outputs.push_back(value_output{std::to_string(i)});
  auto row = request_row(3, {cell_return(cell_of(std::move(outputs)), "c")});
  auto html = html_of(replay_of({row})), objects = json_of(replay_of({row}));
  REQUIRE(html.size() == 1);
  REQUIRE(objects.size() == 1);
  CHECK(html.front().data.size() > bytes);
  CHECK(objects.front().data.find('\n') == std::string::npos);
  auto shown = parsed(objects.front().data).at("result").at("outputs");
  REQUIRE(shown.size() == 1'001);
  CHECK(shown.at(0).at("text") == text);
  CHECK(shown.at(1'000).at("text") == "999");
}

TEST_CASE("bytes of attachments are never in JSON") {
  std::string picture = png_bytes() + std::string(1u << 20, 'P');
  auto part
    = returned(cell_of({image_output{"image/png", picture}, rich_output{"text/html", std::string(9'000, 'H'), ""}}));
  CHECK(part.dump().size() < 1'000);
  CHECK(part.at("result").at("outputs").at(0).at("bytes") == picture.size());
}

TEST_CASE("a version of a turn names the others") {
  auto replay = replay_of({request_row(1, {prompt("again")}, 9)}, {run_of(9, 1, run_status::running)});
  replay.history.alternatives = {{9, {4, 9, 12}}};
  CHECK(parsed(json_of(replay).front().data).at("alternatives") == json({4, 9, 12}));
  CHECK(html_of(replay).front().data.find("2/3") != std::string::npos);
  // A message that no turn begins with, and a turn of one version.
  replay.history.alternatives.clear();
  CHECK_FALSE(parsed(json_of(replay).front().data).contains("alternatives"));
}

TEST_CASE("what a request left out is told in numbers") {
  model_response response;
  response.parts = {text("a")};
  response.metadata = json::object();
  note_left_out({2, 1, 3}, 100, {}, response.metadata);
  auto replay = replay_of({row_of(2, response)});
  auto objects = json_of(replay);
  REQUIRE(objects.size() == 2);
  CHECK(keys_of_html(html_of(replay)) == keys_of_json(objects));
  CHECK(without_place(parsed(objects[0].data)).dump() == R"({"kind":"left_out","turns":3,"results":2,"pictures":1})");
}
