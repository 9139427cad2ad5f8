#include "models/message_json.hpp"
#include "models/openai_responses.hpp"
#include "models/vendor_json.hpp"
#include "tests/support/answer_parts.hpp"
#include "tests/support/history_builder.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

model_query query_of(std::string provider = "openai") {
  model_query query;
  query.model.kind = provider_kind::openai_responses;
  query.model.provider = std::move(provider);
  query.model.name = "gpt-6.1-sol";
  query.model.base_url = "https://api.example/v1";
  query.model.api_key = "sk-secret-1";
  query.history = history_builder{}.list();
  return query;
}

std::string event(json value) {
  return "event: " + text_member(value, "type") + "\ndata: " + dump_json(value) + "\n\n";
}

std::string event(const char* text) {
  return event(json::parse(text));
}

const std::string begun = event(
  R"({"type":"response.created","response":{"id":"resp_1","model":"m1","created_at":1758034836,"status":"in_progress","usage":null}})");

std::string ended(const char* status = "completed", json more = json::object()) {
  json response = {{"id", "resp_1"},
                   {"status", status},
                   {"usage",
                    {{"input_tokens", 50},
                     {"input_tokens_details", {{"cached_tokens", 40}, {"cache_write_tokens", 3}}},
                     {"output_tokens", 20},
                     {"output_tokens_details", {{"reasoning_tokens", 12}}},
                     {"total_tokens", 70}}}};
  response.update(more);
  return event(json{{"type", std::string("response.") + status}, {"response", response}});
}

response_decoder::outcome decode(std::string_view body, bool lost = false, int status = 200,
                                 const char* provider = "openai") {
  auto decoder = openai_responses_provider().decoder(query_of(provider), status, "text/event-stream");
  decoder->feed(body);
  return decoder->finish(lost);
}

std::string text_delta(const char* item, const char* delta) {
  return event(json{{"type", "response.output_text.delta"}, {"item_id", item}, {"output_index", 0}, {"delta", delta}});
}

} // namespace

TEST_CASE("responses: reasoning keeps its id, its summaries and the signature of the finished item") {
  const auto end = decode(
    begun
    + event(
      R"({"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","encrypted_content":"early","summary":[]}})")
    + event(
      R"({"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}})")
    + event(
      R"({"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"First "})")
    + event(
      R"({"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"thought"})")
    + event(
      R"({"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":1,"part":{"type":"summary_text","text":""}})")
    + event(
      R"({"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":1,"delta":"second"})")
    + event(
      R"({"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","encrypted_content":"whole","summary":[]}})")
    + event(
      R"({"type":"response.output_item.added","output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","phase":"final_answer","content":[]}})")
    + event(R"({"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"delta":"4"})")
    + event(R"({"type":"response.output_text.done","item_id":"msg_1","output_index":1,"text":"4"})") + ended());
  const auto thoughts = parts_of<thinking_part>(end);
  REQUIRE(thoughts.size() == 2);
  CHECK(thoughts[0].content == "First thought");
  CHECK(thoughts[0].id == "rs_1");
  CHECK(thoughts[0].signature == "whole");
  CHECK(thoughts[0].provider_name == "openai");
  CHECK(thoughts[1].content == "second");
  CHECK(thoughts[1].id == "rs_1");
  CHECK_FALSE(thoughts[1].signature);
  const auto texts = parts_of<text_part>(end);
  REQUIRE(texts.size() == 1);
  CHECK(texts[0].content == "4");
  CHECK(texts[0].id == "msg_1");
  CHECK(texts[0].provider_details == json{{"phase", "final_answer"}});
  CHECK(end.response->finish_reason == "stop");
  CHECK(end.response->provider_details["finish_reason"] == "completed");
  CHECK(end.response->provider_details["timestamp"] == "2025-09-16T15:00:36Z");
  CHECK(end.response->provider_response_id == "resp_1");
  CHECK(end.response->model_name == "m1");
}

TEST_CASE("responses: usage counts what came from the cache within the input, and the reasoning as a detail") {
  const auto usage = decode(begun + text_delta("msg_1", "x") + ended()).response->usage;
  CHECK(usage.input_tokens == 50);
  CHECK(usage.cache_read_tokens == 40);
  CHECK(usage.cache_write_tokens == 3);
  CHECK(usage.output_tokens == 20);
  CHECK(usage.details == json{{"reasoning_tokens", 12}});
}

TEST_CASE("responses: parallel calls are told apart, and their ids are of two kinds") {
  const auto end = decode(
    begun
    + event(
      R"({"type":"response.output_item.added","output_index":0,"item":{"id":"fc_1","type":"function_call","arguments":"","call_id":"call_1","name":"f"}})")
    + event(
      R"({"type":"response.output_item.added","output_index":1,"item":{"id":"fc_2","type":"function_call","arguments":"","call_id":"call_2","name":"g"}})")
    + event(R"({"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":"{\"x\""})")
    + event(R"({"type":"response.function_call_arguments.delta","item_id":"fc_2","output_index":1,"delta":"{}"})")
    + event(R"({"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":":1}"})")
    + ended());
  const auto calls = parts_of<tool_call_part>(end);
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].tool_name == "f");
  CHECK(calls[0].args == "{\"x\":1}");
  CHECK(calls[0].tool_call_id == "call_1");
  CHECK(calls[0].id == "fc_1");
  CHECK(calls[1].args == "{}");
}

TEST_CASE("responses: servers whose item ids change with every event, or are missing, are understood by position") {
  for (const auto* second : {"other", ""}) {
    auto delta = json{{"type", "response.function_call_arguments.delta"},
                      {"item_id", second},
                      {"output_index", 0},
                      {"delta", "{\"x\":1}"}};
    const auto end = decode(
      begun
      + event(
        R"({"type":"response.output_item.added","output_index":0,"item":{"id":"fc_1","type":"function_call","arguments":"","call_id":"call_1","name":"f"}})")
      + event(delta) + ended());
    const auto calls = parts_of<tool_call_part>(end);
    REQUIRE(calls.size() == 1);
    CHECK(calls[0].args == "{\"x\":1}");
  }
}

TEST_CASE("responses: what a server sends only at the end of an item, or of the stream, is not lost") {
  const auto by_item = decode(
    begun
    + event(
      R"({"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","encrypted_content":"e","summary":[{"type":"summary_text",)"
      R"("text":"hm"}]}})")
    + event(
      R"({"type":"response.output_item.done","output_index":1,"item":{"id":"msg_1","type":"message","content":[{"type":"output_text","text":"hi"}]}})")
    + event(
      R"({"type":"response.output_item.done","output_index":2,"item":{"id":"fc_1","type":"function_call","arguments":"{}","call_id":"c","name":"f"}})")
    + ended());
  CHECK(parts_of<thinking_part>(by_item)[0].signature == "e");
  CHECK(text_of(by_item) == "hi");
  CHECK(parts_of<tool_call_part>(by_item)[0].args == "{}");
  const auto by_end = decode(begun + ended("completed", json::parse(R"({"output":[{"id":"msg_1","type":"message",
      "content":[{"type":"output_text","text":"all at once"}]}]})")));
  CHECK(text_of(by_end) == "all at once");
}

TEST_CASE("responses: every way to end has its finish reason") {
  const auto text = begun + text_delta("msg_1", "x");
  const auto reason = [](const char* why) { return json{{"incomplete_details", {{"reason", why}}}}; };
  CHECK(decode(text + ended("incomplete", reason("max_output_tokens"))).response->finish_reason == "length");
  const auto filtered = decode(text + ended("incomplete", reason("content_filter")));
  CHECK(filtered.response->finish_reason == "content_filter");
  CHECK(filtered.response->provider_details["finish_reason"] == "content_filter");
  CHECK(decode(text + ended("cancelled")).response->finish_reason == "error");
  CHECK_FALSE(decode(text + ended("incomplete", reason("novelty"))).response->finish_reason);
}

TEST_CASE("responses: a failure inside a stream is an error, in each of its shapes") {
  const auto text = begun + text_delta("msg_1", "x");
  for (
    const auto& failure : {
      event(
        R"({"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"It broke."}}})"),
      event(R"({"type":"error","code":"server_error","message":"It broke.","param":null,"sequence_number":9})"),
      event(R"({"type":"error","error":{"type":"x","code":"server_error","message":"It broke."}})"),
      std::string("data: {\"error\":{\"code\":\"server_error\",\"message\":\"It broke.\"}}\n\n"),
    }) {
    CAPTURE(failure);
    const auto end = decode(text + failure);
    REQUIRE(end.error);
    CHECK(end.error->type == "server_error");
    CHECK(end.error->message == "It broke.");
    CHECK(end.error->retryable);
  }
  const auto whole = decode(
    R"({"id":"r","status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"Later, sk-secret-1."}})");
  REQUIRE(whole.error);
  CHECK(whole.error->message == "Later, ***.");
}

TEST_CASE("responses: a refusal is shown, and finishes as filtered content") {
  const auto streamed = decode(
    begun + event(R"({"type":"response.refusal.delta","item_id":"msg_1","output_index":0,"delta":"I can"})")
    + event(R"({"type":"response.refusal.done","item_id":"msg_1","output_index":0,"refusal":"I cannot."})") + ended());
  CHECK(text_of(streamed) == "I cannot.");
  CHECK(streamed.response->finish_reason == "content_filter");
  CHECK(streamed.response->provider_details["refusal"] == "I cannot.");
  CHECK_FALSE(streamed.response->provider_details.contains("finish_reason"));
  const auto whole = decode(
    R"({"id":"r","status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"No."}]}]})");
  CHECK(text_of(whole) == "No.");
  CHECK(whole.response->finish_reason == "content_filter");
}

TEST_CASE("responses: a stream that ends without its last event broke off") {
  const auto text = begun + text_delta("msg_1", "half");
  for (const bool lost : {false, true}) {
    const auto end = decode(text, lost);
    REQUIRE(end.error);
    CHECK(end.error->type == "connection_lost");
  }
  CHECK(decode("", true).error->retryable);
}

TEST_CASE("responses: a request that was stopped keeps its words and no calls") {
  auto decoder = openai_responses_provider().decoder(query_of(), 200, "text/event-stream");
  CHECK_FALSE(decoder->has_content());
  decoder->feed(begun);
  CHECK_FALSE(decoder->has_content());
  decoder->feed(
    text_delta("msg_1", "so far")
    + event(
      R"({"type":"response.output_item.added","output_index":1,"item":{"id":"fc_1","type":"function_call","arguments":"{","call_id":"c","name":"f"}})"));
  CHECK(decoder->has_content());
  const auto partial = decoder->partial();
  CHECK(partial.state == "interrupted");
  REQUIRE(partial.parts.size() == 1);
  CHECK(std::get<text_part>(partial.parts[0]).content == "so far");
}

TEST_CASE("responses: the vendor's own tools become builtin parts in pydantic-ai's form") {
  const auto end = decode(
    begun
    + event(
      R"({"type":"response.output_item.added","output_index":0,"item":{"id":"ws_1","type":"web_search_call","status":"in_progress"}})")
    + event(
      R"({"type":"response.output_item.done","output_index":0,"item":{"id":"ws_1","type":"web_search_call","status":"completed","action":{"type":"search",)"
      R"("query":"q","url":null,"sources":[{"type":"url","url":"u"}]}}})")
    + event(
      R"({"type":"response.output_item.added","output_index":1,"item":{"id":"ci_1","type":"code_interpreter_call","status":"in_progress","code":"",)"
      R"("container_id":"k","outputs":null}})")
    + event(
      R"({"type":"response.output_item.done","output_index":1,"item":{"id":"ci_1","type":"code_interpreter_call","status":"completed","code":"1+1",)"
      R"("container_id":"k","outputs":[{"type":"logs","logs":"2"},{"type":"image","url":"data:image/png;base64,AAEC"}]}})")
    + event(
      R"({"type":"response.output_item.done","output_index":2,"item":{"id":"x_1","type":"novel_call","what":{"ever":1}}})")
    + ended());
  const auto calls = parts_of<builtin_tool_call_part>(end);
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].tool_name == "web_search");
  CHECK(calls[0].args == json{{"type", "search"}, {"query", "q"}});
  CHECK(calls[1].args == R"({"container_id":"k","code":"1+1"})");
  const auto results = parts_of<builtin_tool_return_part>(end);
  REQUIRE(results.size() == 3);
  CHECK(results[0].content["status"] == "completed");
  CHECK(results[0].content["sources"][0]["url"] == "u");
  CHECK(results[1].content["logs"] == json::array({"2"}));
  CHECK(results[2].provider_details["openai_item"]["what"]["ever"] == 1);
  const auto files = parts_of<file_part>(end);
  REQUIRE(files.size() == 1);
  CHECK(files[0].content.data == std::string("\0\1\2", 3));
  CHECK(files[0].content.media_type == "image/png");
}

TEST_CASE("responses: unencrypted reasoning is kept beside the part, piece by piece") {
  const auto end = decode(
    begun
    + event(
      R"({"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}})")
    + event(
      R"({"type":"response.reasoning_text.delta","item_id":"rs_1","output_index":0,"content_index":0,"delta":"The "})")
    + event(
      R"({"type":"response.reasoning_text.delta","item_id":"rs_1","output_index":0,"content_index":0,"delta":"user"})")
    + event(
      R"({"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"The user"}]}})")
    + ended());
  const auto thoughts = parts_of<thinking_part>(end);
  REQUIRE(thoughts.size() == 1);
  CHECK(thoughts[0].content == "");
  CHECK(thoughts[0].provider_details == json{{"raw_content", json::array({"The user"})}});
}

TEST_CASE("responses: no body makes the decoder fail, and none is both answer and error") {
  const std::string deep(100'000, '[');
  for (const std::string& sample : {
         std::string("data: {}\n\n"),
         std::string("data: []\n\n"),
         std::string("{}"),
         std::string("null"),
         std::string(R"({"output":{}})"),
         std::string(
           R"({"output":[null,1,"x",[],{"type":7},{"type":"message","content":{}},{"type":"reasoning","summary":7}]})"),
         event(R"({"type":"response.completed"})"),
         event(R"({"type":"response.completed","response":[]})"),
         event(R"({"type":"response.completed","response":{"output":7,"usage":[],"status":{}}})"),
         event(R"({"type":"response.output_item.added","output_index":-7,"item":[]})"),
         event(
           R"({"type":"response.output_item.done","output_index":1e300,"item":{"type":"mcp_call","arguments":{}}})"),
         event(R"({"type":"response.output_item.done","item":{"type":"mcp_list_tools","tools":[7,null]}})"),
         event(R"({"type":"response.output_item.done","item":{"type":"image_generation_call","result":"%%%"}})"),
         event(R"({"type":"response.reasoning_text.delta","content_index":999999999,"delta":"x"})"),
         event(R"({"type":"response.output_text.delta","delta":null})"),
         event(R"({"type":"response.output_text.done","logprobs":[7,{"top_logprobs":[null]}],"text":"x"})"),
         event(R"({"type":"error"})"),
         std::string("\xff\xfe"),
         std::string("<html>"),
         std::string("event: error\ndata: x\n\n"),
         "data: " + deep + "\n\n",
       }) {
    CAPTURE(sample);
    for (const bool lost : {false, true})
      for (const auto& whole : {sample, begun + sample + ended()}) {
        const auto end = decode(whole, lost);
        CHECK(end.response.has_value() != end.error.has_value());
      }
  }
}

TEST_CASE("responses: an answer with too many parts is refused") {
  std::string body = begun;
  for (int i = 0; i < 10'050; ++i)
    body += event(json{{"type", "response.output_text.delta"}, {"item_id", "m" + std::to_string(i)}, {"delta", "x"}});
  const auto end = decode(body + ended());
  REQUIRE(end.error);
  CHECK(end.error->type == "malformed_response");
}

TEST_CASE("responses: a server without the route is told from one without the model") {
  using remedy = vendor_error::remedy;
  const auto needs = [](int status, const char* body) { return decode(body, false, status).error->needs; };
  CHECK(needs(404, R"({"detail":"Not Found"})") == remedy::chat_completions);
  CHECK(needs(404, "404 page not found") == remedy::chat_completions);
  CHECK(needs(404, "<html>nginx</html>") == remedy::chat_completions);
  CHECK(needs(405, R"({"detail":"Method Not Allowed"})") == remedy::chat_completions);
  CHECK(needs(404, R"({"error":{"message":"The model `x` does not exist","code":"model_not_found"}})") == remedy::none);
  CHECK(needs(404, R"({"error":{"message":"Item with id 'rs_1' not found."}})") == remedy::no_thinking);
  CHECK(needs(404, R"({"error":{"code":"DeploymentNotFound","message":"gone"}})") == remedy::none);
  CHECK(needs(500, "x") == remedy::none);
}

TEST_CASE("responses: what Azure's filter finds in a prompt is an answer without words") {
  const auto body
    = R"({"error":{"code":"content_filter","message":"no","innererror":{"content_filter_result":{"violence":{"filtered":true}}}}})";
  const auto end = decode(body, false, 400, "azure");
  REQUIRE(end.response);
  CHECK(end.response->finish_reason == "content_filter");
  CHECK(end.response->provider_details["content_filter_result"]["violence"]["filtered"] == true);
  CHECK(decode(body, false, 400).error);
}
