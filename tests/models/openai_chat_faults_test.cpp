// What servers of the chat completions wire do besides what is documented, each beside a twin that must stay as it is.
#include "models/message_json.hpp"
#include "models/openai_chat.hpp"
#include "models/tool_arguments.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"
#include "tests/support/answer_parts.hpp"
#include "tests/support/history_builder.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

model_query query_with(message_list history, std::string provider = "local") {
  model_query query;
  query.model.kind = provider_kind::openai;
  query.model.provider = std::move(provider);
  query.model.name = "some-model";
  query.model.base_url = "https://api.example/v1";
  query.history = std::move(history);
  query.tools = {{"python", "Runs code.", json::object()}};
  return query;
}

response_decoder::outcome decode(std::string_view body, const char* provider = "local", bool lost = false) {
  auto decoder = openai_chat_provider().decoder(query_with(history_builder{}.list(), provider), 200, "");
  decoder->feed(body);
  return decoder->finish(lost);
}

std::string chunk(const std::string& delta, const char* finish = nullptr) {
  return R"(data: {"choices":[{"index":0,"delta":)" + delta
    + (finish ? R"(,"finish_reason":")" + std::string(finish) + "\"" : "") + "}]}\n\n";
}

const std::string done = "data: [DONE]\n\n";

response_decoder::outcome said(const std::string& text, const char* finish = "stop") {
  return decode(chunk(dump_json(json{{"content", text}}), finish) + done);
}

std::string thoughts_of(const response_decoder::outcome& end) {
  std::string text;
  for (const auto& part : parts_of<thinking_part>(end))
    text += part.content;
  return text;
}

std::string name_called(const std::string& name) {
  const auto delta
    = json{{"tool_calls", json::array({json{{"index", 0}, {"id", "a"}, {"function", {{"name", name}}}}})}};
  const auto calls = parts_of<tool_call_part>(decode(chunk(dump_json(delta), "tool_calls") + done));
  REQUIRE(calls.size() == 1);
  return calls[0].tool_name;
}

} // namespace

TEST_CASE("chat: thinking that a closing tag alone ends is thinking; a text about the tag is text") {
  const auto end = said("I should add.\n</think>\n\nThe answer is 4.");
  CHECK(thoughts_of(end) == "I should add.\n");
  CHECK(text_of(end) == "\n\nThe answer is 4.");
  const auto short_end = said("Add.</think>4");
  CHECK(thoughts_of(short_end) == "Add.");
  CHECK(text_of(short_end) == "4");
  CHECK(text_of(said("</think>\n\n4")) == "\n\n4");
  CHECK(thoughts_of(said("</think>\n\n4")).empty());
  for (const auto* about : {"The tag `</think>` ends it.", "Models write </think> at the end.",
                            "```\nx\n</think>\n```\n", "First <think>x</think> then more."}) {
    CAPTURE(about);
    CHECK(text_of(said(about)) == about);
    CHECK(parts_of<thinking_part>(said(about)).empty());
  }
}

TEST_CASE("chat: thinking ends at the tag of any family, whatever stands in it") {
  for (std::string tag : {"think>", "thinking>", "thought>", "seed:think>"}) {
    CAPTURE(tag);
    CHECK(thoughts_of(said("Add.\n</" + tag + "\n\n4")) == "Add.\n");
    CHECK(text_of(said("<" + tag + "Add.</" + tag + "4")) == "4");
    CHECK(thoughts_of(said("<" + tag + "Add.</" + tag + "4")) == "Add.");
  }
  CHECK(thoughts_of(said("Add.[/THINK]4")) == "Add.");
  CHECK(text_of(said("[THINK]Add.[/THINK]4")) == "4");
  CHECK(text_of(said("◁think▷Add.◁/think▷4")) == "4");
  for (std::string thought :
       {"Press the ` key.\n", "Run `ls`: ", "```\nx\n```\n", "```x``` and\n```\nx\n```\n", "It is 4. ", "So 4"}) {
    CAPTURE(thought);
    const auto made = said(thought + "</think>The answer is 4.");
    CHECK(thoughts_of(made) == thought);
    CHECK(text_of(made) == "The answer is 4.");
  }
  CHECK(thoughts_of(said("It is 4. </think> The answer is 4.")) == "It is 4. ");
  for (std::string about : {"Models write </think>, and </thinking>.", "Use `a` or `</think>` there.", "<b>x</b>",
                            "An end without a beginning: `[/THINK]`", "```xml\n<a>\n</thought>\n```"}) {
    CAPTURE(about);
    CHECK(text_of(said(about)) == about);
    CHECK(parts_of<thinking_part>(said(about)).empty());
  }
}

TEST_CASE("chat: what Google puts beside a call goes back with it, to the vendor that it came from") {
  const auto end = decode(
    chunk(
      R"({"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"python","arguments":"{}"},"extra_content":{"google":{"thought_signature":"c2ln"}}},)"
      R"({"index":1,"id":"c2","type":"function","function":{"name":"python","arguments":"{}"}}]})",
      "tool_calls")
      + done,
    "gemini");
  REQUIRE(end.response);
  history_builder history;
  history.user("hi").model(*end.response).result("python", "1", "c1").result("python", "2", "c2");
  const auto sent = [&](std::string provider, std::string name = "some-model", std::string url = "https://a.example") {
    auto query = query_with(history.list(), std::move(provider));
    query.model.name = std::move(name);
    query.model.base_url = std::move(url);
    return openai_chat::encode_body(query)["messages"][1]["tool_calls"];
  };
  const auto same = sent("gemini");
  CHECK(same[0]["extra_content"] == json::parse(R"({"google":{"thought_signature":"c2ln"}})"));
  CHECK_FALSE(same[1].contains("extra_content"));
  CHECK_FALSE(sent("groq")[0].contains("extra_content"));
  // Google itself, by another section's name: the signature of the other means nothing there, the stand-in does.
  const auto googles = sent("other", "gemini-3.8-flash", "https://generativelanguage.googleapis.com/v1beta/openai");
  CHECK(googles[0]["extra_content"]["google"]["thought_signature"] == "skip_thought_signature_validator");
  CHECK_FALSE(googles[1].contains("extra_content"));
  // A model before 3 wants none.
  CHECK_FALSE(sent("google", "gemini-2.5-flash")[0].contains("extra_content"));
}

TEST_CASE("chat: a signature of the native wire goes along to Google's compatible endpoint") {
  auto made = call("python", json::object(), "c1");
  made.provider_name = "google";
  made.provider_details = json{{"thought_signature", "c2ln"}};
  auto query = query_with(history_builder{}.user("hi").by("google").model(made).result("python", "1", "c1").list(),
                          "compatible");
  query.model.name = "gemini-3.8-flash";
  query.model.base_url = "https://generativelanguage.googleapis.com/v1beta/openai";
  CHECK(openai_chat::encode_body(query)["messages"][1]["tool_calls"][0]["extra_content"]
        == json::parse(R"({"google":{"thought_signature":"c2ln"}})"));
}

TEST_CASE("chat: Google's compatible endpoint is told about thinking in levels that the model knows") {
  const auto effort = [](const char* name, const char* thinking, const char* effort) {
    auto query = query_with(history_builder{}.user("hi").list(), "google");
    query.model.name = name;
    query.model.thinking = thinking;
    query.model.effort = effort;
    return member(openai_chat::encode_body(query), "reasoning_effort");
  };
  CHECK(effort("gemini-3.8-flash", "auto", "").is_null());
  CHECK(effort("gemini-3.8-flash", "off", "") == "low");
  CHECK(effort("gemini-3.6-flash", "off", "") == "minimal");
  CHECK(effort("gemini-3.8-flash", "auto", "max") == "high");
  CHECK(effort("gemini-2.5-flash", "off", "") == "none");
  CHECK(effort("gemini-2.5-pro", "off", "") == "low");
  CHECK(effort("gemini-2.5-pro", "auto", "medium") == "medium");
  CHECK(effort("gemini-2.0-flash", "off", "high").is_null());
}

TEST_CASE("chat: a character cut in two by the server costs that character, not the answer") {
  const auto end = decode(
    R"(data: {"choices":[{"index":0,"delta":{"content":"a \ud83d"}}]})"
    "\n\n"
    R"(data: {"choices":[{"index":0,"delta":{"content":"\ude00 b \ud83d\ude00 \\ud83d"},"finish_reason":"stop"}]})"
    "\n\n"
    + done);
  CHECK(text_of(end) == "a \xEF\xBF\xBD\xEF\xBF\xBD b \xF0\x9F\x98\x80 \\ud83d");
}

TEST_CASE("halves of characters and raw control characters are read, what is no JSON is not") {
  const auto read = [](std::string_view text) { return parse_vendor_json(text).value_or("refused"); };
  CHECK(read(R"("\uD83D")") == "\xEF\xBF\xBD");
  CHECK(read(R"("\uDE00x")") == "\xEF\xBF\xBDx");
  CHECK(read(R"("\uD83D\u0041")") == "\xEF\xBF\xBD\x41");
  CHECK(read(R"("\\uD83D")") == "\\uD83D");
  CHECK(read("\"a\nb\tc\"") == "a\nb\tc");
  CHECK(read("\"a\\\nb\"") == "refused");
  CHECK(read("{\"a\":\"x\ny\"\n}") == json{{"a", "x\ny"}});
  for (const auto* broken : {"\"a", "\"\\", "\"\\u12", "\"\\ud83d", "{\"a\":}", "\n", "{'a':1}"})
    CHECK(read(broken) == "refused");
}

TEST_CASE("arguments are read as models write them: raw newlines, JSON inside JSON, none") {
  const json code = {{"code", "a = 1\nprint(a)"}};
  CHECK(read_arguments("{\"code\":\"a = 1\nprint(a)\"}") == code);
  CHECK(read_arguments(R"("{\"code\": \"a = 1\\nprint(a)\"}")") == code);
  CHECK(read_arguments(dump_json(json(dump_json(json(dump_json(code)))))) == code);
  CHECK(read_arguments("") == json::object());
  CHECK(read_arguments(" \n") == json::object());
  CHECK(read_arguments(nullptr) == json::object());
  CHECK(read_arguments(code) == code);
  // A string that is no JSON is a string; text that is no JSON is nothing.
  CHECK(read_arguments(R"("hello")") == "hello");
  CHECK(read_arguments("[1]") == json::array({1}));
  CHECK_FALSE(read_arguments("print(1)"));
  CHECK_FALSE(read_arguments(R"({"code":"a)"));
  // What goes back to a vendor is strict JSON.
  CHECK(arguments_text("{\"code\":\"a = 1\nprint(a)\"}") == R"j({"code":"a = 1\nprint(a)"})j");
  CHECK(arguments_text(R"j({"code": 1})j") == R"j({"code": 1})j");
  CHECK(arguments_text("print(1)") == R"j({"INVALID_JSON":"print(1)"})j");
}

TEST_CASE("chat: whole calls that share an index and have no ids are calls of their own") {
  const auto whole = [](int number) {
    const auto arguments = dump_json(json{{"code", "print(" + std::to_string(number) + ")"}});
    return dump_json(json{{"index", 0}, {"function", {{"name", "python"}, {"arguments", arguments}}}});
  };
  const auto two = decode(chunk(R"({"tool_calls":[)" + whole(1) + "]}") + chunk(R"({"tool_calls":[)" + whole(2) + "]}")
                          + chunk("{}", "tool_calls") + done);
  REQUIRE(parts_of<tool_call_part>(two).size() == 2);
  CHECK(parts_of<tool_call_part>(two)[0].args == R"j({"code":"print(1)"})j");
  CHECK(parts_of<tool_call_part>(two)[1].args == R"j({"code":"print(2)"})j");
  const auto together = decode(chunk(R"({"tool_calls":[)" + whole(1) + "," + whole(2) + "]}", "tool_calls") + done);
  CHECK(parts_of<tool_call_part>(together).size() == 2);
  // Pieces of one call that repeat its name stay one call.
  const auto piece = [](const char* arguments) {
    return chunk(R"({"tool_calls":[{"index":0,"function":{"name":"python","arguments":)" + dump_json(json(arguments))
                 + "}}]}");
  };
  const auto one = decode(piece("{\"code\":") + piece("\"1\"}") + piece("") + chunk("{}", "tool_calls") + done);
  REQUIRE(parts_of<tool_call_part>(one).size() == 1);
  CHECK(parts_of<tool_call_part>(one)[0].args == R"({"code":"1"})");
}

TEST_CASE("chat: looking whether a call is whole has an end, however often a server repeats its name") {
  const auto deltas = [](int pieces) {
    std::string body = R"(data: {"choices":[{"index":0,"delta":{"tool_calls":[)";
    for (int i = 0; i < pieces; ++i)
      body += R"({"index":0,"function":{"name":"python","arguments":"x}"}},)";
    body.back() = ']';
    return decode(body + "},\"finish_reason\":\"tool_calls\"}]}\n\n" + done);
  };
  CHECK(parts_of<tool_call_part>(deltas(100'000)).size() == 1);
}

TEST_CASE("chat: a tool's name in a model's own form is the tool's; other names stay") {
  for (const auto* name : {"python", "Python", "functions.python", "default_api:python", "python<|channel|>commentary",
                           "functions.Python<|constrain|>json", " python\n"})
    CHECK(name_called(name) == "python");
  for (const auto* name : {"pythons", "bash", "python.run", "<|channel|>", "ipython", "python2"})
    CHECK(name_called(name) == name);
}

TEST_CASE("chat: a name that no vendor takes does not go back to one") {
  history_builder history;
  history.user("hi").model(call("functions.what ever", "{}", "c1")).retry("functions.what ever", "Unknown tool", "c1");
  const auto sent = openai_chat::encode_body(query_with(history.list()))["messages"];
  CHECK(sent[1]["tool_calls"][0]["function"]["name"] == "functions_what_ever");
  CHECK(accepted_tool_name("get-it_2") == "get-it_2");
  CHECK(accepted_tool_name(std::string(100, 'a')).size() == 64);
  CHECK(accepted_tool_name("") == "unnamed");
}

TEST_CASE("chat: reasoning is found under every field that servers use") {
  for (const auto* field : {"reasoning", "reasoning_content", "reasoning_text", "thinking"}) {
    CAPTURE(field);
    const auto end = decode(chunk(dump_json(json{{field, "hm"}})) + chunk(R"({"content":"4"})", "stop") + done);
    CHECK(thoughts_of(end) == "hm");
    CHECK(text_of(end) == "4");
  }
  CHECK(parts_of<thinking_part>(decode(chunk(R"({"content":"4","thinking":true})", "stop") + done)).empty());
}

TEST_CASE("chat: an error after the end of an answer leaves the answer") {
  const std::string event = "event: error\ndata: {\"message\":\"late\"}\n\n";
  const std::string in_chunk = "data: {\"error\":{\"message\":\"late\",\"code\":500}}\n\n";
  for (const auto& error : {event, in_chunk, std::string("data: {broken\n\n")}) {
    CHECK(text_of(decode(chunk(R"({"content":"4"})", "stop") + error)) == "4");
    CHECK(decode(chunk(R"({"content":"4"})") + error).error);
    CHECK(decode(chunk(R"({"content":"4"})", "error") + error).error);
  }
}

TEST_CASE("chat: an answer that is none shows the server's words and its status") {
  const auto detail = decode(R"({"detail":"Model is not loaded"})");
  REQUIRE(detail.error);
  CHECK(detail.error->message == "The server's answer is none of a model: Model is not loaded");
  CHECK(detail.error->http_status == 200);
  const auto plain = decode("upstream connect error\nno healthy host");
  REQUIRE(plain.error);
  CHECK(plain.error->message == "The server's answer is none of a model: upstream connect error\nno healthy host");
  CHECK(plain.error->http_status == 200);
  const auto error = decode("data: {\"error\":{\"message\":\"no\"}}\n\n");
  REQUIRE(error.error);
  CHECK(error.error->http_status == 200);
  // A stream that broke off, or never began, has no status that says anything.
  for (const auto* nothing : {": ping\n\n", "", "data:\n\n", "event: ping\n\n"}) {
    const auto end = decode(nothing);
    REQUIRE(end.error);
    CHECK(end.error->type == "connection_lost");
    CHECK(end.error->http_status == 0);
  }
  CHECK(decode("upstream", "local", true).error->type == "connection_lost");
}

TEST_CASE("chat: events without the empty line between them are read, lines that are no events are not") {
  const auto end
    = decode("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"fo\"}}]}\n"
             "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ur\"},\"finish_reason\":\"stop\"}]}\n"
             "data: [DONE]\n\n");
  CHECK(text_of(end) == "four");
  // One event in several lines, as the standard has it.
  CHECK(text_of(decode("data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"4\"},\n"
                       "data: \"finish_reason\":\"stop\"}]}\n\n"))
        == "4");
  CHECK(decode("data: {\"choices\":[]}\ndata: {broken\n\n").error);
}

TEST_CASE("chat: a finish reason that is left empty is inferred from the answer") {
  const auto whole = [](const char* message, const char* reason) {
    return decode(std::string(R"({"choices":[{"index":0,"message":)") + message + R"(,"finish_reason":)" + reason
                    + "}]}",
                  "snowflake");
  };
  const char* words = R"({"content":"4"})";
  const char* call = R"({"tool_calls":[{"id":"a","function":{"name":"python","arguments":"{}"}}]})";
  CHECK(whole(words, "\"\"").response->finish_reason == "stop");
  CHECK(whole(call, "\"\"").response->finish_reason == "tool_call");
  CHECK(whole(words, "null").response->finish_reason == "stop");
  CHECK(whole(words, "\"length\"").response->finish_reason == "length");
  CHECK(decode(chunk(R"({"content":"4"})", "") + done).response->finish_reason == "stop");
  // Where nothing says that it is whole, nothing is inferred.
  CHECK_FALSE(decode(chunk(R"({"content":"4"})")).response->finish_reason);
}

TEST_CASE("chat: a stream that is cut inside a chunk is one that broke off, however the connection ended") {
  const std::string whole
    = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"},\"finish_reason\":null}]}\n\n"
      "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" world\"},\"finish_reason\":null}]}\n\n";
  const auto second = whole.find("data:", 1);
  model_query query;
  query.model.provider = "openai";
  query.history = history_builder{}.user("q").list();
  for (size_t cut = second + 8; cut + 3 < whole.size(); ++cut)
    for (const bool lost : {true, false}) {
      CAPTURE(cut);
      auto decoder = openai_chat_provider().decoder(query, 200, "text/event-stream");
      decoder->feed(whole.substr(0, cut));
      const auto outcome = decoder->finish(lost);
      REQUIRE(outcome.error);
      CHECK(outcome.error->retryable);
    }
}
