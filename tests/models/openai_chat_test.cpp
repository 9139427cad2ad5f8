#include "base/base64.hpp"
#include "models/content_json.hpp"
#include "models/message_json.hpp"
#include "models/openai_chat.hpp"
#include "models/openai_chat_quirks.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"
#include "tests/support/answer_parts.hpp"
#include "tests/support/history_builder.hpp"
#include "tests/support/picture_bytes.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

model_query query_with(message_list history, std::string provider = "openai") {
  model_query query;
  query.model.kind = provider_kind::openai;
  query.model.provider = std::move(provider);
  query.model.name = "some-model";
  query.model.base_url = "https://api.example/v1";
  query.history = std::move(history);
  return query;
}

json body_of(const history_builder& history, std::string provider = "openai") {
  return openai_chat::encode_body(query_with(history.list(), std::move(provider)));
}

response_decoder::outcome decode(std::string_view body, bool lost = false, const char* provider = "openai",
                                 int status = 200) {
  auto query = query_with(history_builder{}.list(), provider);
  query.model.api_key = "sk-secret-1";
  auto decoder = openai_chat_provider().decoder(query, status, "text/event-stream");
  decoder->feed(body);
  return decoder->finish(lost);
}

std::string chunk(const char* delta, const char* finish = nullptr) {
  return "data: "
    + dump_json(json{
      {"id", "c1"},
      {"model", "m1"},
      {"created", 1745330951},
      {"choices",
       json::array(
         {{{"index", 0}, {"delta", json::parse(delta)}, {"finish_reason", finish ? json(finish) : json(nullptr)}}})}})
    + "\n\n";
}

const std::string done = "data: [DONE]\n\n";

} // namespace

// --- decoding --------------------------------------------------------------------------------------------------------

TEST_CASE("chat: every finish reason has its meaning") {
  for (const auto& [reason, finish] :
       std::vector<std::pair<const char*, std::optional<std::string>>>{{"stop", "stop"},
                                                                       {"length", "length"},
                                                                       {"tool_calls", "tool_call"},
                                                                       {"function_call", "tool_call"},
                                                                       {"content_filter", "content_filter"},
                                                                       {"novelty", std::nullopt}}) {
    const auto end = decode(chunk(R"({"content":"x"})") + chunk("{}", reason) + done);
    REQUIRE(end.response);
    CHECK(end.response->finish_reason == finish);
    CHECK(end.response->provider_details["finish_reason"] == reason);
  }
}

TEST_CASE("chat: a refusal is shown, and finishes as filtered content") {
  const auto streamed
    = decode(chunk(R"({"refusal":"I can"})") + chunk(R"({"refusal":"not."})") + chunk("{}", "stop") + done);
  CHECK(text_of(streamed) == "I cannot.");
  CHECK(streamed.response->finish_reason == "content_filter");
  CHECK(streamed.response->provider_details["refusal"] == "I cannot.");
  const auto whole
    = decode(R"({"id":"x","choices":[{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}]})");
  CHECK(text_of(whole) == "No.");
  CHECK(whole.response->finish_reason == "content_filter");
}

TEST_CASE("chat: parallel calls are told apart by their index, whatever their order") {
  const auto end = decode(
    chunk(
      R"({"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]})")
    + chunk(R"({"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]})")
    + chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]})")
    + chunk(R"({"tool_calls":[{"index":1,"function":{"arguments":"{}"}},{"index":0,"function":{"arguments":":1}"}}]})")
    + chunk("{}", "tool_calls") + done);
  const auto calls = parts_of<tool_call_part>(end);
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].tool_name == "f");
  CHECK(calls[0].args == "{\"x\":1}");
  CHECK(calls[1].tool_call_id == "b");
  CHECK(calls[1].args == "{}");
}

TEST_CASE("chat: calls that all have index 0, or none, are still several") {
  const auto same
    = decode(chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]})")
             + chunk(R"({"tool_calls":[{"index":0,"id":"b","function":{"name":"f","arguments":"{\"x\":1}"}}]})")
             + chunk("{}", "stop") + done);
  CHECK(parts_of<tool_call_part>(same).size() == 2);
  const auto none = decode(chunk(R"({"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]})")
                           + chunk(R"({"tool_calls":[{"function":{"arguments":"}"}}]})")
                           + chunk(R"({"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{}"}}]})") + done);
  const auto calls = parts_of<tool_call_part>(none);
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].args == "{}");
  CHECK(calls[1].tool_name == "g");
}

TEST_CASE("chat: a name or id that comes again with every delta is one call") {
  const auto end
    = decode(chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]})")
             + chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"}"}}]})") + done);
  const auto calls = parts_of<tool_call_part>(end);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].tool_name == "f");
  CHECK(calls[0].args == "{}");
}

TEST_CASE("chat: ids that are missing or empty are made, each its own") {
  const auto end = decode(R"({"choices":[{"message":{"tool_calls":[
      {"id":"","function":{"name":"f","arguments":"{}"}},{"function":{"name":"g"}},{"id":null,"function":{"name":"h","arguments":{"a":1}}}]}}]})");
  const auto calls = parts_of<tool_call_part>(end);
  REQUIRE(calls.size() == 3);
  CHECK(calls[0].tool_call_id.compare(0, 7, "pyd_ai_") == 0);
  CHECK(calls[0].tool_call_id != calls[1].tool_call_id);
  CHECK(calls[1].args.is_null());
  CHECK(calls[2].args == "{\"a\":1}");
  CHECK(end.response->finish_reason == "stop");
}

TEST_CASE("chat: reasoning is found under each of its names, and not twice") {
  const auto content = decode(chunk(R"({"content":null,"reasoning_content":"hm "})")
                              + chunk(R"({"content":null,"reasoning_content":"so"})")
                              + chunk(R"({"content":"4","reasoning_content":null})") + chunk("{}", "stop") + done);
  REQUIRE(parts_of<thinking_part>(content).size() == 1);
  CHECK(parts_of<thinking_part>(content)[0].content == "hm so");
  CHECK(parts_of<thinking_part>(content)[0].id == "reasoning_content");
  CHECK(text_of(content) == "4");
  const auto both = decode(
    chunk(R"({"reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm","index":0,"format":"f"}]})")
      + chunk(R"({"reasoning_details":[{"type":"reasoning.text","signature":"sig","index":0,"format":"f"}]})")
      + chunk(R"({"reasoning_details":[{"type":"reasoning.encrypted","data":"enc","index":1,"format":"f"}]})")
      + chunk(R"({"content":"4"})", "stop") + done,
    false, "openrouter");
  const auto thoughts = parts_of<thinking_part>(both);
  REQUIRE(thoughts.size() == 2);
  CHECK(thoughts[0].content == "hm");
  CHECK(thoughts[0].signature == "sig");
  CHECK(thoughts[1].signature == "enc");
  // And they go back as they came.
  const auto sent = body_of(history_builder{}.user("q").model(*both.response).user("z"), "openrouter");
  const auto& details = sent["messages"][1]["reasoning_details"];
  REQUIRE(details.size() == 2);
  CHECK(details[0]["text"] == "hm");
  CHECK(details[0]["signature"] == "sig");
  CHECK(details[0]["index"] == 0);
  CHECK(details[1]["data"] == "enc");
  CHECK_FALSE(sent["messages"][1].contains("reasoning"));
}

TEST_CASE("chat: thinking in tags at the head of the text becomes thinking, tags further on stay text") {
  const auto head
    = decode(chunk(R"({"content":"<thi"})") + chunk(R"({"content":"nk>\nhm\n</think>\n\nfour"})", "stop") + done);
  REQUIRE(parts_of<thinking_part>(head).size() == 1);
  CHECK(parts_of<thinking_part>(head)[0].content == "\nhm\n");
  CHECK(text_of(head) == "\n\nfour");
  const auto inside = decode(chunk(R"({"content":"Write <think>x</think> so."})", "stop") + done);
  CHECK(parts_of<thinking_part>(inside).empty());
  CHECK(text_of(inside) == "Write <think>x</think> so.");
  const auto open = decode(chunk(R"({"content":"<think>hm"})", "length") + done);
  CHECK(parts_of<thinking_part>(open).size() == 1);
  CHECK(text_of(open) == "");
}

TEST_CASE("chat: content may be a list of chunks, also in a stream") {
  const auto end
    = decode(chunk(R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"h"}]}]})")
               + chunk(R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"m"}]}]})")
               + chunk(R"({"content":[{"type":"text","text":"fo"}]})") + chunk(R"({"content":"ur"})", "stop") + done,
             false, "mistral");
  REQUIRE(parts_of<thinking_part>(end).size() == 1);
  CHECK(parts_of<thinking_part>(end)[0].content == "hm");
  CHECK(text_of(end) == "four");
}

TEST_CASE("chat: counts may come in a chunk without choices, and in every chunk they replace each other") {
  const auto end = decode(
    chunk(R"({"content":"x"})", "stop")
    + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n"
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,\"prompt_tokens_details\":null,"
      "\"prompt_cache_hit_tokens\":4,\"completion_tokens_details\":{\"reasoning_tokens\":3}}}\n\n"
    + done);
  REQUIRE(end.response);
  CHECK(end.response->usage.input_tokens == 10);
  CHECK(end.response->usage.cache_read_tokens == 4);
  CHECK(end.response->usage.details["reasoning_tokens"] == 3);
}

TEST_CASE("chat: a stream without a finish reason or [DONE] is an answer when it ended, none when it broke off") {
  const auto text = chunk(R"({"content":"four"})");
  CHECK(text_of(decode(text)) == "four");
  CHECK(decode(text).unmarked_end);
  CHECK_FALSE(decode(text + done).unmarked_end);
  CHECK_FALSE(decode(chunk(R"({"content":"four"})", "stop")).unmarked_end);
  const std::string counts = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n";
  CHECK_FALSE(decode(text + counts).unmarked_end); // the counts come last
  CHECK(decode(counts + text).unmarked_end);
  CHECK_FALSE(decode(R"({"choices":[{"message":{"content":"four"}}]})").unmarked_end);
  const auto broken = decode(text, true);
  REQUIRE(broken.error);
  CHECK(broken.error->retryable);
  const auto nothing = decode(chunk(R"({"role":"assistant","content":""})"), true);
  REQUIRE(nothing.error);
  CHECK(nothing.error->retryable);
  CHECK(decode("").error);
  CHECK(decode(chunk(R"({"content":"four"})", "stop"), true).response);
}

TEST_CASE("chat: content counts from the first delta that says something") {
  const auto query = query_with(history_builder{}.list());
  auto decoder = openai_chat_provider().decoder(query, 200, "text/event-stream");
  decoder->feed(": OPENROUTER PROCESSING\n\n" + chunk(R"({"role":"assistant","content":""})"));
  CHECK_FALSE(decoder->has_content());
  decoder->feed(chunk(R"({"reasoning":"h"})"));
  CHECK(decoder->has_content());
  const auto partial = decoder->partial();
  CHECK(partial.state == "interrupted");
  CHECK(partial.parts.size() == 1);
}

TEST_CASE("chat: an interrupted answer leaves its calls out") {
  const auto query = query_with(history_builder{}.list());
  auto decoder = openai_chat_provider().decoder(query, 200, "text/event-stream");
  decoder->feed(
    chunk(R"({"content":"Let me","tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]})"));
  const auto partial = decoder->partial();
  REQUIRE(partial.parts.size() == 1);
  CHECK(std::get<text_part>(partial.parts[0]).content == "Let me");
}

TEST_CASE("chat: an error among the chunks is an error") {
  const auto openrouter = decode(
    chunk(R"({"content":"x"})")
    + "data: {\"id\":\"g\",\"error\":{\"code\":502,\"message\":\"Upstream died\"},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n"
    + done);
  REQUIRE(openrouter.error);
  CHECK(openrouter.error->message == "Upstream died");
  CHECK(openrouter.error->retryable);
  const auto event = decode("event: error\ndata: {\"message\":\"context too long\",\"type\":\"invalid\"}\n\n");
  REQUIRE(event.error);
  CHECK(event.error->message == "context too long");
  CHECK_FALSE(event.error->retryable);
  const auto vllm = decode("data: {\"object\":\"error\",\"message\":\"bad\",\"code\":400}\n\n" + done);
  REQUIRE(vllm.error);
  CHECK(vllm.error->message == "bad");
  const auto whole = decode(R"({"error":{"code":429,"message":"slow"},"user_id":"x"})");
  REQUIRE(whole.error);
  CHECK(whole.error->retryable);
}

TEST_CASE("chat: a call that Groq refused comes through as a call, with status 400 too") {
  const char* body
    = R"({"error":{"message":"failed","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"{\"name\":\"f\",\"arguments\":{\"a\":1}}"}})";
  const auto streamed = decode(chunk(R"({"reasoning":"hm"})") + "event: error\ndata: " + body + "\n\n", false, "groq");
  REQUIRE(parts_of<tool_call_part>(streamed).size() == 1);
  CHECK(parts_of<tool_call_part>(streamed)[0].args == json{{"a", 1}});
  CHECK(parts_of<thinking_part>(streamed).size() == 1);
  const auto plain = decode(body, false, "groq", 400);
  REQUIRE(parts_of<tool_call_part>(plain).size() == 1);
  CHECK(plain.response->finish_reason == "error");
  const auto empty
    = decode(R"({"error":{"message":"failed","code":"tool_use_failed","failed_generation":""}})", false, "groq", 400);
  REQUIRE(empty.error);
  CHECK(empty.error->type == "tool_use_failed");
}

TEST_CASE("chat: an error body never carries the key") {
  const auto end = decode(R"({"error":{"message":"Incorrect API key: sk-secret-1"}})", false, "openai", 401);
  REQUIRE(end.error);
  CHECK(end.error->message == "Incorrect API key: ***");
}

TEST_CASE("chat: hostile bodies are errors or answers, never more") {
  const std::string deep(100'000, '[');
  for (const std::string sample :
       {"data: {\n\n",
        "data: 7\n\n",
        "data: []\n\n",
        "data: {\"choices\":7}\n\n",
        "data: {\"choices\":[7,null,[]]}\n\n",
        "data: {\"choices\":[{\"delta\":[]}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":{\"a\":1}}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1e99,\"function\":7}]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":{\"index\":-1,\"function\":{\"name\":\"f\"}}}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"reasoning_details\":[7,{\"type\":8},{\"type\":\"reasoning.text\"}]}}]}\n\n",
        "data: {\"usage\":{\"prompt_tokens\":\"x\",\"completion_tokens\":1e300},\"choices\":[]}\n\n",
        "data: {\"error\":[]}\n\n",
        "data: {\"error\":\"\"}\n\n",
        "data: {\"created\":\"x\",\"id\":7,\"model\":[]}\n\n",
        "{\"choices\":",
        "{\"choices\":[]}",
        "{\"choices\":[{}]}",
        "{\"choices\":[{\"message\":7}]}",
        "[]",
        "\"x\"",
        "<html>",
        "\xff\xfe",
        "event: error\ndata: x\n\n"}) {
    CAPTURE(sample);
    for (const bool lost : {false, true}) {
      const auto end = decode(sample, lost);
      CHECK(end.response.has_value() != end.error.has_value());
    }
  }
  CHECK(decode("data: " + deep + "\n\n").error);
  CHECK(decode("{\"choices\":" + deep).error);
}

TEST_CASE("chat: an answer with too many calls is refused") {
  std::string calls;
  for (int i = 0; i < 100'000; ++i)
    calls += (i ? "," : "") + std::string(R"({"index":)") + std::to_string(i) + R"(,"function":{"name":"f"}})";
  const auto end = decode("data: {\"choices\":[{\"delta\":{\"tool_calls\":[" + calls + "]}}]}\n\n" + done);
  REQUIRE(end.error);
  CHECK(end.error->type == "malformed_response");
}

// --- encoding --------------------------------------------------------------------------------------------------------

TEST_CASE("chat: the request has its URL and asks for a stream with counts") {
  auto query = query_with(history_builder{}.user("hi").list());
  query.instructions = "Be brief.";
  auto request = openai_chat_provider().encode(query);
  REQUIRE(request);
  CHECK(request->url == "https://api.example/v1/chat/completions");
  for (const auto& [key, value] : request->headers)
    CHECK(key != "authorization");
  const auto body = json::parse(request->body);
  CHECK(body["stream"] == true);
  CHECK(body["stream_options"] == json{{"include_usage", true}});
  CHECK(body["messages"][0] == json{{"role", "system"}, {"content", "Be brief."}});
  CHECK(body["messages"][1] == json{{"role", "user"}, {"content", "hi"}});
  CHECK_FALSE(body.contains("max_tokens"));
  CHECK_FALSE(body.contains("max_completion_tokens"));
  query.model.api_key = "sk-1";
  query.model.base_url = "https://x.azure.com/openai/v1?api-version=1";
  request = openai_chat_provider().encode(query);
  CHECK(request->url == "https://x.azure.com/openai/v1/chat/completions?api-version=1");
  bool authorized = false;
  for (const auto& [key, value] : request->headers)
    authorized = authorized || (key == "authorization" && value == "Bearer sk-1");
  CHECK(authorized);
}

TEST_CASE("chat: Mistral gets no stream options, short ids, and an answer between result and prompt") {
  auto query = query_with(history_builder{}
                            .user("q")
                            .model(call("python", "{}", "call_0123456789abcdef"))
                            .result("python", "x", "call_0123456789abcdef")
                            .user("stop")
                            .list(),
                          "mistral");
  query.tools.push_back({"python", "", json{{"type", "object"}}});
  query.settings = json{{"tool_choice", "required"}};
  const auto body = openai_chat::encode_body(query);
  CHECK_FALSE(body.contains("stream_options"));
  CHECK(body["tool_choice"] == "any");
  const auto& messages = body["messages"];
  REQUIRE(messages.size() == 5);
  const auto id = messages[1]["tool_calls"][0]["id"].get<std::string>();
  CHECK(id.size() == 9);
  CHECK(messages[2]["tool_call_id"] == id);
  CHECK(messages[3]["role"] == "assistant");
  query.settings = json{{"tool_choice", "none"}};
  CHECK_FALSE(openai_chat::encode_body(query).contains("tools"));
}

TEST_CASE("chat: thinking goes back under its own field to its own vendor only") {
  history_builder history;
  history.user("q").by("ollama").model(thought("hm", "ollama", "reasoning"), text_of_model("four")).user("z");
  CHECK(body_of(history, "ollama")["messages"][1]["reasoning"] == "hm");
  CHECK(body_of(history, "ollama")["messages"][1]["content"] == "four");
  CHECK_FALSE(body_of(history, "openai")["messages"][1].contains("reasoning"));
  CHECK(body_of(history, "openai")["messages"][1]["content"] == "<think>\nhm\n</think>\n\nfour");
  CHECK(body_of(history, "deepseek")["messages"][1]["reasoning_content"] == "hm");
}

TEST_CASE("chat: DeepSeek's field stands on every turn with calls once there is thinking, and else on none") {
  history_builder thinking;
  thinking.user("q")
    .by("deepseek")
    .model(thought("hm", "deepseek", "reasoning_content"), call("python", "{}", "a"))
    .result("python", "1", "a")
    .model(call("python", "{}", "b"))
    .result("python", "2", "b");
  CHECK(body_of(thinking, "deepseek")["messages"][3]["reasoning_content"] == "");
  history_builder plain;
  plain.user("q").model(call("python", "{}", "a")).result("python", "1", "a");
  CHECK_FALSE(body_of(plain, "deepseek")["messages"][1].contains("reasoning_content"));
}

TEST_CASE("chat: images of results follow their results in a user message, for models that see") {
  const json image = {{"data", base64url_encode(one_pixel_png())},
                      {"media_type", "image/png"},
                      {"vendor_metadata", nullptr},
                      {"kind", "binary"},
                      {"identifier", "abc123"}};
  history_builder history;
  history.user("q")
    .model(call("python", "{}", "a"), call("python", "{}", "b"))
    .result("python", json::array({"a plot", image}), "a")
    .result("python", "no plot", "b")
    .user("nice");
  auto query = query_with(history.list());
  auto messages = openai_chat::encode_body(query)["messages"];
  REQUIRE(messages.size() == 6);
  CHECK(messages[2]["content"] == "a plot\nSee file abc123.");
  CHECK(messages[3]["role"] == "tool");
  CHECK(messages[4]["content"][0]["text"] == "This is file abc123:");
  CHECK(messages[4]["content"][1]["image_url"]["url"] == "data:image/png;base64," + base64_encode(one_pixel_png()));
  CHECK(messages[5]["content"] == "nice");
  query.model.vision = false;
  messages = openai_chat::encode_body(query)["messages"];
  REQUIRE(messages.size() == 5);
  CHECK(messages[2]["content"].get<std::string>().find("image/png") != std::string::npos);
  CHECK(messages[2]["content"].get<std::string>().find("See file") == std::string::npos);
}

TEST_CASE("chat: what is no picture, or one that vendors refuse, is told in words") {
  const auto result = [](std::string data, const char* type) {
    binary_content file;
    file.data = std::move(data);
    file.media_type = type;
    file.identifier = "abc123";
    return body_of(history_builder{}
                     .user("q")
                     .model(call("python", "{}", "a"))
                     .result("python", json::array({"a plot", to_json(user_content(file))}), "a"))["messages"];
  };
  CHECK(result(one_pixel_png(), "image/png").size() == 4);
  // The bytes decide, not the name that was given to them.
  CHECK(result(one_pixel_png(), "image/jpeg").dump().find("data:image/png") != std::string::npos);
  for (const auto& [data, type] :
       std::vector<std::pair<std::string, const char*>>{{"cut off", "image/png"},
                                                        {one_pixel_png().substr(0, 50), "image/png"},
                                                        {"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"},
                                                        {"II*", "image/tiff"}}) {
    CAPTURE(type);
    const auto messages = result(data, type);
    REQUIRE(messages.size() == 3);
    CHECK(messages[2]["content"].get<std::string>().find("[file abc123: image/") != std::string::npos);
    CHECK(messages.dump().find("image_url") == std::string::npos);
  }
}

TEST_CASE("chat: a vendor that refused thinking or pictures gets the history without them") {
  binary_content file;
  file.data = one_pixel_png();
  file.media_type = "image/png";
  history_builder history;
  history.user({std::string("see"), file}).by("ollama").model(thought("hm", "ollama", "reasoning"), text_of_model("4"));
  history.user("z");
  auto query = query_with(history.list(), "ollama");
  CHECK(openai_chat::encode_body(query).dump().find("image_url") != std::string::npos);
  CHECK(openai_chat::encode_body(query)["messages"][1]["reasoning"] == "hm");
  query.without_pictures = true;
  query.without_thinking = true;
  const auto body = openai_chat::encode_body(query);
  CHECK(body.dump().find("image_url") == std::string::npos);
  CHECK(body["messages"][1] == json{{"role", "assistant"}, {"content", "4"}});
}

TEST_CASE("chat: an answer without text or calls is skipped, and invalid arguments become an object") {
  const auto messages = body_of(history_builder{}
                                  .user("q")
                                  .model(text_of_model(""))
                                  .user("again")
                                  .model(call("python", "{\"a\": tru", "a"))
                                  .result("python", "x", "a"))["messages"];
  REQUIRE(messages.size() == 4);
  const auto arguments = messages[2]["tool_calls"][0]["function"]["arguments"].get<std::string>();
  CHECK(json::parse(arguments).contains("INVALID_JSON"));
  CHECK(messages[2]["content"].is_null());
}

TEST_CASE("chat: limits and sampling go under the names that the vendor knows, and not to models that refuse them") {
  auto query = query_with(history_builder{}.user("q").list());
  query.model.temperature = 0.2;
  query.settings = json{{"max_tokens", 100}, {"top_p", 0.9}, {"stop_sequences", json::array({"x"})}, {"seed", 7}};
  auto body = openai_chat::encode_body(query);
  CHECK(body["max_completion_tokens"] == 100);
  CHECK(body["temperature"] == 0.2);
  CHECK(body["stop"] == json::array({"x"}));
  query.model.name = "gpt-5-mini";
  body = openai_chat::encode_body(query);
  CHECK_FALSE(body.contains("temperature"));
  CHECK_FALSE(body.contains("top_p"));
  query.model.provider = "mistral";
  body = openai_chat::encode_body(query);
  CHECK(body["max_tokens"] == 100);
  CHECK(body["random_seed"] == 7);
  query.settings = nullptr;
  query.model.output_tokens_max = 2'000;
  CHECK(openai_chat::encode_body(query)["max_tokens"] == 2'000);
}

TEST_CASE("chat: a wish for thinking is said as each vendor understands it") {
  auto query = query_with(history_builder{}.user("q").list());
  query.settings = json{{"thinking", "high"}};
  CHECK(openai_chat::encode_body(query)["reasoning_effort"] == "high");
  query.model.provider = "groq";
  query.model.name = "openai/gpt-oss-120b";
  CHECK(openai_chat::encode_body(query)["reasoning_effort"] == "high");
  CHECK(openai_chat::encode_body(query)["reasoning_format"] == "parsed");
  query.model.provider = "openrouter";
  CHECK(openai_chat::encode_body(query)["reasoning"] == json{{"effort", "high"}, {"enabled", true}});
  query.model.provider = "snowflake";
  CHECK(openai_chat::encode_body(query)["reasoning"] == json{{"effort", "high"}});
  query.model.provider = "zai";
  query.model.name = "glm-4.7";
  CHECK(openai_chat::encode_body(query)["thinking"] == json{{"type", "enabled"}, {"clear_thinking", false}});
  query.settings = json{{"thinking", false}};
  CHECK(openai_chat::encode_body(query)["thinking"] == json{{"type", "disabled"}});
  query.model.provider = "vllm";
  query.settings = json{{"thinking", "high"}};
  const auto body = openai_chat::encode_body(query);
  CHECK_FALSE(body.contains("thinking"));
  CHECK_FALSE(body.contains("reasoning_effort"));
}

TEST_CASE("chat: a configured effort is said in the vendor's word for it, and as its model knows it") {
  auto query = query_with(history_builder{}.user("q").list());
  query.model.effort = "minimal";
  CHECK(openai_chat::encode_body(query)["reasoning_effort"] == "minimal");
  query.model.name = "gpt-6-astra";
  CHECK(openai_chat::encode_body(query)["reasoning_effort"] == "low");
  query.model.name = "gpt-4o";
  CHECK_FALSE(openai_chat::encode_body(query).contains("reasoning_effort"));
  query.model.provider = "openrouter";
  CHECK(openai_chat::encode_body(query)["reasoning"]["effort"] == "minimal");
  // A server that nobody here knows is told what somebody has chosen for it, and nothing unasked.
  for (const auto* provider : {"vllm", "gateway"}) {
    query.model.provider = provider;
    query.model.effort = "minimal";
    CHECK(openai_chat::encode_body(query)["reasoning_effort"] == "minimal");
    query.model.effort.clear();
    CHECK_FALSE(openai_chat::encode_body(query).contains("reasoning_effort"));
    query.model.thinking = "off";
    CHECK_FALSE(openai_chat::encode_body(query).contains("reasoning_effort"));
    query.model.thinking = "auto";
  }
}

TEST_CASE("chat: OpenAI's models that take tools only without reasoning get none of it here, where they can") {
  auto query = query_with(history_builder{}.user("q").list());
  query.tools.push_back({"python", "", json::object()});
  query.model.temperature = 0.2;
  for (const auto* name : {"gpt-5.5", "gpt-5.6-sol", "gpt-6-luna"}) {
    query.model.name = name;
    CHECK(openai_chat::encode_body(query)["reasoning_effort"] == "none");
    CHECK(openai_chat::encode_body(query)["temperature"] == 0.2);
  }
  query.model.name = "gpt-6-astra"; // knows no none; the vendor's own error says what is needed
  CHECK_FALSE(openai_chat::encode_body(query).contains("reasoning_effort"));
  query.model.name = "gpt-5.4";
  CHECK_FALSE(openai_chat::encode_body(query).contains("reasoning_effort"));
  query.model.effort = "high";
  CHECK(openai_chat::encode_body(query)["reasoning_effort"] == "none");
  query.tools.clear();
  CHECK(openai_chat::encode_body(query)["reasoning_effort"] == "high");
}

TEST_CASE("chat: OpenAI's address makes its models known, whatever the section is called") {
  auto query = query_with(history_builder{}.user("q").list(), "work");
  query.model.base_url = "https://api.openai.com/v1";
  query.model.name = "gpt-6";
  query.model.temperature = 0.2;
  CHECK_FALSE(openai_chat::encode_body(query).contains("temperature"));
  query.model.name = "gpt-4o";
  CHECK(openai_chat::encode_body(query)["temperature"] == 0.2);
}

TEST_CASE("chat: a vendor is known by its name, else by its host") {
  model_config model;
  model.provider = "groq";
  CHECK(openai_chat::quirks_of(model).provider == "groq");
  model.provider = "work";
  model.base_url = "https://api.mistral.ai/v1";
  CHECK(openai_chat::quirks_of(model).provider == "mistral");
  model.base_url = "http://127.0.0.1:8000/v1?x=api.mistral.ai";
  CHECK(openai_chat::quirks_of(model).provider == "");
}

TEST_CASE("a retry prompt says what pydantic-ai says") {
  retry_prompt_part part;
  part.tool_name = "f";
  part.content
    = json::parse(R"([{"type":"missing","loc":["name"],"msg":"Field required","input":{"a":1},"ctx":{"x":1}}])");
  CHECK(retry_text(part) == R"(1 validation error:
```json
[
  {
    "type": "missing",
    "loc": [
      "name"
    ],
    "msg": "Field required",
    "input": {
      "a": 1
    }
  }
]
```

Fix the errors and try again.)");
  part.tool_name.reset();
  CHECK(retry_text(part).find("\"input\"") == std::string::npos);
  part.content = "Shorter.";
  CHECK(retry_text(part) == "Validation feedback:\nShorter.\n\nFix the errors and try again.");
}

TEST_CASE("an id that a vendor refuses becomes one that it accepts, the same every time") {
  const call_id_rule nine{.length_exact = 9, .alphanumeric = true};
  CHECK(accepted_call_id("KikbB849t", nine) == "KikbB849t");
  CHECK(accepted_call_id("KikbB849tt", nine).size() == 9);
  CHECK(accepted_call_id("call_1", nine) == accepted_call_id("call_1", nine));
  CHECK(accepted_call_id("call_1", nine) != accepted_call_id("call_2", nine));
  const call_id_rule forty{.length_max = 40};
  CHECK(accepted_call_id(std::string(40, 'a'), forty) == std::string(40, 'a'));
  CHECK(accepted_call_id(std::string(41, 'a'), forty).size() <= 40);
  CHECK_FALSE(accepted_call_id("", forty).empty());
}
