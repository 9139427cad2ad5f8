#include "bench/script.hpp"
#include "bench/wire.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::bench;

namespace {

script read(const char* text) {
  auto value = parse_json(text);
  REQUIRE(value);
  std::string error;
  auto result = read_script(*value, error);
  INFO(error);
  REQUIRE(result);
  return *result;
}

std::string complaint(const char* text) {
  auto value = parse_json(text);
  REQUIRE(value);
  std::string error;
  CHECK(!read_script(*value, error));
  return error;
}

request_facts asking(std::string user_text) {
  request_facts facts;
  facts.user_text = std::move(user_text);
  facts.model = "m1";
  return facts;
}

std::string text_of(const answer& what) {
  REQUIRE(!what.blocks.empty());
  auto* text = std::get_if<text_block>(&what.blocks.front());
  return text ? text->text : "not a text";
}

std::string found(script_matcher& matcher, const request_facts& facts, uint64_t nth = 1) {
  auto* one = matcher.find_rule(facts, nth);
  return one ? text_of(*one) : "none";
}

request_facts facts_from(vendor api, const char* text) {
  auto body = parse_json(text);
  REQUIRE(body);
  return facts_of(api, *body, std::string_view{text}.size());
}

} // namespace

TEST_CASE("the first rule that holds answers") {
  script_matcher matcher{read(R"({"rules": [
    {"when": {"user_contains": "plot"}, "answer": {"text": "contains"}},
    {"when": {"user_matches": "^sum \\d+$"}, "answer": {"text": "matches"}},
    {"when": {"model": "m2"}, "answer": {"text": "model"}},
    {"when": {"api": "openai"}, "answer": {"text": "api"}},
    {"when": {"tool_results": 2}, "answer": {"text": "results"}},
    {"when": {"response": 1}, "answer": {"text": "response"}},
    {"when": {"request": [7, 9]}, "answer": {"text": "request"}}
  ]})")};
  CHECK(found(matcher, asking("a plot please")) == "contains");
  CHECK(found(matcher, asking("sum 12")) == "matches");
  CHECK(found(matcher, asking("sum twelve")) == "none");
  auto facts = asking("x");
  facts.model = "m2";
  CHECK(found(matcher, facts) == "model");
  facts = asking("x");
  facts.api = vendor::openai;
  CHECK(found(matcher, facts) == "api");
  facts = asking("x");
  facts.tool_results = 2;
  CHECK(found(matcher, facts) == "results");
  facts.tool_results = 1;
  facts.responses = 1;
  CHECK(found(matcher, facts) == "response");
  CHECK(found(matcher, asking("x"), 8) == "none");
  CHECK(found(matcher, asking("x"), 9) == "request");
}

TEST_CASE("a rule may hold for its nth match only") {
  script_matcher matcher{read(R"({"rules": [
    {"when": {"user_contains": "a", "match": 2}, "answer": {"text": "second"}},
    {"answer": {"text": "other"}}
  ]})")};
  CHECK(found(matcher, asking("a")) == "other");
  CHECK(found(matcher, asking("b")) == "other"); // does not count as a match
  CHECK(found(matcher, asking("a")) == "second");
  CHECK(found(matcher, asking("a")) == "other");
}

TEST_CASE("an answer's failure may be limited to the first attempts of each request") {
  script_matcher matcher{script{}};
  answer failing;
  failing.attempts = 2;
  auto one = asking("x");
  auto other = asking("x");
  other.history_hash = 1;
  CHECK(matcher.fails(failing, one));
  CHECK(matcher.fails(failing, one));
  CHECK(!matcher.fails(failing, one));
  CHECK(matcher.fails(failing, other));
  failing.attempts = 0;
  CHECK(matcher.fails(failing, one));
}

TEST_CASE("a script says every detail of an answer") {
  auto rules = read(R"({"rules": [{"answer": {
    "parts": [{"thinking": "t", "signature": "s"}, {"redacted_thinking": "r"}, {"text": "x"},
              {"python": "1\n2"}, {"tool": "f", "args": {"a": 1}, "id": "call_1"}, {"tool": "g", "args": "{bad"}],
    "usage": {"input": 10, "output": 5, "cache_read": 3}, "stop": "length", "first_byte_ms": 20, "chunk_ms": 5,
    "chunks": 9, "drop": "middle", "attempts": 1, "reasoning_field": "reasoning"}}],
    "otherwise": {"error": {"status": 429, "headers": {"retry-after": "2"}, "body": {"x": 1}}}})");
  auto& made = rules.rules.at(0).then;
  REQUIRE(made.blocks.size() == 6);
  CHECK(std::get<thinking_block>(made.blocks[0]).signature == "s");
  CHECK(std::get<tool_block>(made.blocks[3]).arguments == R"({"code":"1\n2"})");
  CHECK(std::get<tool_block>(made.blocks[4]).arguments == R"({"a":1})");
  CHECK(std::get<tool_block>(made.blocks[4]).id == "call_1");
  CHECK(std::get<tool_block>(made.blocks[5]).arguments == "{bad");
  CHECK(made.usage.input == 10);
  CHECK(made.usage.cache_read == 3);
  CHECK(made.first_byte == milliseconds{20});
  CHECK(made.between_chunks == milliseconds{5});
  CHECK(made.drop == answer::cut::middle);
  CHECK(made.hold == answer::cut::none);
  CHECK(made.reasoning_field == "reasoning");
  auto& error = *rules.otherwise->error;
  CHECK(error.status == 429);
  CHECK(error.headers.at(0).second == "2");
  CHECK(error.body == R"({"x":1})");
}

TEST_CASE("a mistake in a script is named with its place") {
  CHECK(complaint(R"([])") == ": must be an object");
  CHECK(complaint(R"({"rule": []})") == ": unknown key \"rule\"");
  CHECK(complaint(R"({"rules": [{"when": {}}]})") == "rules[0]: answer is missing");
  CHECK(complaint(R"({"rules": [{"answer": {}}, {"answer": {"text": 1}}]})")
        == "rules[1].answer.text: text must be a string");
  CHECK(complaint(R"({"otherwise": {"parts": [{"txt": "x"}]}})")
        == "otherwise.parts[0]: a part needs one of thinking, redacted_thinking, text, python, tool");
  CHECK(complaint(R"({"otherwise": {"chunks": 0}})") == "otherwise: chunks must be from 1 to 100000");
  CHECK(complaint(R"({"otherwise": {"first_byte_ms": -1}})")
        == "otherwise: first_byte_ms must be a whole number, not negative");
  CHECK(complaint(R"({"rules": [{"when": {"user_matches": "("}, "answer": {}}]})")
          .starts_with("rules[0].when: user_matches is not a regular expression"));
}

TEST_CASE("directives in a prompt become one answer for each response of the turn") {
  auto answers
    = answers_in("Compute. [[thinking: hm]] [[python: x[y[0]] + 1]] [[python: 2]] [[delay: 20]] [[text: so]]");
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].blocks.size() == 3);
  CHECK(std::get<tool_block>(answers[0].blocks[1]).arguments == R"({"code":"x[y[0]] + 1"})");
  CHECK(answers[0].first_byte == milliseconds{20});
  CHECK(text_of(answers[1]) == "so");
}

TEST_CASE("[[then]] begins a new response, and a turn that ends in a call gets a last text") {
  auto answers = answers_in("[[python: 1]] [[then]] [[python: 2]]");
  REQUIRE(answers.size() == 3);
  CHECK(answers[0].blocks.size() == 1);
  CHECK(answers[1].blocks.size() == 1);
  CHECK(text_of(answers[2]) == "Done: {{result}}");
}

TEST_CASE("directives say failures, and how many attempts meet them") {
  auto answers = answers_in("[[error: 529 x2]] [[retry-after: 3]]");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].error->status == 529);
  CHECK(answers[0].error->headers.at(0).second == "3");
  CHECK(answers[0].attempts == 2);
  CHECK(answers_in("[[drop]]").at(0).drop == answer::cut::before_head);
  CHECK(answers_in("[[drop-middle: x1]]").at(0).attempts == 1);
  CHECK(answers_in("[[hold]]").at(0).hold == answer::cut::before_head);
  CHECK(answers_in("[[stream-error: 529]]").at(0).stream_error->status == 529);
}

TEST_CASE("brackets that are no directive are left alone") {
  CHECK(answers_in("").empty());
  CHECK(answers_in("a [[1, 2], [3, 4]] matrix and [[unknown: x]] and [[text: open").empty());
}

TEST_CASE("the built-in answer calls python once, where there is such a tool") {
  auto facts = asking("hi");
  CHECK(!default_answer(facts, {}).calls_tools());
  facts.tools.insert("python");
  CHECK(default_answer(facts, {}).calls_tools());
  CHECK(!default_answer(facts, {"", {}, {}}).calls_tools());
  facts.responses = 1;
  CHECK(!default_answer(facts, {}).calls_tools());
}

TEST_CASE("placeholders are filled in, escaped where the text is JSON") {
  answer what;
  what.blocks = {text_block{"{{user}} {{model}} {{request}} {{now_us}}"}, tool_block{"f", R"({"q":"{{user}}"})", ""}};
  fill_in(what, asking("say \"hi\""), 7);
  CHECK(text_of(what) == "say \"hi\" m1 7 {{now_us}}");
  CHECK(std::get<tool_block>(what.blocks[1]).arguments == R"({"q":"say \"hi\""})");
  std::string bytes = "t={{now_us}}us, {{now_us}}";
  stamp(bytes, 1234);
  CHECK(bytes == "t=1234us, 1234");
}

TEST_CASE("facts of an Anthropic request") {
  auto facts = facts_from(vendor::anthropic, R"({"model": "c", "stream": true, "thinking": {"type": "adaptive"},
    "tools": [{"name": "python"}],
    "messages": [
      {"role": "user", "content": "first"},
      {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "python", "input": {}}]},
      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "stopped"},
                                   {"type": "text", "text": "second"}]},
      {"role": "assistant", "content": [{"type": "tool_use", "id": "b", "name": "python", "input": {}}]},
      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "b",
        "content": [{"type": "text", "text": "42"}]}]}
    ]})");
  CHECK(facts.model == "c");
  CHECK(facts.stream);
  CHECK(facts.thinking);
  CHECK(facts.user_text == "second");
  CHECK(facts.responses == 1);
  CHECK(facts.tool_results == 1);
  CHECK(facts.last_result == "42");
  CHECK(facts.tools.contains("python"));
}

TEST_CASE("facts of an OpenAI request") {
  auto facts
    = facts_from(vendor::openai, R"({"model": "g", "tools": [{"type": "function", "function": {"name": "python"}}],
    "messages": [
      {"role": "system", "content": "be kind"},
      {"role": "user", "content": [{"type": "text", "text": "plot"}]},
      {"role": "assistant", "content": null, "tool_calls": []},
      {"role": "tool", "tool_call_id": "a", "content": "See file x."},
      {"role": "user", "content": [{"type": "text", "text": "This is file x:"}, {"type": "image_url"}]}
    ]})");
  CHECK(facts.user_text == "plot"); // an image of a tool's result begins no turn
  CHECK(facts.responses == 1);
  CHECK(facts.tool_results == 1);
  CHECK(!facts.stream);
  CHECK(!facts.include_usage);
  CHECK(facts.tools.contains("python"));
}

TEST_CASE("a text is cut between characters, never inside the marker, and whole again when joined") {
  std::string text = "Grüße {{now_us}} 世界 und mehr";
  for (int count = 1; count < 60; ++count) {
    CAPTURE(count);
    std::string joined;
    for (auto& piece : split_text(text, count)) {
      CHECK(!piece.empty());
      CHECK((static_cast<unsigned char>(piece.front()) & 0xc0) != 0x80);
      CHECK((piece.find("now_us") == std::string::npos || piece.find(now_marker) != std::string::npos));
      joined += piece;
    }
    CHECK(joined == text);
  }
  CHECK(split_text(text, 4).size() == 4);
  CHECK(split_text("", 4).size() == 1);
  CHECK(split_text("ab", 4).size() == 2);
}
