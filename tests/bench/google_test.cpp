#include "bench/validate.hpp"
#include "bench/wire.hpp"
#include "tests/bench/pictures_of.hpp"

#include <initializer_list>

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::bench;

namespace {

json list(std::initializer_list<json> items) {
  auto value = json::array();
  for (auto& item : items)
    value.push_back(item);
  return value;
}
json content(const char* role, std::initializer_list<json> parts) {
  return {{"role", role}, {"parts", list(parts)}};
}
json said(const char* words) {
  return {{"text", words}};
}
json call(const char* name, const std::string& signature = "") {
  json part{{"functionCall", {{"name", name}, {"args", json::object()}}}};
  if (!signature.empty())
    part["thoughtSignature"] = signature;
  return part;
}
json response(const char* name) {
  return {{"functionResponse", {{"name", name}, {"response", {{"output", "ok"}}}}}};
}

std::string problem(json contents, json more = json::object(), const char* model = "gemini-2.5-pro") {
  json body{{"contents", std::move(contents)}};
  body.update(more);
  auto found = check_google(body, model, {});
  return found ? found->message : "";
}
std::string config(const char* model, json thinking) {
  return problem(list({content("user", {said("hi")})}), {{"generationConfig", {{"thinkingConfig", thinking}}}}, model);
}

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

json answered(const answer& what, json body, const char* model) {
  auto facts = facts_of(vendor::google, body, 10, model, false);
  auto parsed = parse_json(google_answer(what, facts).pieces.at(0));
  REQUIRE(parsed);
  return *parsed;
}

} // namespace

TEST_CASE("Google takes a history whose calls are answered in the next content") {
  auto hi = content("user", {said("hi")});
  CHECK(problem(list({hi})) == "");
  CHECK(problem(list({hi, content("model", {said("I look."), call("python"), call("search")}),
                      content("user", {response("python"), response("search")}), content("model", {said("done")}),
                      content("user", {said("more")})}))
        == "");
}

TEST_CASE("Google refuses calls and responses that do not belong together") {
  auto hi = content("user", {said("hi")});
  auto calls = content("model", {call("python"), call("search")});
  auto* count = "the number of function response parts is equal to the number of function call parts";
  has(problem(list({hi, calls, content("user", {response("python")})})), count);
  has(problem(list({hi, calls, content("user", {said("well?")})})), count);
  has(problem(list({hi, calls})), count);
  has(problem(list({hi, content("user", {response("python")})})), "immediately after a function call turn");
  has(problem(list({hi, calls, content("user", {response("python"), response("python")})})),
      "no response for `search`");
  has(problem(list({hi, content("model", {said("so")}), content("model", {call("python")}),
                    content("user", {response("python")})})),
      "function call turn comes immediately after a user turn");
  has(problem(list({hi, content("model", {said("so")})})), "single turn requests end with a user role");
  auto named = call("python"), answered = response("python");
  named["functionCall"]["id"] = "a";
  answered["functionResponse"]["id"] = "b";
  has(problem(list({hi, content("model", {named}), content("user", {answered})})), "no response for `python`");
  answered["functionResponse"]["id"] = "a";
  CHECK(problem(list({hi, content("model", {named}), content("user", {answered})})) == "");
}

TEST_CASE("the calls of the current turn come back to Gemini 3 with their signatures") {
  auto* three = "gemini-3.6-flash";
  auto signature = sealed(thought_seal, three);
  auto hi = content("user", {said("hi")}), result = content("user", {response("python")});
  auto step = [&](const std::string& with) { return content("model", {call("python", with)}); };
  CHECK(problem(list({hi, step(signature), result}), json::object(), three) == "");
  CHECK(problem(list({hi, step(signature), result, step(signature), result}), json::object(), three) == "");
  CHECK(problem(list({hi, step(""), result}), json::object(), three)
        == "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
           "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
           "call `default_api:python` , position 2. Please refer to "
           "https://ai.google.dev/gemini-api/docs/thought-signatures for more details.");
  has(problem(list({hi, step(signature), result, step(""), result}), json::object(), three), "position 4.");
  // Of parallel calls only the first is signed; earlier turns are not looked at; other models do not ask.
  auto both = content("model", {call("python", signature), call("search")});
  CHECK(problem(list({hi, both, content("user", {response("python"), response("search")})}), json::object(), three)
        == "");
  CHECK(problem(list({hi, step(""), result, content("model", {said("ok")}), hi}), json::object(), three) == "");
  CHECK(problem(list({hi, step(""), result})) == "");
  auto changed = signature;
  changed[20] = changed[20] == 'a' ? 'b' : 'a';
  CHECK(problem(list({hi, step(changed), result}), json::object(), three) == "Corrupted thought signature.");
  CHECK(problem(list({hi, step("skip_thought_signature_validator"), result}), json::object(), three) == "");
  json snake{{"function_call", {{"name", "python"}, {"args", json::object()}}}, {"thought_signature", signature}};
  CHECK(problem(list({hi, content("model", {snake}), result}), json::object(), three) == "");
}

TEST_CASE("chat completions of Gemini 3 carry the signature in extra_content, and want it back") {
  json asked{{"model", "gemini-3.6-flash"}, {"messages", list({json{{"role", "user"}, {"content", "hi"}}})}};
  answer what;
  what.blocks = {tool_block{"python", "{}", {}}, tool_block{"python", "{}", {}}};
  auto facts = facts_of(vendor::openai, asked, 10);
  auto body = parse_json(openai_answer(what, facts).pieces.at(0));
  REQUIRE(body);
  auto message = body->at("choices")[0]["message"];
  CHECK(message["tool_calls"][0].contains("extra_content"));
  CHECK(!message["tool_calls"][1].contains("extra_content"));
  asked["messages"].push_back(message);
  for (auto& one : message["tool_calls"])
    asked["messages"].push_back({{"role", "tool"}, {"tool_call_id", one["id"]}, {"content", "ok"}});
  CHECK(!check_openai(asked, {}));
  asked["messages"][1]["tool_calls"][0].erase("extra_content");
  auto found = check_openai(asked, {});
  REQUIRE(found);
  has(found->message, "Function call is missing a thought_signature");
  has(problem_on_wire(vendor::openai, *found).pieces.at(0), "[{\"error\":{\"code\":400,");
  asked["model"] = "gemini-2.5-pro";
  CHECK(!check_openai(asked, {}));
}

TEST_CASE("Google refuses fields that it does not have, under either kind of name") {
  auto hi = list({content("user", {said("hi")})});
  has(problem(hi, {{"frobnicate", 1}}), "Unknown name \"frobnicate\": Cannot find field.");
  CHECK(problem(hi, {{"system_instruction", content("user", {said("Be brief.")})}}) == "");
  CHECK(problem(hi, {{"systemInstruction", {{"parts", list({said("Be brief.")})}}}}) == "");
  auto extra = said("hi");
  extra["extra"] = 1;
  has(problem(list({content("user", {extra})})), "Unknown name \"extra\" at 'contents[0].parts[0]'");
  has(problem(json::array()), "contents is not specified");
  has(problem(list({content("bot", {said("hi")})})), "Please use a valid role: user, model.");
  has(problem(list({content("user", {})})), "contents.parts must not be empty");
  has(problem(list({content("user", {json::object()})})), "required oneof field 'data'");
  json schema{{"type", "object"}, {"additionalProperties", false}};
  auto tools = [&](const char* key) {
    json function{{"name", "python"}, {"description", "runs"}, {key, schema}};
    return json{{"tools", list({json{{"functionDeclarations", list({function})}}})}};
  };
  has(problem(hi, tools("parameters")),
      "Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters'");
  CHECK(problem(hi, tools("parametersJsonSchema")) == "");
  CHECK(problem(hi, tools("parameters_json_schema")) == "");
}

TEST_CASE("Google's models take a budget or a level of thinking, each its own") {
  CHECK(config("gemini-2.5-flash", {{"thinkingBudget", 0}}) == "");
  has(config("gemini-2.5-pro", {{"thinkingBudget", 0}}), "This model only works in thinking mode.");
  CHECK(config("gemini-2.5-pro", {{"thinkingBudget", -1}}) == "");
  CHECK(config("gemini-2.5-pro", {{"thinkingBudget", 128}}) == "");
  has(config("gemini-2.5-pro", {{"thinkingBudget", 100}}), "The thinking budget (100) is invalid.");
  has(config("gemini-2.5-pro", {{"thinkingLevel", "low"}}), "Thinking level is not supported for this model.");
  CHECK(config("gemini-3-pro-preview", {{"thinkingLevel", "low"}}) == "");
  has(config("gemini-3-pro-preview", {{"thinkingLevel", "medium"}}), "Thinking level MEDIUM is not supported");
  CHECK(config("gemini-3.6-flash", {{"thinkingLevel", "MINIMAL"}, {"includeThoughts", true}}) == "");
  has(config("gemini-3.6-flash", {{"thinkingLevel", "low"}, {"thinkingBudget", 100}}), "only one of thinking budget");
}

TEST_CASE("Google takes pictures and documents that are some") {
  auto with = [](const char* type, const std::string& data) {
    json blob{{"inlineData", {{"mimeType", type}, {"data", data}}}};
    return problem(list({content("user", {said("see"), blob})}));
  };
  CHECK(with("image/png", png_of(9, 9)) == "");
  CHECK(with("application/pdf", base64_of("%PDF-1.7")) == "");
  has(with("image/svg+xml", base64_of("<svg/>")), "Unsupported MIME type: image/svg+xml");
  has(with("image/png", base64_of("no picture")), "Provided image is not valid.");
  has(with("image/jpeg", png_of(9, 9)), "Provided image is not valid.");
  has(with("image/png", "%%%%"), "Base64 decoding failed");
}

TEST_CASE("Google's answers sign the first call, or the end, and count thoughts apart") {
  json asked{{"contents", list({content("user", {said("hi")})})}};
  answer what;
  what.blocks
    = {thinking_block{"hm", {}}, text_block{"I look."}, tool_block{"python", "{}", {}}, tool_block{"python", "{}", {}}};
  what.usage.output = 7;
  what.usage.reasoning = 5;
  what.usage.input = 11;
  auto body = answered(what, asked, "gemini-3-flash-preview");
  auto& parts = body["candidates"][0]["content"]["parts"];
  REQUIRE(parts.size() == 3); // thoughts are hidden unless they are asked for
  CHECK(parts[1].contains("thoughtSignature"));
  CHECK(!parts[2].contains("thoughtSignature"));
  CHECK(body["usageMetadata"]["totalTokenCount"] == 23);
  CHECK(body["usageMetadata"]["thoughtsTokenCount"] == 5);
  CHECK(body["candidates"][0]["finishReason"] == "STOP");
  asked["generationConfig"] = {{"thinkingConfig", {{"includeThoughts", true}}}};
  CHECK(answered(what, asked, "gemini-2.5-pro")["candidates"][0]["content"]["parts"][0]["thought"] == true);
  answer refused;
  refused.refusal = "Not that.";
  auto no = answered(refused, asked, "gemini-2.5-pro")["candidates"][0];
  CHECK(no["finishReason"] == "SAFETY");
  CHECK(no["finishMessage"] == "Not that.");
  CHECK(!no["content"].contains("parts"));
  answer broken;
  broken.blocks = {tool_block{"python", "{\"code\": ", {}}};
  CHECK(answered(broken, asked, "gemini-2.5-pro")["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL");
  answer blocked;
  blocked.stop = "blocked";
  CHECK(answered(blocked, asked, "gemini-2.5-pro")["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT");
}

TEST_CASE("Google's contents and rules see the same turn") {
  json body{{"contents",
             list({content("user", {said("old")}), content("model", {said("yes")}), content("user", {said("plot")}),
                   content("model", {call("python")}), content("user", {response("python")})})}};
  auto facts = facts_of(vendor::google, body, 10, "m", true);
  CHECK(facts.user_text == "plot");
  CHECK(facts.responses == 1);
  CHECK(facts.tool_results == 1);
  CHECK(facts.last_result == "ok");
  CHECK(facts.stream);
  CHECK(facts.model == "m");
}

TEST_CASE("bodies of any shape are refused by Google's wire or taken, never a crash") {
  for (auto* text :
       {"null", "[]", "1", R"({"contents": 3})", R"({"contents": [3]})", R"({"contents": [{"parts": [3]}]})",
        R"({"contents": [{"parts": [{"text": 3}]}]})", R"({"contents": [{"parts": [{"functionCall": 3}]}]})",
        R"({"contents": [{"parts": [{"inlineData": []}]}], "tools": [3]})",
        R"({"contents": [{"parts": [{"functionResponse": {"name": "f"}}]}]})"}) {
    CAPTURE(text);
    auto value = parse_json(text);
    REQUIRE(value);
    CHECK(check_google(*value, "gemini-3-pro", {}));
  }
}
