#include "bench/anthropic_binding.hpp"
#include "bench/validate.hpp"
#include "bench/wire.hpp"
#include "tests/bench/pictures_of.hpp"

#include <initializer_list>

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::bench;

namespace {

constexpr const char* beta = "some-other-beta, thinking-binding-controls-2026-08-01";

json list(std::initializer_list<json> items) {
  auto value = json::array();
  for (auto& item : items)
    value.push_back(item);
  return value;
}
json user(json content) {
  return {{"role", "user"}, {"content", std::move(content)}};
}
json tool(const char* name) {
  return {{"name", name}, {"description", "runs"}, {"input_schema", {{"type", "object"}}}};
}

// A chat with a model, which only ever grows, and the answers that the server gives in it.
class chat {
public:
  explicit chat(const char* model) {
    body = {{"model", model}, {"max_tokens", 4096}, {"system", "Be brief."}, {"messages", json::array()}};
    body["tools"] = list({tool("python"), tool("search")});
  }

  void say(json content) {
    body["messages"].push_back(user(std::move(content)));
  }

  // What the server says to the request: empty if it takes it, and then its answer is part of the chat.
  std::string ask(std::vector<answer_block> blocks, const char* betas = "") {
    auto outcome = std::make_shared<binding_outcome>(binding_outcome{{}, {}, thinking_prefix{body}});
    if (auto problem = check_anthropic(body, {}, betas, outcome.get()))
      return problem->message;
    auto facts = facts_of(vendor::anthropic, body, 10);
    facts.binding_told = has_beta(betas, binding_beta);
    facts.binding = outcome;
    answer what;
    what.blocks = std::move(blocks);
    auto message = parse_json(anthropic_answer(what, facts).pieces.at(0));
    REQUIRE(message);
    last = *message;
    body["messages"].push_back({{"role", "assistant"}, {"content", message->at("content")}});
    return "";
  }

  // A whole turn: a question, a call with thinking before it, its result, and a text.
  void turn() {
    say("and?");
    REQUIRE(ask({thinking_block{"hm", {}}, tool_block{"python", R"({"code": "1"})", {}}}) == "");
    auto id = body["messages"].back()["content"].back()["id"];
    say(list({json{{"type", "tool_result"}, {"tool_use_id", id}, {"content", "1"}}}));
    REQUIRE(ask({thinking_block{"so", {}}, text_block{"It is one."}}) == "");
  }

  // Only looked at, not answered.
  std::string check(const char* betas = "") {
    auto with_question = body;
    with_question["messages"].push_back(user("go on"));
    auto problem = check_anthropic(with_question, {}, betas);
    return problem ? problem->message : "";
  }

  json body;
  json last;
};

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

std::string settings(const char* model, json more, const char* betas = "") {
  json body{{"model", model}, {"max_tokens", 4096}, {"messages", list({user("hi")})}};
  body.update(more);
  auto problem = check_anthropic(body, {}, betas);
  return problem ? problem->message : "";
}

json thinking(const char* type) {
  return {{"thinking", {{"type", type}}}};
}

constexpr const char* elsewhere
  = "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a "
    "different conversation. Remove the block, or set "
    "`thinking.block_binding.prefix_mismatch_behavior` to \"drop_block\".";

} // namespace

TEST_CASE("a chat that only grows is taken, whatever the model binds") {
  for (auto* model : {"claude-fable-5-1", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5",
                      "claude-sonnet-4-5", "scripted"}) {
    CAPTURE(model);
    chat one{model};
    for (int i = 0; i < 3; ++i)
      one.turn();
    CHECK(one.check() == "");
  }
}

TEST_CASE("a changed prefix is refused by the models that bind, and what changed is named") {
  chat one{"claude-opus-5-5"};
  one.turn();
  one.turn();
  SUBCASE("the system prompt") {
    one.body["system"] = "Be long.";
    has(one.check(), elsewhere);
    has(one.check(), "That setting requires the `thinking-binding-controls-2026-08-01` value");
    has(one.check(), "The `system` prompt differs");
    CHECK(one.check(beta).find("That setting requires") == std::string::npos);
  }
  SUBCASE("a system prompt that is gone") {
    one.body.erase("system");
    has(one.check(), "The `system` prompt differs");
  }
  SUBCASE("a tool's description") {
    one.body["tools"][0]["description"] = "runs code";
    has(one.check(), "The `tools` list differs");
  }
  SUBCASE("a tool more, or less") {
    one.body["tools"].push_back(tool("third"));
    has(one.check(), "The `tools` list differs");
    one.body["tools"] = list({tool("python")});
    has(one.check(), "The `tools` list differs");
  }
  SUBCASE("an earlier message") {
    one.body["messages"][0]["content"] = "or?";
    has(one.check(), "The `messages` before the block differ");
  }
  SUBCASE("an earlier result") {
    one.body["messages"][2]["content"][0]["content"] = "[cleared]";
    has(one.check(), "messages.3.content.0: Invalid `signature`");
  }
  SUBCASE("an earlier call's input") {
    one.body["messages"][1]["content"][1]["input"]["code"] = "2";
    has(one.check(), "messages.3.content.0: Invalid `signature`");
  }
  SUBCASE("thinking that is gone from the middle") {
    one.body["messages"][3]["content"].erase(0);
    has(one.check(), "messages.5.content.0: Invalid `signature`");
    has(one.check(), "The thinking blocks before the block differ");
  }
}

TEST_CASE("what the vendor does not count as a change is none") {
  chat one{"claude-fable-5-1"};
  one.turn();
  one.turn();
  SUBCASE("cache marks") {
    one.body["system"]
      = list({json{{"type", "text"}, {"text", "Be brief."}, {"cache_control", {{"type", "ephemeral"}}}}});
    one.body["tools"][1]["cache_control"] = {{"type", "ephemeral"}};
    one.body["messages"][2]["content"][0]["cache_control"] = {{"type", "ephemeral"}};
  }
  SUBCASE("other parameters") {
    one.body["max_tokens"] = 99;
    one.body["output_config"] = {{"effort", "low"}};
    one.body["thinking"] = {{"type", "adaptive"}, {"display", "summarized"}};
    one.body["metadata"] = {{"user_id", "u"}};
  }
  SUBCASE("a tool that loads later, and the order of a set") {
    auto later = tool("later");
    later["defer_loading"] = true;
    one.body["tools"] = list({tool("search"), later, tool("python")});
  }
  SUBCASE("thinking that is gone from the beginning, the end, or everywhere") {
    SUBCASE("beginning") {
      one.body["messages"][1]["content"].erase(0);
    }
    SUBCASE("end") {
      one.body["messages"][7]["content"].erase(0);
    }
    SUBCASE("everywhere") {
      for (size_t i : {1u, 3u, 5u, 7u})
        one.body["messages"][i]["content"].erase(0);
    }
  }
  SUBCASE("the order of keys, and a string for one block of text") {
    json turned{{"content", list({json{{"text", "and?"}, {"type", "text"}}})}, {"role", "user"}};
    one.body["messages"][0] = turned;
  }
  CHECK(one.check() == "");
}

TEST_CASE("models that do not bind take a changed prefix, but no changed thinking") {
  for (auto* model : {"claude-opus-5", "claude-mythos-5-1", "scripted"}) {
    CAPTURE(model);
    chat one{model};
    one.turn();
    one.body["system"] = "Be long.";
    CHECK(one.check() == "");
    one.body["messages"][1]["content"][0]["thinking"] = "something else";
    CHECK(one.check() == "messages.1.content.0: Invalid `signature` in `thinking` block");
  }
}

TEST_CASE("drop_block drops what no longer holds, and says so; what comes after holds again") {
  chat one{"claude-sonnet-5-5"};
  one.turn();
  one.body["system"] = "Be long.";
  json drop{{"type", "adaptive"}, {"block_binding", {{"prefix_mismatch_behavior", "drop_block"}}}};
  one.body["thinking"] = drop;
  has(one.check(), "thinking.adaptive.block_binding: Extra inputs are not permitted");
  CHECK(one.check(beta) == "");
  one.say("again");
  REQUIRE(one.ask({thinking_block{"ah", {}}, text_block{"Yes."}}, beta) == "");
  auto dropped = [](const char* path, const char* reason) {
    return json{{"type", "thinking_dropped"}, {"path", path}, {"reason", reason}};
  };
  auto first = dropped("messages.1.content.0", "prefix_binding_mismatch");
  auto second = dropped("messages.3.content.0", "prefix_binding_mismatch");
  CHECK(one.last["input_transformations"] == list({first, second}));
  one.say("and again");
  REQUIRE(one.ask({text_block{"Yes."}}, beta) == "");
  CHECK(one.last["input_transformations"] == list({first, second})); // the new block is not among them
  one.body["thinking"]["block_binding"]["prefix_mismatch_behavior"] = "error";
  has(one.check(beta), elsewhere);
  one.body["thinking"]["block_binding"]["prefix_mismatch_behavior"] = "ignore";
  has(one.check(beta), "Input should be 'error' or 'drop_block'");
}

TEST_CASE("thinking of a model that this one cannot read is dropped without an error") {
  chat one{"claude-fable-5-1"};
  one.turn();
  one.body["model"] = "claude-opus-5-5";
  one.say("and you?");
  REQUIRE(one.ask({thinking_block{"hm", {}}, text_block{"Me too."}}, beta) == "");
  CHECK(one.last["input_transformations"].size() == 2);
  CHECK(one.last["input_transformations"][0]["reason"] == "model_binding_mismatch");
  // Back at the first, which reads both.
  one.body["model"] = "claude-fable-5-1";
  one.say("and?");
  REQUIRE(one.ask({text_block{"Yes."}}, beta) == "");
  CHECK(one.last["input_transformations"] == json::array());
  one.say("bye");
  REQUIRE(one.ask({text_block{"Bye."}}) == "");
  CHECK(!one.last.contains("input_transformations"));
}

TEST_CASE("thinking is shown, hidden or absent as the model and the request say") {
  auto content = [](const char* model, json thinking) {
    chat one{model};
    if (!thinking.is_null())
      one.body["thinking"] = thinking;
    one.say("hi");
    REQUIRE(one.ask({thinking_block{"hm", {}}, text_block{"Yes."}}) == "");
    auto& first = one.last["content"][0];
    return first["type"] == "thinking" ? first["thinking"].get<std::string>() : std::string{"no thinking"};
  };
  CHECK(content("claude-opus-5-5", nullptr) == "");
  CHECK(content("claude-opus-5-5", {{"type", "adaptive"}, {"display", "summarized"}}) == "hm");
  CHECK(content("claude-opus-5", {{"type", "disabled"}}) == "no thinking");
  CHECK(content("claude-sonnet-5-5", {{"type", "between_tools"}}) == "no thinking");
  CHECK(content("claude-sonnet-4-5", nullptr) == "no thinking");
  CHECK(content("claude-sonnet-4-5", {{"type", "enabled"}, {"budget_tokens", 1024}}) == "hm");
  CHECK(content("scripted", nullptr) == "hm");
}

TEST_CASE("each model takes its own kinds of thinking") {
  CHECK(settings("claude-opus-5-5", thinking("adaptive")) == "");
  has(settings("claude-opus-5-5", thinking("disabled")), "\"thinking.type.disabled\" is not supported for this model.");
  has(settings("claude-fable-5-1", thinking("disabled")), "\"thinking.type.disabled\" is not supported");
  CHECK(settings("claude-opus-5", thinking("disabled")) == "");
  CHECK(settings("claude-haiku-5-5", thinking("disabled")) == "");
  CHECK(settings("claude-sonnet-5", thinking("disabled")) == "");
  has(settings("claude-sonnet-5-5", thinking("disabled")),
      "send \"thinking\": {\"type\": \"between_tools\"} instead of");
  CHECK(settings("claude-sonnet-5-5", thinking("between_tools")) == "");
  has(settings("claude-opus-5-5", thinking("between_tools")), "not supported for this model");
  json high{{"thinking", {{"type", "between_tools"}}}, {"output_config", {{"effort", "max"}}}};
  has(settings("claude-sonnet-5-5", high), "not supported at effort \"max\"");
  json budget{{"thinking", {{"type", "enabled"}, {"budget_tokens", 1024}}}};
  CHECK(settings("claude-sonnet-4-5-20250929", budget) == "");
  has(settings("claude-sonnet-5", budget), "\"thinking.type.enabled\" is not supported for this model. Use");
  has(settings("claude-opus-4-7", budget), "\"thinking.type.enabled\" is not supported for this model. Use");
  has(settings("claude-haiku-4-5", thinking("adaptive")), "adaptive thinking is not supported on this model");
  has(settings("claude-opus-5", {{"temperature", 0.5}}), "`temperature` is deprecated for this model.");
  CHECK(settings("claude-sonnet-4-5", {{"temperature", 0.5}}) == "");
  json forced{{"tool_choice", {{"type", "any"}}}, {"tools", list({tool("python")})}};
  has(settings("claude-opus-5-5", forced), "tool_choice: type \"tool\" and \"any\" are not supported for this model");
  CHECK(settings("claude-opus-5", forced) == "");
}

TEST_CASE("pictures are taken within the vendor's limits, and refused beyond them") {
  auto with = [](const char* model, int count, std::string first) {
    auto content = json::array();
    for (int i = 0; i < count; ++i) {
      json source{{"type", "base64"}, {"media_type", "image/png"}, {"data", i == 0 ? first : png_of(10, 10)}};
      content.push_back({{"type", "image"}, {"source", source}});
    }
    json body{{"model", model}, {"max_tokens", 99}, {"messages", list({user(content)})}};
    auto problem = check_anthropic(body, {});
    return problem ? problem->message : "";
  };
  auto* model = "claude-opus-5-5";
  CHECK(with(model, 20, png_of(2905, 1977)) == "");
  has(with(model, 21, png_of(2905, 1977)),
      "messages.0.content.0.image.source.base64.data: At least one of the image dimensions exceed max allowed size for "
      "many-image requests: 2000 pixels");
  CHECK(with(model, 21, png_of(2000, 2000)) == "");
  CHECK(with(model, 1, png_of(8000, 10)) == "");
  has(with(model, 1, png_of(8001, 10)), "exceed max allowed size: 8000 pixels");
  CHECK(with(model, 600, png_of(9, 9)) == "");
  CHECK(with(model, 601, png_of(9, 9)) == "Too much media: 0 document pages + 601 images > 600");
  CHECK(with("claude-haiku-4-5", 100, png_of(9, 9)) == "");
  CHECK(with("claude-haiku-4-5", 101, png_of(9, 9)) == "Too much media: 0 document pages + 101 images > 100");
  CHECK(with(model, 1, png_of(9, 9, 3'900'000)) == "");
  has(with(model, 1, png_of(9, 9, 4'000'000)), "image exceeds 5 MB maximum: ");
  CHECK(with(model, 1, base64_of("<svg xmlns='http://www.w3.org/2000/svg'/>")) == "Could not process image");
}

TEST_CASE("documents are PDFs") {
  auto with = [](const std::string& bytes) {
    json source{{"type", "base64"}, {"media_type", "application/pdf"}, {"data", base64_of(bytes)}};
    json body{{"model", "m"}, {"max_tokens", 99}};
    body["messages"] = list({user(list({json{{"type", "document"}, {"source", source}}}))});
    auto problem = check_anthropic(body, {});
    return problem ? problem->message : "";
  };
  CHECK(with("%PDF-1.7\n%%EOF") == "");
  has(with("not a PDF at all"), "The PDF specified was not valid.");
}
