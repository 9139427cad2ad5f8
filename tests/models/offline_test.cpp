#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/offline/offline.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace varro;

namespace {

message prompting(std::string text) {
  model_request out;
  out.parts.push_back(user_prompt_part{std::move(text), "2025-01-01T00:00:00Z"});
  return out;
}

message returning(const std::string& id, json content, json metadata = nullptr) {
  tool_return_part part;
  part.tool_name = "python";
  part.tool_call_id = id;
  part.content = std::move(content);
  part.metadata = std::move(metadata);
  model_request out;
  out.parts.push_back(part);
  return out;
}

// A python result with these outputs, as a shell writes them.
message cell(const std::string& id, const char* status, const char* outputs, const char* reason = "") {
  json metadata = {{"cell", {{"status", status}, {"reason", reason}, {"duration_us", 5}}}};
  metadata["cell"]["outputs"] = *parse_json(outputs);
  return returning(id, "text", metadata);
}

model_response answer(message_history history, bool python = true) {
  model_query query;
  query.history = std::make_shared<const message_history>(std::move(history));
  if (python)
    query.tools.push_back({"python", "", json::object()});
  return offline_answer(query);
}

std::string text_of(const model_response& response) {
  REQUIRE(response.parts.size() == 1);
  return std::get<text_part>(response.parts[0]).content;
}

std::vector<tool_call_part> calls_of(const model_response& response) {
  std::vector<tool_call_part> calls;
  for (const auto& part : response.parts)
    if (const auto* call = std::get_if<tool_call_part>(&part))
      calls.push_back(*call);
  return calls;
}

std::string report(const message& result) {
  return text_of(answer({prompting("x = 1"), answer({prompting("x = 1")}), result}));
}

bool has(const std::string& text, std::string_view piece) {
  return text.find(piece) != std::string::npos;
}

} // namespace

TEST_CASE("python in a message becomes a thinking part and a call with that code") {
  const auto response = answer({prompting("2+2")});
  REQUIRE(response.parts.size() == 2);
  CHECK_FALSE(std::get<thinking_part>(response.parts[0]).content.empty());
  const auto& call = std::get<tool_call_part>(response.parts[1]);
  CHECK(call.tool_name == "python");
  CHECK(call.args == json{{"code", "2+2"}});
  CHECK(call.tool_call_id == "offline_1");
  CHECK(response.finish_reason == "tool_call");
  CHECK(response.provider_name == "offline");
  CHECK(response.model_name == "offline");
  CHECK(response.usage.input_tokens == 0);
  CHECK(response.usage.output_tokens == 0);
}

TEST_CASE("several blocks become several calls of one response, in order, with ids of their own") {
  const auto calls = calls_of(answer({prompting("```python\na = 1\n```\nand\n```\na\n```")}));
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].args["code"] == "a = 1");
  CHECK(calls[1].args["code"] == "a");
  CHECK(calls[0].tool_call_id != calls[1].tool_call_id);
}

TEST_CASE("prose is answered with how to connect a model, and examples") {
  const auto response = answer({prompting("What is a list?")});
  const auto text = text_of(response);
  CHECK(response.finish_reason == "stop");
  for (const auto* piece : {"offline model", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "Ollama",
                            "llama.cpp", "config/varro.toml", "start Varro again"})
    CHECK_MESSAGE(has(text, piece), piece);
  REQUIRE(offline_examples().size() == 3);
  for (const auto& example : offline_examples()) {
    CHECK(has(text, example.text));
    CHECK(has(text, example.title));
  }
}

TEST_CASE("each example that is offered runs") {
  for (const auto& example : offline_examples())
    CHECK_MESSAGE(!calls_of(answer({prompting(example.text)})).empty(), example.title);
}

TEST_CASE("the same history gets the same answer, and ids differ over a whole chat") {
  message_history history;
  std::set<std::string> ids;
  for (int round = 0; round < 5; ++round) {
    history.push_back(prompting("```\nx = 1\n```\n```\nx\n```"));
    const auto response = answer(history);
    auto again = answer(history);
    again.timestamp = response.timestamp;
    CHECK(to_json_text(message{again}) == to_json_text(message{response}));
    history.emplace_back(response);
    for (const auto& call : calls_of(response)) {
      CHECK(ids.insert(call.tool_call_id).second);
      history.push_back(returning(call.tool_call_id, "ok"));
    }
    history.emplace_back(answer(history));
    CHECK_FALSE(check_history(history));
  }
  CHECK(ids.size() == 10);
}

TEST_CASE("an id that another model has used is not used again") {
  model_response other;
  tool_call_part call;
  call.tool_name = "python";
  call.args = R"({"code":"rate = 2"})";
  call.tool_call_id = "offline_2";
  other.parts.push_back(call);
  const auto calls = calls_of(answer({prompting("go"), other, returning("offline_2", "ok"), prompting("1+1")}));
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].tool_call_id != "offline_2");
}

TEST_CASE("a variable that an earlier cell has set may be asked for by its name") {
  model_response earlier = answer({prompting("rate = 2")});
  const auto id = calls_of(earlier).at(0).tool_call_id;
  const message_history history{prompting("rate = 2"), earlier, returning(id, "ok"), prompting("rate")};
  CHECK(calls_of(answer(history)).size() == 1);
  CHECK(calls_of(answer({prompting("rate")})).empty());
}

TEST_CASE("results are explained by what the cell did") {
  CHECK(has(report(cell("offline_1", "ok", "[]")), "without any output"));
  CHECK(has(report(cell("offline_1", "ok", R"([{"type":"stream","name":"stdout","text":"hi\n"},
                                               {"type":"value","text":"4"}])")),
            "It printed `hi` and gave the value `4`."));
  CHECK(has(report(cell("offline_1", "ok", R"([{"type":"stream","name":"stdout","text":"a\nb\nc\n"}])")),
            "printed 3 lines"));
  CHECK(has(report(cell("offline_1", "ok", R"([{"type":"table","rows_total":3,"columns_total":1}])")),
            "a table of 3 rows × 1 column"));
  CHECK(has(report(cell("offline_1", "ok", R"([{"type":"image","media_type":"image/png","file":0}])")), "1 plot"));
  const auto rich = [](const char* outputs) { return report(cell("offline_1", "ok", outputs)); };
  CHECK(has(rich(R"([{"type":"rich","media_type":"text/html","data":"<b>bold</b>","text":"bold"}])"),
            "It showed HTML (`bold`)."));
  CHECK(has(rich(R"([{"type":"rich","media_type":"text/html","data":"<hr>","text":""}])"), "It showed HTML."));
  CHECK(has(rich(R"([{"type":"rich","media_type":"text/markdown","data":"# a","text":""},
                     {"type":"rich","media_type":"text/latex","data":"$x$","text":""},
                     {"type":"rich","media_type":"text/markdown","data":"# b","text":""},
                     {"type":"rich","media_type":"application/json","data":"{}","text":"{}"}])"),
            "It showed Markdown 2 times, showed LaTeX and showed JSON (`{}`)."));
  CHECK(has(rich(R"([{"type":"rich","media_type":"application/vnd.plotly.v1+json","data":"{}",
                      "text":"Plotly chart: bar with 3 points"}])"),
            "It showed a chart (`Plotly chart: bar with 3 points`)."));
  const auto failed = report(cell("offline_1", "failed", R"([{"type":"error","name":"NameError",
    "message":"name 'y' is not defined","traceback":""}])"));
  CHECK(has(failed, "It raised `NameError: name 'y' is not defined`."));
  CHECK(has(report(cell("offline_1", "killed", "[]", "The cell passed its memory limit.")), "its memory limit"));
  CHECK(has(report(cell("offline_1", "lost", "[]")), "was not run again"));
}

TEST_CASE("several results are a numbered list") {
  auto response = answer({prompting("```\n1\n```\n```\n2\n```")});
  const auto text = text_of(answer(
    {prompting("```\n1\n```\n```\n2\n```"), response, returning("offline_1", "one"), returning("offline_2", "two")}));
  CHECK(has(text, "I ran 2 cells"));
  CHECK(has(text, "1. It returned `one`."));
  CHECK(has(text, "2. It returned `two`."));
}

TEST_CASE("a retry prompt is explained and ends the turn") {
  retry_prompt_part retry;
  retry.content = "Unknown tool";
  retry.tool_name = "python";
  retry.tool_call_id = "offline_1";
  model_request request;
  request.parts.push_back(retry);
  const auto response = answer({prompting("x = 1"), answer({prompting("x = 1")}), request});
  CHECK(has(text_of(response), "Unknown tool"));
  CHECK(response.finish_reason == "stop");
}

TEST_CASE("a new prompt after an explained turn is read afresh") {
  auto first = answer({prompting("1+1")});
  CHECK(calls_of(answer({prompting("1+1"), first, returning("offline_1", "2"), prompting("2+2")})).size() == 1);
  CHECK(has(text_of(answer({prompting("1+1"), first, returning("offline_1", "2"), prompting("thanks")})), "offline"));
}

TEST_CASE("text of results cannot leave its code span") {
  const auto text = report(cell("offline_1", "ok", R"([{"type":"value","text":"`**x**`"}])"));
  CHECK(has(text, "`` `**x**` ``"));
}

TEST_CASE("results of any shape are survived") {
  for (const auto* metadata : {"null", "[]", "5", "{}", R"({"cell":5})", R"({"cell":{}})", R"({"cell":{"outputs":5}})",
                               R"({"cell":{"status":5,"reason":[],"outputs":[5,{},{"type":5},{"type":"error"},
                                  {"type":"table","rows_total":"x"},{"type":"rich"},{"type":"rich","media_type":5,"text":[]},{"type":"stream"},{"type":"value"}]}})"})
    for (const auto* content : {"null", "\"x\"", "[1]", "{\"a\":[]}", "\"\""})
      CHECK_FALSE(report(returning("offline_1", *parse_json(content), *parse_json(metadata))).empty());
}

TEST_CASE("odd histories get an answer") {
  CHECK(answer({}).parts.size() == 1);
  CHECK(offline_answer(model_query{}).parts.size() == 1);
  CHECK(answer({returning("x", "y")}).parts.size() == 1);
  CHECK(has(text_of(answer({prompting("2+2")}, false)), "switched off"));
  model_request list;
  list.parts.push_back(user_prompt_part{
    std::vector<user_content>{std::string{"2+2"}, binary_content{"x", "image/png", nullptr, "i"}, cache_point{}}, ""});
  CHECK(calls_of(answer({list})).size() == 1);
}
