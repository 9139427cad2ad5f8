#include "bench/validate.hpp"
#include "bench/wire.hpp"

#include <initializer_list>

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::bench;

namespace {

constexpr const char* pixel
  = "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Erk"
    "Jggg==";

json list(std::initializer_list<json> items) {
  auto value = json::array();
  for (auto& item : items)
    value.push_back(item);
  return value;
}

json user(json content) {
  return {{"role", "user"}, {"content", std::move(content)}};
}
json call(const std::string& id) {
  return {{"type", "function_call"}, {"call_id", id}, {"name", "python"}, {"arguments", "{}"}};
}
json output(const std::string& id, json value = "ok") {
  return {{"type", "function_call_output"}, {"call_id", id}, {"output", std::move(value)}};
}

json body_of(json input, json more = json::object()) {
  json body{{"model", "m"}, {"input", std::move(input)}};
  body.update(more);
  return body;
}

std::string problem(json input, json more = json::object()) {
  auto found = check_responses(body_of(std::move(input), std::move(more)), {});
  return found ? found->message : "";
}

request_problem refused(json input, json more = json::object()) {
  auto found = check_responses(body_of(std::move(input), std::move(more)), {});
  REQUIRE(found);
  return *found;
}

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

json stateless() {
  return {{"store", false}, {"include", {"reasoning.encrypted_content"}}};
}

// The output of the response to this body that the script's answer makes.
json output_of(const answer& what, const json& body) {
  auto wire = responses_answer(what, facts_of(vendor::openai_responses, body, 100));
  auto parsed = parse_json(wire.pieces.at(0));
  REQUIRE(parsed);
  return parsed->at("output");
}

answer thinks_and_calls() {
  answer what;
  what.blocks = {thinking_block{"hm", {}}, tool_block{"python", "{}", {}}};
  return what;
}

} // namespace

TEST_CASE("Responses take a history whose every call has its output") {
  CHECK(problem("hi") == "");
  CHECK(problem(list({user("hi")})) == "");
  CHECK(problem(list({user("hi"), call("a"), call("b"), output("b"), output("a"), user("more")})) == "");
  std::string longest(64, 'x');
  CHECK(problem(list({user("hi"), call(longest), output(longest)})) == "");
}

TEST_CASE("Responses refuse calls and outputs that do not belong together") {
  has(problem(list({user("hi"), call("a"), call("b"), output("a")})), "No tool output found for function call b.");
  has(problem(list({user("hi"), output("a")})), "No tool call found for function call output with call_id a.");
  has(problem(list({user("hi"), output("a"), call("a")})), "No tool call found");
  has(problem(list({call("a"), output("a"), output("a")})), "Duplicate function call output");
  has(problem(list({call("a"), call("a"), output("a")})), "Duplicate function call found");
  std::string longer(65, 'x');
  auto found = refused(list({call(longer), output(longer)}));
  has(found.message, "maximum length 64, but got a string with length 65");
  CHECK(found.code == "string_above_max_length");
  CHECK(found.param == "input[0].call_id");
  auto misnamed = call("a");
  misnamed["id"] = "call_1";
  has(problem(list({misnamed, output("a")})), "Expected an ID that begins with 'fc'.");
  misnamed["id"] = "fc_1";
  CHECK(problem(list({misnamed, output("a")})) == "");
}

TEST_CASE("what a response of Responses says comes back accepted, whether ids come along or not") {
  auto body = body_of(list({user("hi")}), stateless());
  for (bool with_ids : {true, false}) {
    auto input = body["input"];
    for (auto& item : output_of(thinks_and_calls(), body)) {
      input.push_back(item);
      if (!with_ids)
        input.back().erase("id");
    }
    input.push_back(output(input.back()["call_id"].get<std::string>()));
    CHECK(problem(input, stateless()) == "");
  }
}

TEST_CASE("reasoning comes back with what followed it, unchanged, or not at all") {
  auto body = body_of(list({user("hi")}), stateless());
  auto items = output_of(thinks_and_calls(), body);
  auto reasoning = items[0], called = items[1], result = output(called["call_id"].get<std::string>());
  auto question = user("hi");
  CHECK(problem(list({question, reasoning, called, result}), stateless()) == "");
  has(problem(list({question, reasoning}), stateless()), "without its required following item");
  has(problem(list({question, reasoning, question}), stateless()), "without its required following item");
  has(problem(list({question, called, result}), stateless()), "without its required 'reasoning' item: 'rs_");
  auto other = output_of(thinks_and_calls(), body);
  auto other_result = output(other[1]["call_id"].get<std::string>());
  has(problem(list({question, reasoning, other[1], other_result}), stateless()), "without its required following item");
  SUBCASE("its encrypted content is checked") {
    auto changed = reasoning;
    auto text = reasoning["encrypted_content"].get<std::string>();
    text.back() = text.back() == 'a' ? 'b' : 'a';
    changed["encrypted_content"] = text;
    auto found = refused(list({question, changed, called, result}), stateless());
    CHECK(found.code == "invalid_encrypted_content");
    has(found.message, "The encrypted content gAAA...");
    changed["encrypted_content"] = "EqQBCkgIAxABGAIiQ"; // of another vendor
    has(problem(list({question, changed, called, result}), stateless()), "could not be verified");
    changed["encrypted_content"] = other[0]["encrypted_content"];
    has(problem(list({question, changed, called, result}), stateless()), "item_id did not match");
    changed["encrypted_content"] = "scripted by a test";
    CHECK(problem(list({question, changed, called, result}), stateless()) == "");
  }
  SUBCASE("without it the item must be stored") {
    auto bare = reasoning;
    bare.erase("encrypted_content");
    auto found = refused(list({question, bare, called, result}), stateless());
    CHECK(found.status == 404);
    has(found.message, "Items are not persisted when `store` is set to false");
    auto kept = output_of(thinks_and_calls(), body_of(list({question})));
    CHECK(!kept[0].contains("encrypted_content"));
    CHECK(problem(list({question, kept[0], kept[1], output(kept[1]["call_id"].get<std::string>())})) == "");
    json unknown{{"type", "reasoning"}, {"id", "rs_123"}, {"summary", json::array()}};
    CHECK(refused(list({question, unknown, called, result})).status == 404);
  }
  SUBCASE("an item comes once") {
    has(problem(list({question, reasoning, called, result, reasoning, called}), stateless()), "Duplicate item found");
  }
}

TEST_CASE("Responses take pictures and files that are some") {
  auto with = [](json part) { return list({user(list({part}))}); };
  CHECK(problem(with({{"type", "input_image"}, {"image_url", pixel}, {"detail", "auto"}})) == "");
  CHECK(problem(with({{"type", "input_image"}, {"image_url", "https://example.org/a.png"}})) == "");
  CHECK(problem(list({call("a"),
                      output("a",
                             list({json{{"type", "input_text"}, {"text", "a plot"}},
                                   json{{"type", "input_image"}, {"image_url", pixel}}}))}))
        == "");
  has(problem(with({{"type", "input_image"}, {"image_url", "data:image/svg+xml;base64,PHN2Zy8+"}})),
      "does not represent a valid image");
  has(problem(with({{"type", "input_image"}, {"image_url", "data:image/png;base64,AAAA"}})),
      "does not represent a valid image");
  std::string cut{pixel};
  cut.resize(cut.size() - 24);
  has(problem(with({{"type", "input_image"}, {"image_url", cut}})), "does not represent a valid image");
  has(problem(with({{"type", "input_image"}, {"image_url", "plot.png"}})), "Expected a valid URL");
  has(problem(with({{"type", "input_image"}})), "Missing required parameter: 'input[0].content[0].image_url'");
  json pdf{{"type", "input_file"}, {"filename", "a.pdf"}, {"file_data", "data:application/pdf;base64,JVBERi0xLjcK"}};
  CHECK(problem(with(pdf)) == "");
  pdf["file_data"] = "data:application/pdf;base64,AAAA";
  has(problem(with(pdf)), "could not be read as a PDF");
  pdf["file_data"] = "JVBERi0xLjcK";
  has(problem(with(pdf)), "'data:' prefix");
}

TEST_CASE("Responses refuse fields and values that they do not know, and name the place") {
  auto hi = list({user("hi")});
  CHECK(refused(hi, {{"frobnicate", 1}}).code == "unknown_parameter");
  has(problem(hi, {{"messages", hi}}), "Unknown parameter: 'messages'.");
  auto extra = user("hi");
  extra["extra"] = 1;
  has(problem(list({extra})), "Unknown parameter: 'input[0].extra'.");
  has(problem(list({user(list({json{{"type", "text"}, {"text", "x"}}}))})), "Invalid value: 'text'.");
  json said{{"role", "assistant"}, {"content", list({json{{"type", "input_text"}, {"text", "x"}}})}};
  has(problem(list({said})), "Supported values are: 'output_text' and 'refusal'.");
  said["content"] = list({json{{"type", "output_text"}, {"text", "x"}}});
  CHECK(problem(list({said, user("and?")})) == "");
  json nested{{"type", "function"}, {"function", {{"name", "python"}}}};
  has(problem(hi, {{"tools", list({nested})}}), "Missing required parameter: 'tools[0].name'.");
  json tool{{"type", "function"}, {"name", "python"}, {"parameters", {{"type", "object"}}}, {"strict", true}};
  has(problem(hi, {{"tools", list({tool})}}), "'additionalProperties' is required to be supplied and to be false");
  tool["strict"] = false;
  CHECK(problem(hi, {{"tools", list({tool})}}) == "");
  CHECK(refused(hi, {{"max_output_tokens", 1}}).code == "integer_below_min_value");
  CHECK(problem(hi, {{"max_output_tokens", 16}}) == "");
  has(problem(hi, {{"include", {"reasoning"}}}), "Invalid value: 'reasoning'.");
  CHECK(refused(hi, {{"temperature", -1}}).message
        == "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got -1 instead.");
  CHECK(refused(hi, {{"previous_response_id", "resp_1"}}).code == "previous_response_not_found");
  has(problem(json::array()), "must be provided");
}

TEST_CASE("an effort is taken by the models that know it") {
  auto effort = [](const char* model, const char* value) {
    return problem("hi", {{"model", model}, {"reasoning", {{"effort", value}}}});
  };
  CHECK(effort("gpt-5", "minimal") == "");
  CHECK(effort("gpt-5.1", "none") == "");
  CHECK(effort("gpt-5.5", "xhigh") == "");
  CHECK(effort("gpt-5.6-sol", "max") == "");
  CHECK(effort("gpt-6-astra", "max") == "");
  CHECK(effort("o3", "high") == "");
  CHECK(effort("a model of nobody", "minimal") == "");
  CHECK(effort("gpt-5.1", "minimal")
        == "Unsupported value: 'minimal' is not supported with the 'gpt-5.1' model. Supported values are: 'none', "
           "'low', 'medium', and 'high'.");
  has(effort("gpt-5", "none"), "Supported values are: 'minimal', 'low', 'medium', and 'high'.");
  has(effort("gpt-5.5", "max"), "'xhigh'.");
  has(effort("gpt-6-astra", "none"), "'low', 'medium', 'high', 'xhigh', and 'max'");
  has(effort("gpt-5-pro", "low"), "Supported values are: 'high'.");
  has(effort("gpt-4o", "low"), "Unsupported parameter: 'reasoning.effort'");
  has(effort("gpt-5.5", "deep"), "Invalid value: 'deep'.");
}

TEST_CASE("chat completions send the models of late 2026 to Responses when there are tools") {
  auto chat = [](const char* model, json more) {
    json tool{{"type", "function"}, {"function", {{"name", "python"}, {"parameters", {{"type", "object"}}}}}};
    json body{{"model", model}, {"messages", list({user("hi")})}, {"tools", list({tool})}};
    body.update(more);
    auto found = check_openai(body, {});
    return found ? found->message : "";
  };
  for (auto* model : {"gpt-5.5", "gpt-5.6-sol", "gpt-6-luna", "gpt-6.2-astra"})
    CHECK(chat(model, json::object())
          == "Function tools with reasoning_effort are not supported for " + std::string{model}
            + " in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.");
  CHECK(chat("gpt-5.6-sol", {{"reasoning_effort", "none"}}) == "");
  CHECK(chat("gpt-5.4", json::object()) == ""); // its default is none
  has(chat("gpt-5.4", {{"reasoning_effort", "low"}}), "Function tools with reasoning_effort");
  CHECK(chat("gpt-5.2", {{"reasoning_effort", "low"}}) == "");
  CHECK(chat("gpt-5", json::object()) == "");
  CHECK(chat("scripted", {{"reasoning_effort", "low"}}) == "");
  has(chat("gpt-6.2-astra", {{"reasoning_effort", "none"}}), "Unsupported value: 'none'");
  has(chat("gpt-5.5-pro", json::object()), "only supported in v1/responses");
  has(chat("gpt-5.3-codex", json::object()), "only supported in v1/responses");
}

TEST_CASE("Responses and rules see the same turn") {
  auto facts = [](json input) { return facts_of(vendor::openai_responses, body_of(std::move(input)), 10); };
  CHECK(facts("plot").user_text == "plot");
  json reasoning{{"type", "reasoning"}, {"summary", json::array()}};
  auto more
    = facts(list({user("old"), user("plot"), reasoning, call("a"), call("b"), output("a", "1"),
                  output("b", list({json{{"type", "input_text"}, {"text", "2"}}})), call("c"), output("c", "3")}));
  CHECK(more.user_text == "plot");
  CHECK(more.responses == 2);
  CHECK(more.tool_results == 3);
  CHECK(more.last_result == "3");
}

TEST_CASE("bodies of any shape are refused by Responses, never a crash") {
  for (auto* text :
       {"null", "[]", "1", R"({"input": 3})", R"({"model": "m", "input": [3]})", R"({"model": "m", "input": [{}]})",
        R"({"model": "m", "input": [{"role": "user", "content": [null]}]})",
        R"({"model": "m", "input": [{"type": "reasoning", "summary": [1]}]})",
        R"({"model": "m", "input": "x", "reasoning": 3, "tools": 4})", R"({"model": "m", "input": "x", "tools": [1]})",
        R"({"model": "m", "input": [{"type": "function_call_output", "call_id": 3}]})"}) {
    CAPTURE(text);
    auto value = parse_json(text);
    REQUIRE(value);
    CHECK(check_responses(*value, {}));
  }
}
