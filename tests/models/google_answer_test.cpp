#include "base/base64.hpp"
#include "models/google.hpp"
#include "models/message_json.hpp"
#include "models/vendor_json.hpp"
#include "tests/support/answer_parts.hpp"
#include "tests/support/history_builder.hpp"
#include "tests/support/picture_bytes.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

model_query query_with(message_list history) {
  model_query query;
  query.model.kind = provider_kind::google;
  query.model.provider = "google";
  query.model.name = "gemini-3.8-flash";
  query.model.base_url = "https://generativelanguage.googleapis.com/v1beta";
  query.model.api_key = "AIza-secret";
  query.history = std::move(history);
  return query;
}

std::string chunk(const char* parts, const char* finish = nullptr, const char* more = "") {
  return std::string("data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":") + parts + "}"
    + (finish ? ",\"finishReason\":\"" + std::string(finish) + "\"" : "") + more
    + "}],\"modelVersion\":\"m1\",\"responseId\":\"r1\"}\r\n\r\n";
}

response_decoder::outcome decode(std::string_view body, int status = 200, bool lost = false) {
  auto decoder = google_provider().decoder(query_with(history_builder{}.list()), status, "text/event-stream");
  decoder->feed(body);
  return decoder->finish(lost);
}

} // namespace

// --- answers ---------------------------------------------------------------------------------------------------------

TEST_CASE("google: a stream's thoughts, words and calls become parts, with their signatures") {
  const auto end = decode(
    chunk(R"([{"text":"h","thought":true}])") + chunk(R"([{"text":"m","thought":true}])") + chunk(R"([{"text":"fo"}])")
    + chunk(R"([{"text":"ur"}])") + chunk(R"([{"text":"","thoughtSignature":"-_8="}])")
    + chunk(R"([{"functionCall":{"name":"python","args":{"code":"1"}},"thoughtSignature":"c2ln"}])")
    + chunk(R"([{"functionCall":{"name":"python","id":"x2"}}])", "STOP"));
  REQUIRE(end.response);
  REQUIRE(end.response->parts.size() == 4);
  const auto thoughts = parts_of<thinking_part>(end);
  CHECK(thoughts[0].content == "hm");
  CHECK_FALSE(thoughts[0].provider_name);
  const auto texts = parts_of<text_part>(end);
  CHECK(texts[0].content == "four");
  CHECK(texts[0].provider_details == json{{"thought_signature", "+/8="}}); // the alphabet that pydantic-ai writes
  CHECK(texts[0].provider_name == "google");
  const auto calls = parts_of<tool_call_part>(end);
  CHECK(calls[0].args == json{{"code", "1"}});
  CHECK(calls[0].tool_call_id.compare(0, 7, "pyd_ai_") == 0);
  CHECK(calls[0].provider_details == json{{"thought_signature", "c2ln"}});
  CHECK(calls[1].tool_call_id == "x2");
  CHECK(calls[1].args.is_null());
  CHECK(calls[1].provider_details.is_null());
  CHECK(end.response->finish_reason == "stop");
  CHECK(end.response->provider_details == json{{"finish_reason", "STOP"}});
  CHECK(end.response->model_name == "m1");
  CHECK(end.response->provider_response_id == "r1");
}

TEST_CASE("google: the newest counts hold, and what they leave out stays") {
  const auto usage = [](const char* text) { return std::string("data: {\"usageMetadata\":") + text + "}\n\n"; };
  const auto end = decode(
    usage(R"({"promptTokenCount":55,"cachedContentTokenCount":5,"candidatesTokenCount":4})")
    + chunk(R"([{"text":"x"}])", "STOP")
    + usage(R"({"promptTokenCount":257,"toolUsePromptTokenCount":3,"candidatesTokenCount":8,"thoughtsTokenCount":20,)"
            R"("promptTokensDetails":[{"modality":"TEXT","tokenCount":250},{"modality":"AUDIO","tokenCount":7}]})"));
  REQUIRE(end.response);
  const auto& counted = end.response->usage;
  CHECK(counted.input_tokens == 260);
  CHECK(counted.output_tokens == 28);
  CHECK(counted.cache_read_tokens == 5);
  CHECK(counted.input_audio_tokens == 7);
  CHECK(counted.details
        == json{{"cached_content_tokens", 5},
                {"thoughts_tokens", 20},
                {"tool_use_prompt_tokens", 3},
                {"text_prompt_tokens", 250},
                {"audio_prompt_tokens", 7}});
}

TEST_CASE("google: every reason to stop has a meaning, and the vendor's words are kept") {
  struct row {
    const char* reason;
    const char* meaning;
  };
  for (const auto& one : {row{"STOP", "stop"}, row{"MAX_TOKENS", "length"}, row{"SAFETY", "content_filter"},
                          row{"RECITATION", "content_filter"}, row{"PROHIBITED_CONTENT", "content_filter"},
                          row{"BLOCKLIST", "content_filter"}, row{"MALFORMED_FUNCTION_CALL", "error"},
                          row{"UNEXPECTED_TOOL_CALL", "error"}}) {
    CAPTURE(one.reason);
    const auto end = decode(chunk("[]", one.reason, R"(,"finishMessage":"because")"));
    REQUIRE(end.response);
    CHECK(end.response->finish_reason == one.meaning);
    CHECK(end.response->provider_details["finish_reason"] == one.reason);
    const bool ordinary = std::string_view(one.meaning) == "stop" || std::string_view(one.meaning) == "length";
    CHECK(end.response->provider_details.contains("finish_message") == !ordinary);
  }
  const auto unknown = decode(chunk("[]", "OTHER"));
  REQUIRE(unknown.response);
  CHECK_FALSE(unknown.response->finish_reason);
}

TEST_CASE("google: a prompt that was blocked is an answer without parts that says why") {
  for (
    const auto* body :
    {R"({"promptFeedback":{"blockReason":"SAFETY","blockReasonMessage":"No.","safetyRatings":[{"category":"C","probability":"HIGH"}]},"responseId":"r"})",
     "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\",\"blockReasonMessage\":\"No.\",\"safetyRatings\":[{"
     "\"category\":\"C\",\"probability\":\"HIGH\"}]},\"responseId\":\"r\"}\n\n"}) {
    const auto end = decode(body);
    REQUIRE(end.response);
    CHECK(end.response->parts.empty());
    CHECK(end.response->finish_reason == "content_filter");
    CHECK(end.response->provider_details["block_reason"] == "SAFETY");
    CHECK(end.response->provider_details["block_reason_message"] == "No.");
    CHECK(end.response->provider_details["safety_ratings"][0]["probability"] == "HIGH");
    CHECK(end.response->provider_details["safety_ratings"][0]["severity"].is_null());
    CHECK(end.response->provider_response_id == "r");
  }
}

TEST_CASE("google: code that Google ran, and pictures that the model made, are parts") {
  const auto picture = base64_encode(one_pixel_png());
  const auto end = decode(
    R"j({"candidates":[{"content":{"parts":[
      {"executableCode":{"language":"PYTHON","code":"print(1)"},"thoughtSignature":"c2ln"},
      {"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1\n"}},
      {"inlineData":{"mimeType":"image/png","data":")j"
    + picture + R"j("}},
      {"inlineData":{"mimeType":"image/png"}},{"text":""},{"somethingNew":{}}]},"finishReason":"STOP"}]})j");
  REQUIRE(end.response);
  REQUIRE(end.response->parts.size() == 3);
  const auto calls = parts_of<builtin_tool_call_part>(end);
  const auto returns = parts_of<builtin_tool_return_part>(end);
  CHECK(calls[0].tool_name == "code_execution");
  CHECK(calls[0].args == json{{"code", "print(1)"}, {"language", "PYTHON"}});
  CHECK(returns[0].content == json{{"outcome", "OUTCOME_OK"}, {"output", "1\n"}});
  CHECK(returns[0].tool_call_id == calls[0].tool_call_id);
  CHECK(parts_of<file_part>(end)[0].content.data == one_pixel_png());

  // They go back as they came, and only to Google.
  history_builder history;
  history.user("hi").model(*end.response).user("on");
  const auto parts = google::encode_body(query_with(history.list()))["contents"][1]["parts"];
  REQUIRE(parts.size() == 3);
  CHECK(parts[0]
        == json{{"executableCode", {{"code", "print(1)"}, {"language", "PYTHON"}}}, {"thoughtSignature", "c2ln"}});
  CHECK(parts[1]["codeExecutionResult"]["output"] == "1\n");
  CHECK(parts[2]["inlineData"]["data"] == picture);
}

TEST_CASE("google: sources of a search are told as pydantic-ai tells them") {
  const char* candidate = R"({"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP",
        "groundingMetadata":{"webSearchQueries":["q"],"groundingChunks":[{"web":{"uri":"u","title":"t"}}]},
        "urlContextMetadata":{"urlMetadata":[{"retrievedUrl":"a","urlRetrievalStatus":"OK"}]}}]})";
  const auto whole = decode(candidate);
  const auto calls = parts_of<builtin_tool_call_part>(whole);
  const auto returns = parts_of<builtin_tool_return_part>(whole);
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].args == json{{"queries", {"q"}}});
  CHECK(returns[0].content == json::array({json{{"domain", nullptr}, {"title", "t"}, {"uri", "u"}}}));
  CHECK(calls[1].tool_name == "web_fetch");
  CHECK(returns[1].content == json::array({json{{"retrieved_url", "a"}, {"url_retrieval_status", "OK"}}}));
  CHECK(std::holds_alternative<text_part>(whole.response->parts.back()));
}

TEST_CASE("google: an answer without content or parts is an answer with none") {
  for (const auto* candidate : {R"({"finishReason":"MAX_TOKENS"})", R"({"content":{},"finishReason":"MAX_TOKENS"})",
                                R"({"content":{"parts":null},"finishReason":"MAX_TOKENS"})"}) {
    const auto end = decode(std::string(R"({"candidates":[)") + candidate + "]}");
    REQUIRE(end.response);
    CHECK(end.response->parts.empty());
    CHECK(end.response->finish_reason == "length");
  }
}

// --- errors ----------------------------------------------------------------------------------------------------------

TEST_CASE("google: errors are read in every shape, with the wait that they ask for") {
  const std::string status
    = R"({"error":{"code":429,"message":"Quota for AIza-secret","status":"RESOURCE_EXHAUSTED","details":[
        {"@type":"type.googleapis.com/google.rpc.Help"},
        {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}})";
  for (const auto& [body, http_status] :
       {std::pair(status, 429), std::pair("[" + status + "]", 429), std::pair(status, 200),
        std::pair("[" + status + "\n]", 200), std::pair("data: " + json::parse(status).dump() + "\n\n", 200)}) {
    CAPTURE(body);
    const auto end = decode(body, http_status);
    REQUIRE(end.error);
    CHECK(end.error->http_status == http_status);
    CHECK(end.error->type == "RESOURCE_EXHAUSTED");
    CHECK(end.error->message == "Quota for ***");
    CHECK(end.error->retryable);
    CHECK(end.error->retry_after == std::chrono::milliseconds{34'500});
  }
  const auto refused = decode(R"({"error":{"code":400,"message":"Bad","status":"INVALID_ARGUMENT"}})", 400);
  REQUIRE(refused.error);
  CHECK_FALSE(refused.error->retryable);
  CHECK_FALSE(refused.error->retry_after);
}

TEST_CASE("google: an error after the end of an answer leaves the answer, one before takes it") {
  const std::string error = "data: {\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}\n\n";
  CHECK(decode(chunk(R"([{"text":"x"}])", "STOP") + error).response);
  const auto end = decode(chunk(R"([{"text":"x"}])") + error);
  REQUIRE(end.error);
  CHECK(end.error->message == "busy");
}

TEST_CASE("google: a stream that never says why it ended was cut off") {
  const auto text = chunk(R"([{"text":"half"}])");
  const auto end = decode(text);
  REQUIRE(end.error);
  CHECK(end.error->type == "connection_lost");
  CHECK(decode(text, 200, true).error);
  CHECK(decode(chunk(R"([{"text":"whole"}])", "STOP"), 200, true).response);
  CHECK(decode("").error);
}

TEST_CASE("google: a list of chunks, as the API sends without alt=sse, is one answer") {
  const auto end = decode(
    R"([{"candidates":[{"content":{"parts":[{"text":"fo"}]}}]},
        {"candidates":[{"content":{"parts":[{"text":"ur"}]},"finishReason":"STOP"}]}])");
  REQUIRE(parts_of<text_part>(end).size() == 1);
  CHECK(parts_of<text_part>(end)[0].content == "four");
}

TEST_CASE("google: an interrupted answer keeps its words and leaves its calls out") {
  auto decoder = google_provider().decoder(query_with(history_builder{}.list()), 200, "text/event-stream");
  CHECK_FALSE(decoder->has_content());
  decoder->feed(chunk(R"([{"text":"Let me"},{"functionCall":{"name":"python"}}])"));
  CHECK(decoder->has_content());
  const auto partial = decoder->partial();
  CHECK(partial.state == "interrupted");
  REQUIRE(partial.parts.size() == 1);
  CHECK(std::get<text_part>(partial.parts[0]).content == "Let me");
}

TEST_CASE("google: odd answers are errors or are skipped, never a crash") {
  for (const auto* body :
       {"{}", "[]", "[1]", "data: {\n\n", "data: {\"candidates\":[7]}\n\n",
        "data: {\"candidates\":[{\"content\":7}]}\n\n",
        "data: {\"candidates\":[{\"content\":{\"parts\":[1,null,{\"text\":3},{\"functionCall\":{\"name\":5}},"
        "{\"functionCall\":{}},{\"inlineData\":{\"data\":\"%\",\"mimeType\":\"image/png\"}},{\"toolCall\":{}},"
        "{\"toolResponse\":{\"toolType\":[]}},{\"codeExecutionResult\":{}}]}}]}\n\n",
        "data: {\"usageMetadata\":{\"promptTokenCount\":1e300,\"promptTokensDetails\":[{\"modality\":\"T\"},4]}}\n\n",
        "data: {\"error\":[]}\n\n", "<html>"}) {
    CAPTURE(body);
    const auto end = decode(body);
    CHECK(end.response.has_value() != end.error.has_value());
  }
  std::string many = "[";
  for (int i = 0; i < 11'000; ++i)
    many += R"({"functionCall":{"name":"f"}},)";
  many.back() = ']';
  CHECK(decode(chunk(many.c_str(), "STOP")).error);
}
