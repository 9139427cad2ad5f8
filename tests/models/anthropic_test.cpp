#include "base/base64.hpp"
#include "models/anthropic.hpp"
#include "models/anthropic_models.hpp"
#include "models/message_json.hpp"
#include "tests/support/history_builder.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

model_query query_with(message_list history) {
  model_query query;
  query.model.kind = provider_kind::anthropic;
  query.model.provider = "anthropic";
  query.model.name = "claude-sonnet-4-5";
  query.model.base_url = "https://api.example";
  query.model.api_key = "sk-ant-test";
  query.model.thinking = "off";
  query.history = std::move(history);
  return query;
}

json messages_of(const history_builder& history) {
  return anthropic::encode_body(query_with(history.list()))["messages"];
}

response_decoder::outcome decode(std::string_view body, bool lost = false, int status = 200) {
  const auto query = query_with(history_builder{}.list());
  auto decoder = anthropic_provider().decoder(query, status, "text/event-stream");
  decoder->feed(body);
  return decoder->finish(lost);
}

std::string event(const json& data) {
  return "event: " + data["type"].get<std::string>() + "\ndata: " + dump_json(data) + "\n\n";
}

const std::string head = event(json::parse(
  R"({"type":"message_start","message":{"id":"msg_1","model":"claude-x","content":[],"usage":{"input_tokens":5,"output_tokens":1}}})"));

std::string stop(const char* reason) {
  return event(json{{"type", "message_delta"}, {"delta", {{"stop_reason", reason}}}, {"usage", {{"output_tokens", 9}}}})
    + event(json{{"type", "message_stop"}});
}

std::string block_start(int index, const char* block) {
  return event(json{{"type", "content_block_start"}, {"index", index}, {"content_block", json::parse(block)}});
}

std::string delta(int index, const char* what) {
  return event(json{{"type", "content_block_delta"}, {"index", index}, {"delta", json::parse(what)}});
}

std::string block_stop(int index) {
  return event(json{{"type", "content_block_stop"}, {"index", index}});
}

std::string text_block(const char* text) {
  return block_start(0, R"({"type":"text","text":""})")
    + delta(0, dump_json(json{{"type", "text_delta"}, {"text", text}}).c_str()) + block_stop(0);
}

int cache_marks(const json& value) {
  int count = 0;
  if (value.is_object() && value.contains("cache_control"))
    ++count;
  if (value.is_structured())
    for (const auto& child : value)
      count += cache_marks(child);
  return count;
}

} // namespace

// --- decoding --------------------------------------------------------------------------------------------------------

TEST_CASE("Messages API: every stop reason has its meaning") {
  struct row {
    const char* reason;
    std::optional<std::string> finish_reason;
  };
  for (const auto& one : {row{"end_turn", "stop"}, row{"max_tokens", "length"},
                          row{"model_context_window_exceeded", "length"}, row{"refusal", "content_filter"},
                          row{"pause_turn", "stop"}, row{"tool_use", "tool_call"}, row{"a_new_reason", std::nullopt}}) {
    CAPTURE(one.reason);
    const auto end = decode(head + text_block("hello") + stop(one.reason));
    REQUIRE(end.response);
    CHECK(end.response->finish_reason == one.finish_reason);
    CHECK(end.response->provider_details["finish_reason"] == one.reason);
    CHECK(end.response->usage.output_tokens == 9);
    CHECK(end.response->usage.input_tokens == 5);
  }
}

TEST_CASE("Messages API: a refusal tells why") {
  const auto end
    = decode(head + text_block("I") + event(json::parse(R"({"type":"message_delta","delta":{"stop_reason":"refusal",
      "stop_details":{"explanation":"no weapons","category":"cbrn"}},"usage":{"output_tokens":2}})"))
             + event(json{{"type", "message_stop"}}));
  REQUIRE(end.response);
  CHECK(end.response->provider_details["refusal"] == "no weapons");
  CHECK(end.response->provider_details["refusal_category"] == "cbrn");
}

TEST_CASE("Messages API: an error event inside a 200 stream is an error, and overload is worth another attempt") {
  const auto overloaded
    = event(json::parse(R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"));
  const auto before = decode(head + overloaded);
  REQUIRE(before.error);
  CHECK_FALSE(before.response);
  CHECK(before.error->type == "overloaded_error");
  CHECK(before.error->message == "Overloaded");
  CHECK(before.error->retryable);
  CHECK(before.error->http_status == 200);
  const auto refused
    = decode(head + event(json::parse(R"({"type":"error","error":{"type":"invalid_request_error","message":"no"}})")));
  REQUIRE(refused.error);
  CHECK_FALSE(refused.error->retryable);
}

TEST_CASE("Messages API: content counts from the first block that says something") {
  const auto query = query_with(history_builder{}.list());
  auto decoder = anthropic_provider().decoder(query, 200, "text/event-stream");
  decoder->feed(head + ": comment\n\n" + event(json{{"type", "ping"}})
                + block_start(0, R"({"type":"text","text":""})"));
  CHECK_FALSE(decoder->has_content());
  decoder->feed(delta(0, R"({"type":"text_delta","text":"h"})"));
  CHECK(decoder->has_content());
}

TEST_CASE("Messages API: a connection that breaks off is worth another attempt, whatever had come") {
  const auto early = decode(head, true);
  REQUIRE(early.error);
  CHECK(early.error->retryable);
  const auto late = decode(head + text_block("hel"), true);
  REQUIRE(late.error);
  CHECK(late.error->retryable);
  const auto nothing = decode("", false);
  REQUIRE(nothing.error);
  CHECK(nothing.error->retryable);
}

TEST_CASE("Messages API: a connection that breaks off after the end loses nothing") {
  CHECK(decode(head + text_block("hello") + stop("end_turn"), true).response);
}

TEST_CASE("Messages API: status 529 is an overload") {
  const auto end = decode(R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})", false, 529);
  REQUIRE(end.error);
  CHECK(end.error->http_status == 529);
  CHECK(end.error->retryable);
}

TEST_CASE("Messages API: tool input is joined from its pieces and kept as it came") {
  const auto end = decode(head + block_start(1, R"({"type":"tool_use","id":"t2","name":"b","input":{}})")
                          + block_start(0, R"({"type":"tool_use","id":"t1","name":"a","input":{}})")
                          + delta(0, R"({"type":"input_json_delta","partial_json":""})")
                          + delta(0, R"({"type":"input_json_delta","partial_json":"{\"co"})")
                          + delta(1, R"({"type":"input_json_delta","partial_json":""})")
                          + delta(0, R"({"type":"input_json_delta","partial_json":"de\": \"1\"}"})") + block_stop(0)
                          + block_stop(1) + stop("tool_use"));
  REQUIRE(end.response);
  REQUIRE(end.response->parts.size() == 2);
  CHECK(std::get<tool_call_part>(end.response->parts[0]).tool_call_id == "t1");
  CHECK(std::get<tool_call_part>(end.response->parts[0]).args == "{\"code\": \"1\"}");
  CHECK(std::get<tool_call_part>(end.response->parts[1]).args == "");
}

TEST_CASE("Messages API: an interrupted answer keeps its text and leaves its calls out") {
  const auto query = query_with(history_builder{}.list());
  auto decoder = anthropic_provider().decoder(query, 200, "text/event-stream");
  decoder->feed(head + text_block("Let me") + block_start(1, R"({"type":"tool_use","id":"t1","name":"a","input":{}})")
                + delta(1, R"({"type":"input_json_delta","partial_json":"{\"co"})"));
  const auto partial = decoder->partial();
  CHECK(partial.state == "interrupted");
  REQUIRE(partial.parts.size() == 1);
  CHECK(std::get<text_part>(partial.parts[0]).content == "Let me");
  CHECK(partial.usage.input_tokens == 5);
  decoder->feed(block_stop(1));
  CHECK(decoder->partial().parts.size() == 1);
}

TEST_CASE("Messages API: blocks, deltas and events that are not known do no harm, and blocks are sent back untouched") {
  const auto strange = R"({"type":"quantum_result","qubits":[1,{"a":null}]})";
  const auto tool = R"({"type":"advisor_tool_result","tool_use_id":"srv_1","content":{"x":1},"extra":true})";
  const auto end = decode(head + event(json{{"type", "novelty"}, {"x", 1}}) + block_start(0, strange) + block_stop(0)
                          + block_start(1, tool) + block_stop(1) + block_start(2, R"({"type":"text","text":""})")
                          + delta(2, R"({"type":"citations_delta","citation":{"url":"x"}})")
                          + delta(2, R"({"type":"text_delta","text":"done"})") + block_stop(2) + stop("end_turn"));
  REQUIRE(end.response);
  const auto messages = messages_of(history_builder{}.user("q").model(*end.response).user("again"));
  REQUIRE(messages.size() == 3);
  CHECK(messages[1]["content"][0] == json::parse(strange));
  CHECK(messages[1]["content"][1] == json::parse(tool));
  CHECK(messages[1]["content"][2]["text"] == "done");
  // The same after it was stored and loaded.
  const auto loaded = message_from_text(to_json_text(message(*end.response)));
  REQUIRE(loaded);
  const auto again = messages_of(history_builder{}.user("q").model(std::get<model_response>(*loaded)).user("again"));
  CHECK(again == messages);
}

TEST_CASE("Messages API: usage is replaced by every report, and cached tokens belong to the input") {
  const auto end = decode(
    event(json::parse(R"({"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":10,
      "cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"output_tokens":88}}})"))
    + text_block("x")
    + event(json::parse(R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":20,
      "output_tokens":7}})"))
    + event(json{{"type", "message_stop"}}));
  REQUIRE(end.response);
  const auto& usage = end.response->usage;
  CHECK(usage.input_tokens == 1120);
  CHECK(usage.cache_write_tokens == 100);
  CHECK(usage.cache_read_tokens == 1000);
  CHECK(usage.output_tokens == 7);
}

TEST_CASE("Messages API: hostile bodies are errors or answers, never more") {
  std::string deep(100'000, '[');
  const char* samples[]
    = {"data: {\n\n",
       "data: {\"type\":\"message_start\",\"message\":7}\n\n",
       "data: {\"type\":\"content_block_start\",\"index\":\"x\",\"content_block\":[]}\n\n",
       "data: {\"type\":\"content_block_delta\",\"index\":99999999999999999999,\"delta\":null}\n\n",
       "data: {\"type\":\"content_block_delta\",\"index\":-1,\"delta\":{\"type\":\"text_delta\"}}\n\n",
       "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":-5},\"delta\":[]}\n\n",
       "data: {\"type\":[1]}\n\n",
       "{\"content\":",
       "{\"content\":{}}",
       "{\"content\":[1,null,{\"type\":\"tool_use\"},{\"type\":\"text\",\"text\":{}}]}",
       "[1,2]",
       "null",
       "<html>",
       "\xff\xfe\x00",
       "data: [DONE]\n\n"};
  for (const std::string sample : samples) {
    CAPTURE(sample);
    for (const bool lost : {false, true}) {
      const auto end = decode(sample, lost);
      CHECK(end.response.has_value() != end.error.has_value());
    }
  }
  CHECK(decode("data: " + deep + "\n\n").error);
  CHECK(decode("{\"content\":" + deep).error);
}

TEST_CASE("Messages API: an answer with too many blocks is refused") {
  std::string body = head;
  for (int i = 0; i < 10'001; ++i)
    body += "data: {\"type\":\"content_block_start\",\"index\":" + std::to_string(i * 1'000'000'007LL)
      + ",\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{}}}\n\n";
  const auto end = decode(body + stop("tool_use"));
  REQUIRE(end.error);
  CHECK(end.error->type == "malformed_response");
}

// --- encoding --------------------------------------------------------------------------------------------------------

TEST_CASE("Messages API: the request has its URL, headers and a stream") {
  auto query = query_with(history_builder{}.user("hi").list());
  query.instructions = "Be brief.";
  const auto request = anthropic_provider().encode(query);
  REQUIRE(request);
  CHECK(request->method == "POST");
  CHECK(request->url == "https://api.example/v1/messages");
  const auto header = [&](const char* name) {
    for (const auto& [key, value] : request->headers)
      if (key == name)
        return value;
    return std::string();
  };
  CHECK(header("x-api-key") == "sk-ant-test");
  CHECK(header("anthropic-version") == "2023-06-01");
  CHECK(header("content-type") == "application/json");
  CHECK(header("anthropic-beta") == "");
  const auto body = json::parse(request->body);
  CHECK(body["stream"] == true);
  CHECK(body["max_tokens"] == 16'000);
  CHECK(body["system"][0]["text"] == "Be brief.");
  CHECK_FALSE(body.contains("thinking"));
  CHECK_FALSE(body.contains("tool_choice"));
}

TEST_CASE("Messages API: a history without anything to send is refused before it is sent") {
  CHECK_FALSE(anthropic_provider().encode(query_with(history_builder{}.list())));
  CHECK_FALSE(anthropic_provider().encode(query_with(history_builder{}.user("  \n").list())));
  CHECK(anthropic_provider().encode(query_with(history_builder{}.user("hi").list())));
}

TEST_CASE("Messages API: results of parallel calls go in one user message, before the next prompt") {
  const auto messages = messages_of(history_builder{}
                                      .user("go")
                                      .model(call("python", "{\"code\":\"1\"}", "t1"), call("python", "", "t2"))
                                      .result("python", "one", "t1")
                                      .user("and hurry")
                                      .retry("python", "No such name.", "t2"));
  REQUIRE(messages.size() == 3);
  const auto& calls = messages[1]["content"];
  CHECK(calls[0]["input"] == json{{"code", "1"}});
  CHECK(calls[1]["input"] == json::object());
  const auto& content = messages[2]["content"];
  REQUIRE(content.size() == 3);
  CHECK(content[0]["tool_use_id"] == "t1");
  CHECK(content[0]["is_error"] == false);
  CHECK(content[1]["tool_use_id"] == "t2");
  CHECK(content[1]["is_error"] == true);
  CHECK(content[1]["content"] == "No such name.\n\nFix the errors and try again.");
  CHECK(content[2]["text"] == "and hurry");
}

TEST_CASE("Messages API: arguments that are no JSON object still make a valid call") {
  for (const json& args : {json("{\"code\": tru"), json("[1]"), json("null"), json(7)}) {
    const auto messages
      = messages_of(history_builder{}.user("go").model(call("python", args, "t1")).result("python", "x", "t1"));
    const auto& input = messages[1]["content"][0]["input"];
    REQUIRE(input.is_object());
    CHECK(input.contains("INVALID_JSON"));
  }
}

TEST_CASE("Messages API: ids of another vendor that are not accepted are replaced alike in call and result") {
  const auto messages = messages_of(history_builder{}
                                      .user("go")
                                      .model(call("python", "{}", "functions.python:0"))
                                      .result("python", "x", "functions.python:0"));
  const auto id = messages[1]["content"][0]["id"].get<std::string>();
  CHECK(id.find_first_of(".:") == std::string::npos);
  CHECK(messages[2]["content"][0]["tool_use_id"] == id);
}

TEST_CASE("Messages API: empty and blank texts are not sent, and an empty answer is skipped") {
  const auto messages = messages_of(history_builder{}
                                      .user("one")
                                      .model(text_of_model(""))
                                      .user("two")
                                      .model(text_of_model("\n\n"), text_of_model("answer"))
                                      .user("three"));
  REQUIRE(messages.size() == 4);
  CHECK(messages[2]["content"].size() == 1);
  CHECK(messages[2]["content"][0]["text"] == "answer");
}

TEST_CASE("Messages API: a paused turn goes back as it is, without white space at its end") {
  const auto end
    = decode(head + block_start(0, R"({"type":"server_tool_use","id":"srv_1","name":"web_search","input":{}})")
             + delta(0, R"({"type":"input_json_delta","partial_json":"{\"query\":\"x\"}"})") + block_stop(0)
             + block_start(1, R"({"type":"text","text":"I go on \n"})") + block_stop(1) + stop("pause_turn"));
  REQUIRE(end.response);
  const auto messages = messages_of(history_builder{}.user("q").model(*end.response));
  REQUIRE(messages.size() == 2);
  CHECK(messages[1]["role"] == "assistant");
  CHECK(messages[1]["content"][0]["type"] == "server_tool_use");
  CHECK(messages[1]["content"][0]["input"] == json{{"query", "x"}});
  CHECK(messages[1]["content"][1]["text"] == "I go on");
  // Further back such a call without a result would be refused.
  const auto later = messages_of(history_builder{}.user("q").model(*end.response).user("more"));
  CHECK(later[1]["content"].size() == 1);
}

TEST_CASE("Messages API: thinking goes back in place with its signature, and that of others never as thinking") {
  const auto messages = messages_of(history_builder{}
                                      .user("q")
                                      .by("anthropic")
                                      .model(thought("", "anthropic", "redacted_thinking", "SECRET"),
                                             thought("hm", "anthropic", std::nullopt, "sig=="), text_of_model("a"),
                                             thought("", "anthropic", std::nullopt, "only"), call("python", "{}", "t1"))
                                      .result("python", "x", "t1")
                                      .by("deepseek")
                                      .model(thought("other", "deepseek", "reasoning_content"), text_of_model("b"))
                                      .user("z"));
  const auto& first = messages[1]["content"];
  REQUIRE(first.size() == 5);
  CHECK(first[0] == json{{"type", "redacted_thinking"}, {"data", "SECRET"}});
  CHECK(first[1] == json{{"type", "thinking"}, {"thinking", "hm"}, {"signature", "sig=="}});
  CHECK(first[3] == json{{"type", "thinking"}, {"thinking", ""}, {"signature", "only"}});
  for (const auto& block : messages[3]["content"])
    CHECK(block["type"] == "text");
}

TEST_CASE("Messages API: images of a result go to models that see, and others read a note") {
  const json content = json::array({"a plot",
                                    {{"data", base64url_encode("\xff\xee\xdd")},
                                     {"media_type", "image/png"},
                                     {"vendor_metadata", nullptr},
                                     {"kind", "binary"},
                                     {"identifier", "abc123"}}});
  auto query
    = query_with(history_builder{}.user("q").model(call("python", "{}", "t1")).result("python", content, "t1").list());
  const auto seen = anthropic::encode_body(query)["messages"][2]["content"][0]["content"];
  REQUIRE(seen.size() == 2);
  CHECK(seen[1]["type"] == "image");
  CHECK(seen[1]["source"]["data"] == base64_encode("\xff\xee\xdd"));
  CHECK(seen[1]["source"]["data"].get<std::string>().find('/') != std::string::npos); // the standard alphabet
  query.model.vision = false;
  const auto unseen = anthropic::encode_body(query)["messages"][2]["content"][0]["content"];
  REQUIRE(unseen.size() == 2);
  CHECK(unseen[1]["type"] == "text");
  CHECK(unseen[1]["text"].get<std::string>().find("abc123") != std::string::npos);
}

TEST_CASE("Messages API: at most four cache marks, at the end of the stable head and of the newest user messages") {
  history_builder history;
  for (int i = 0; i < 10; ++i)
    history.user("question " + std::to_string(i)).model(text_of_model("answer"));
  history.user("last");
  auto query = query_with(history.list());
  query.instructions = "Be brief.";
  query.tools.push_back({"python", "Runs code", json{{"type", "object"}, {"properties", json::object()}}});
  const auto body = anthropic::encode_body(query);
  CHECK(cache_marks(body) <= 4);
  CHECK(body["system"].back().contains("cache_control"));
  CHECK(body["messages"].back()["content"].back().contains("cache_control"));
  CHECK_FALSE(body["messages"].front()["content"].back().contains("cache_control"));
  query.instructions.clear();
  CHECK(anthropic::encode_body(query)["tools"].back().contains("cache_control"));
}

TEST_CASE("each Claude thinks as it can, and stops as it can") {
  struct row {
    const char* name;
    thinking_mode automatic;
    thinking_mode budgeted;
    thinking_mode off;
  };
  constexpr auto none = thinking_mode::none;
  constexpr auto budget = thinking_mode::budget;
  constexpr auto adaptive = thinking_mode::adaptive;
  constexpr auto disabled = thinking_mode::disabled;
  constexpr auto notes = thinking_mode::between_tools;
  for (const auto& one : {row{"claude-2.1", none, none, none},
                          row{"claude-instant-1.2", none, none, none},
                          row{"claude-3-haiku-20240307", none, none, none},
                          row{"claude-3-5-sonnet-latest", none, none, none},
                          row{"claude-3-7-sonnet-20250219", budget, budget, none},
                          row{"claude-sonnet-4-0", budget, budget, none},
                          row{"claude-sonnet-4-20250514", budget, budget, none},
                          row{"claude-opus-4-1-20250805", budget, budget, none},
                          row{"claude-haiku-4-5", budget, budget, none},
                          row{"us.anthropic.claude-sonnet-4-5-20250929-v1:0", budget, budget, none},
                          row{"claude-opus-4-6", adaptive, budget, none},
                          row{"claude-sonnet-4-6", adaptive, budget, none},
                          row{"claude-opus-4-7", adaptive, adaptive, none},
                          row{"claude-opus-4-8", adaptive, adaptive, none},
                          row{"claude-sonnet-5", adaptive, adaptive, disabled},
                          row{"claude-opus-5", adaptive, adaptive, disabled},
                          row{"claude-haiku-5-5", adaptive, adaptive, disabled},
                          row{"claude-sonnet-5-5", adaptive, adaptive, notes},
                          row{"claude-opus-5-5", adaptive, adaptive, adaptive},
                          row{"claude-fable-5", adaptive, adaptive, adaptive},
                          row{"claude-fable-5-1", adaptive, adaptive, adaptive},
                          row{"claude-mythos-5-2", adaptive, adaptive, adaptive},
                          row{"claude-opus-6-2-20300101", adaptive, adaptive, adaptive},
                          row{"claude-mythos-preview", adaptive, adaptive, adaptive},
                          row{"glm-4.6", none, none, none},
                          row{"kimi-k2", none, none, none}}) {
    CAPTURE(one.name);
    const auto traits = traits_of_claude(one.name);
    CHECK(resolve_thinking("auto", traits) == one.automatic);
    CHECK(resolve_thinking("budget", traits) == one.budgeted);
    CHECK(resolve_thinking("off", traits) == one.off);
  }
}

TEST_CASE("an effort comes to the nearest word that each Claude knows") {
  const auto effort = [](const char* name, const char* wanted, const char* thinking = "auto") {
    return std::string(resolve_effort(wanted, thinking, traits_of_claude(name)));
  };
  CHECK(effort("claude-opus-5-5", "max") == "max");
  CHECK(effort("claude-opus-5-5", "xhigh") == "xhigh");
  CHECK(effort("claude-opus-5-5", "minimal") == "low");
  CHECK(effort("claude-opus-5-5", "") == "");
  CHECK(effort("claude-sonnet-4-6", "max") == "max");
  CHECK(effort("claude-sonnet-4-6", "xhigh") == "high");
  CHECK(effort("claude-opus-4-5-20251101", "max") == "high");
  CHECK(effort("claude-haiku-4-5", "max") == "");
  CHECK(effort("glm-4.6", "high") == "");
  // Without thinking, high is the most that is accepted; who always thinks is asked for the least.
  CHECK(effort("claude-opus-5", "max", "off") == "high");
  CHECK(effort("claude-sonnet-5-5", "xhigh", "off") == "high");
  CHECK(effort("claude-sonnet-5-5", "medium", "off") == "medium");
  CHECK(effort("claude-opus-5-5", "max", "off") == "low");
}

namespace {

// Two turns of a chat whose thinking carries signatures.
model_query thoughtful_query(const char* model) {
  const auto thought = [](std::string words) {
    thinking_part part;
    part.content = std::move(words);
    part.signature = "sig";
    part.provider_name = "anthropic";
    return part;
  };
  model_response first;
  first.parts.emplace_back(thought("first"));
  first.parts.emplace_back(call("python", "{}", "t1"));
  model_response second;
  second.parts.emplace_back(thought("second"));
  second.parts.emplace_back(call("python", "{}", "t2"));
  auto query = query_with(history_builder{}
                            .user("q")
                            .model(first)
                            .result("python", "1", "t1")
                            .user("r")
                            .model(second)
                            .result("python", "2", "t2")
                            .list());
  query.model.name = model;
  query.model.provider = "anthropic";
  query.model.thinking = "auto";
  return query;
}

std::vector<std::string> thoughts_in(const json& body) {
  std::vector<std::string> thoughts;
  for (const auto& one : body["messages"])
    for (const auto& block : one["content"])
      if (block["type"] == "thinking")
        thoughts.push_back(block["thinking"]);
  return thoughts;
}

std::string header_of(const http_request& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (key == name)
      return value;
  return {};
}

using words = std::vector<std::string>;

} // namespace

TEST_CASE("Messages API: models that bind thinking to its beginning are told to drop what no longer matches") {
  for (const auto* bound : {"claude-fable-5-1", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"}) {
    CAPTURE(bound);
    auto query = thoughtful_query(bound);
    const auto body = anthropic::encode_body(query);
    CHECK(body["thinking"]
          == json{{"type", "adaptive"},
                  {"display", "summarized"},
                  {"block_binding", {{"prefix_mismatch_behavior", "drop_block"}}}});
    CHECK(header_of(*anthropic::encode(query), "anthropic-beta") == "thinking-binding-controls-2026-08-01");
    CHECK(thoughts_in(body) == words{"first", "second"});
  }
  for (const auto* unbound : {"claude-fable-5", "claude-opus-5", "claude-sonnet-4-6", "claude-haiku-4-5"}) {
    CAPTURE(unbound);
    auto query = thoughtful_query(unbound);
    CHECK_FALSE(anthropic::encode_body(query)["thinking"].contains("block_binding"));
    CHECK(header_of(*anthropic::encode(query), "anthropic-beta").empty());
  }
}

TEST_CASE("Messages API: thinking that is off is really off, with the thinking that was there taken out") {
  auto query = thoughtful_query("claude-haiku-5-5");
  query.model.thinking = "off";
  auto body = anthropic::encode_body(query);
  CHECK(body["thinking"] == json{{"type", "disabled"}});
  CHECK(thoughts_in(body) == words{});
  // Such a request may not name block_binding. From the front thinking may be taken without harm to what follows.
  query = thoughtful_query("claude-sonnet-5-5");
  query.model.thinking = "off";
  query.model.effort = "max";
  body = anthropic::encode_body(query);
  CHECK(body["thinking"] == json{{"type", "between_tools"}});
  CHECK(body["output_config"] == json{{"effort", "high"}});
  CHECK(thoughts_in(body) == words{"second"});
  CHECK(header_of(*anthropic::encode(query), "anthropic-beta").empty());
  query = thoughtful_query("claude-opus-5-5");
  query.model.thinking = "off";
  body = anthropic::encode_body(query);
  CHECK(body["thinking"]["type"] == "adaptive");
  CHECK(body["output_config"] == json{{"effort", "low"}});
  CHECK(thoughts_in(body) == words{"first", "second"});
}

TEST_CASE("Messages API: a vendor that refuses thinking back gets none, and pictures likewise") {
  auto query = thoughtful_query("claude-opus-5-5");
  query.without_thinking = true;
  CHECK(thoughts_in(anthropic::encode_body(query)) == words{});
  const json content = json::array({"a plot",
                                    {{"data", base64url_encode("\xff\xee\xdd")},
                                     {"media_type", "image/png"},
                                     {"vendor_metadata", nullptr},
                                     {"kind", "binary"},
                                     {"identifier", "abc123"}}});
  query
    = query_with(history_builder{}.user("q").model(call("python", "{}", "t1")).result("python", content, "t1").list());
  query.without_pictures = true;
  const auto blocks = anthropic::encode_body(query)["messages"][2]["content"][0]["content"];
  CHECK(blocks[1]["type"] == "text");
}

TEST_CASE("Messages API: how long the cache lives, and the service tier, are the configuration's") {
  auto query = query_with(history_builder{}.user("q").list());
  query.instructions = "Be brief.";
  CHECK(anthropic::encode_body(query)["system"].back()["cache_control"] == json{{"type", "ephemeral"}});
  CHECK_FALSE(anthropic::encode_body(query).contains("service_tier"));
  query.model.cache_lifetime = "1h";
  query.model.service_tier = "standard_only";
  const auto body = anthropic::encode_body(query);
  CHECK(body["system"].back()["cache_control"] == json{{"type", "ephemeral"}, {"ttl", "1h"}});
  CHECK(body["service_tier"] == "standard_only");
  query.model.cache_lifetime = "off";
  CHECK(cache_marks(anthropic::encode_body(query)) == 0);
}

TEST_CASE("Messages API: a thinking budget stays below max_tokens, or there is no thinking") {
  auto query = query_with(history_builder{}.user("q").list());
  query.model.thinking = "budget";
  query.model.temperature = 0.3;
  query.model.thinking_budget_tokens = 8'000;
  auto body = anthropic::encode_body(query);
  CHECK(body["thinking"] == json{{"type", "enabled"}, {"budget_tokens", 8'000}});
  CHECK_FALSE(body.contains("temperature"));
  query.model.output_tokens_max = 4'000;
  CHECK(anthropic::encode_body(query)["thinking"]["budget_tokens"] == 4'000 - 1'024);
  query.model.output_tokens_max = 2'048;
  CHECK(anthropic::encode_body(query)["thinking"]["budget_tokens"] == 1'024);
  query.model.output_tokens_max = 2'047;
  body = anthropic::encode_body(query);
  CHECK_FALSE(body.contains("thinking"));
  CHECK(body["temperature"] == 0.3);
}

TEST_CASE("Messages API: models that hide their thinking are asked for its summary, and get no temperature") {
  auto query = query_with(history_builder{}.user("q").list());
  query.model.thinking = "auto";
  query.model.temperature = 0.3;
  query.model.name = "claude-opus-4-6";
  CHECK(anthropic::encode_body(query)["thinking"] == json{{"type", "adaptive"}});
  query.model.name = "claude-opus-4-7";
  CHECK(anthropic::encode_body(query)["thinking"] == json{{"type", "adaptive"}, {"display", "summarized"}});
  query.model.thinking = "off";
  CHECK_FALSE(anthropic::encode_body(query).contains("temperature"));
}

TEST_CASE("Messages API: a tool is demanded only of a model that can be made to") {
  auto query = query_with(history_builder{}.user("q").list());
  query.tools.push_back({"python", "", json{{"type", "object"}}});
  query.settings = json{{"tool_choice", "required"}};
  CHECK(anthropic::encode_body(query)["tool_choice"] == json{{"type", "any"}});
  query.settings = json{{"tool_choice", json::array({"python"})}, {"parallel_tool_calls", false}};
  CHECK(anthropic::encode_body(query)["tool_choice"]
        == json{{"type", "tool"}, {"name", "python"}, {"disable_parallel_tool_use", true}});
  query.settings = json{{"tool_choice", "required"}};
  query.model.thinking = "auto";
  CHECK_FALSE(anthropic::encode_body(query).contains("tool_choice"));
  query.settings = json{{"tool_choice", "none"}};
  CHECK(anthropic::encode_body(query)["tool_choice"] == json{{"type", "none"}});
}

TEST_CASE("Messages API: old models are not asked for more tokens than they can give") {
  auto query = query_with(history_builder{}.user("q").list());
  query.model.name = "claude-3-haiku-20240307";
  CHECK(anthropic::encode_body(query)["max_tokens"] == 4'096);
  query.model.name = "claude-3-5-haiku-latest";
  CHECK(anthropic::encode_body(query)["max_tokens"] == 8'192);
}

TEST_CASE("Messages API: a summary of earlier turns goes back with everything that came beside it") {
  const auto outcome = decode(
    head + block_start(0, R"({"type":"compaction","content":null})")
    + delta(0, R"({"type":"compaction_delta","content":"We counted.","encrypted_content":"EQ==","signature":"s1"})")
    + block_stop(0) + block_start(1, R"({"type":"text","text":"Fine."})") + block_stop(1) + stop("end_turn"));
  REQUIRE(outcome.response);
  const auto& part = std::get<compaction_part>(outcome.response->parts.at(0));
  CHECK(part.content == "We counted.");
  const auto query = query_with(history_builder{}.user("q").model(*outcome.response).user("r").list());
  CHECK(
    anthropic::encode_body(query)["messages"][1]["content"][0]
    == json{{"type", "compaction"}, {"content", "We counted."}, {"encrypted_content", "EQ=="}, {"signature", "s1"}});
}

TEST_CASE("Messages API: a name that the model made up and that the vendor refuses does not go back as it is") {
  const auto messages = messages_of(
    history_builder{}.user("q").model(call("functions.python", "{}", "t1")).retry("functions.python", "Unknown", "t1"));
  const auto name = messages[1]["content"][0]["name"].get<std::string>();
  CHECK(name.find('.') == std::string::npos);
  CHECK(name.find("python") != std::string::npos);
}

TEST_CASE("Messages API: a stream that is cut anywhere is one that broke off, not one that cannot be read") {
  const auto whole = head + text_block("hello") + stop("end_turn");
  const auto end = whole.find("event: message_delta");
  for (size_t cut = std::string_view("event:").size(); cut < end; ++cut)
    for (const bool lost : {true, false}) {
      CAPTURE(cut);
      const auto outcome = decode(whole.substr(0, cut), lost);
      REQUIRE(outcome.error);
      CHECK(outcome.error->retryable);
    }
}
