#include "bench/anthropic_binding.hpp"
#include "bench/validate.hpp"
#include "bench/wire.hpp"

#include <initializer_list>

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::bench;

namespace {

// One pixel.
constexpr const char* pixel
  = "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Erk"
    "Jggg==";

std::string said(const std::optional<request_problem>& problem) {
  return problem ? problem->message : "";
}

// Of a model whose thinking is bound to nothing but its text.
std::string signature_of(const char* words) {
  return thinking_prefix{}.signature("m", words);
}

json user(json content) {
  return {{"role", "user"}, {"content", std::move(content)}};
}
json assistant(json content) {
  return {{"role", "assistant"}, {"content", std::move(content)}};
}
json text(const char* value) {
  return {{"type", "text"}, {"text", value}};
}
json call(const char* id) {
  return {{"type", "tool_use"}, {"id", id}, {"name", "python"}, {"input", json::object()}};
}
json result(const char* id, json content = "ok") {
  return {{"type", "tool_result"}, {"tool_use_id", id}, {"content", std::move(content)}};
}
json thought(const char* words, const std::string& signature) {
  return {{"type", "thinking"}, {"thinking", words}, {"signature", signature}};
}
json list(std::initializer_list<json> items) {
  auto value = json::array();
  for (auto& item : items)
    value.push_back(item);
  return value;
}

std::string anthropic(json messages, json more = json::object(), const validation& how = {}) {
  json body{{"model", "m"}, {"max_tokens", 4096}, {"messages", std::move(messages)}};
  body.update(more);
  return said(check_anthropic(body, how));
}
std::string openai(json messages, json more = json::object(), const validation& how = {}) {
  json body{{"model", "m"}, {"messages", std::move(messages)}};
  body.update(more);
  return said(check_openai(body, how));
}

bool has(const std::string& text, const char* part) {
  INFO(text);
  bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

json tool_call(const char* id) {
  return {{"id", id}, {"type", "function"}, {"function", {{"name", "python"}, {"arguments", "{}"}}}};
}
json calling(std::initializer_list<json> calls) {
  return {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", list(calls)}};
}
json tool_message(const char* id) {
  return {{"role", "tool"}, {"tool_call_id", id}, {"content", "ok"}};
}

} // namespace

TEST_CASE("Anthropic takes a history whose every call has its result right after it") {
  CHECK(anthropic(list({user("hi")})) == "");
  CHECK(anthropic(list({user("hi"), assistant(list({text("I look"), call("a"), call("b")})),
                        user(list({result("b"), result("a"), text("and now")}))}))
        == "");
  // Messages of one role in a row are one message there.
  CHECK(anthropic(list({user("hi"), user("there"), assistant(list({call("a")})), user(list({result("a")}))})) == "");
}

TEST_CASE("Anthropic refuses calls and results that do not belong together") {
  auto calls = assistant(list({call("a"), call("b")}));
  has(anthropic(list({user("hi"), calls, user("well?")})), "without `tool_result` blocks immediately after: a, b");
  has(anthropic(list({user("hi"), calls, user(list({result("a")}))})), "immediately after: b");
  has(anthropic(list({user("hi"), calls, user(list({text("so"), result("a"), result("b")}))})), "immediately after");
  has(anthropic(list({user("hi"), calls, user(list({result("a"), result("b"), result("c")}))})),
      "unexpected `tool_use_id` found in `tool_result` blocks: c");
  has(anthropic(list({user("hi"), calls, user(list({result("a"), result("a"), result("b")}))})), "a single result");
  has(anthropic(list({user(list({result("a")}))})), "unexpected `tool_use_id`");
  has(anthropic(list({user("hi"), calls})), "immediately after: a, b");
  auto once = list({user("hi"), assistant(list({call("a")})), user(list({result("a")})), assistant(list({call("a")})),
                    user(list({result("a")}))});
  has(anthropic(once), "ids must be unique");
}

TEST_CASE("Anthropic refuses roles and contents that are empty or out of place") {
  has(anthropic(json::array()), "at least one message");
  has(anthropic(list({assistant("hi")})), "first message must use the \"user\" role");
  has(anthropic(list({json{{"role", "system"}, {"content", "x"}}})), "Unexpected role \"system\"");
  has(anthropic(list({user("")})), "must be non-empty");
  has(anthropic(list({user(" \n")})), "non-whitespace");
  has(anthropic(list({user(json::array())})), "all messages must have non-empty content");
  has(anthropic(list({user("a"), assistant(list({text("")})), user("b")})), "must be non-empty");
  has(anthropic(list({user("a"), assistant("b")})), "must end with a user message");
  validation paused;
  paused.allow_paused = true;
  CHECK(anthropic(list({user("a"), assistant("b")}), json::object(), paused) == "");
  validation strict;
  strict.strict_roles = true;
  has(anthropic(list({user("a"), user("b")}), json::object(), strict), "roles must alternate");
}

TEST_CASE("Anthropic wants thinking back as it was, and before its calls") {
  json thinking{{"thinking", {{"type", "enabled"}, {"budget_tokens", 1024}}}};
  auto id = new_tool_id(true);
  auto good = thought("hm", signature_of("hm"));
  auto turn
    = [&](json blocks) { return list({user("hi"), assistant(std::move(blocks)), user(list({result(id.c_str())}))}); };
  CHECK(anthropic(turn(list({good, call(id.c_str())})), thinking) == "");
  has(anthropic(turn(list({call(id.c_str())})), thinking),
      "Expected `thinking` or `redacted_thinking`, but found `tool_use`");
  CHECK(anthropic(turn(list({call(id.c_str())}))) == ""); // thinking is off: nothing is missed
  has(anthropic(turn(list({thought("hm!", signature_of("hm")), call(id.c_str())})), thinking), "Invalid `signature`");
  has(anthropic(turn(list({thought("hm", "EqQBCkgIAxABGAIiQ=="), call(id.c_str())})), thinking), "Invalid `signature`");
  has(anthropic(turn(list({thought("hm", ""), call(id.c_str())})), thinking), "Invalid `signature`");
  CHECK(anthropic(turn(list({thought("hm", "scripted by a test"), call(id.c_str())})), thinking) == "");
  has(anthropic(list({user(list({good}))})), "only allowed in `assistant` messages");
}

TEST_CASE("Anthropic refuses settings that contradict each other") {
  auto hi = list({user("hi")});
  has(anthropic(hi, {{"max_tokens", 0}}), "max_tokens");
  has(anthropic(hi, {{"frobnicate", 1}}), "frobnicate: Extra inputs are not permitted");
  has(anthropic(hi, {{"thinking", {{"type", "enabled"}, {"budget_tokens", 100}}}}), "greater than or equal to 1024");
  has(anthropic(hi, {{"thinking", {{"type", "enabled"}, {"budget_tokens", 4096}}}}), "`max_tokens` must be greater");
  json warm{{"thinking", {{"type", "adaptive"}}}, {"temperature", 0.5}};
  has(anthropic(hi, warm), "`temperature` may only be set to 1");
  auto marked = list({});
  for (int i = 0; i < 5; ++i) {
    auto block = text("x");
    block["cache_control"] = {{"type", "ephemeral"}};
    marked.push_back(block);
  }
  has(anthropic(list({user(marked)})), "A maximum of 4 blocks with cache_control may be provided. Found 5.");
  marked.erase(0);
  CHECK(anthropic(list({user(marked)})) == "");
  json tool{{"name", "a b"}, {"input_schema", {{"type", "object"}}}};
  has(anthropic(hi, {{"tools", list({tool})}}), "tools.0.custom.name");
  tool["name"] = "ab";
  CHECK(anthropic(hi, {{"tools", list({tool})}}) == "");
  has(anthropic(hi, {{"tools", list({tool, tool})}}), "Tool names must be unique");
}

TEST_CASE("Anthropic takes images in results, of its kinds and in base64") {
  json source{{"type", "base64"}, {"media_type", "image/png"}, {"data", std::string{pixel}.substr(22)}};
  auto turn = [&](json image) {
    return list({user("hi"), assistant(list({call("a")})), user(list({result("a", list({text("see"), image}))}))});
  };
  CHECK(anthropic(turn({{"type", "image"}, {"source", source}})) == "");
  source["media_type"] = "image/jpeg";
  has(anthropic(turn({{"type", "image"}, {"source", source}})), "does not match the provided media type image/jpeg");
  source["media_type"] = "image/png";
  source["data"] = "iVBORw0KGgo=";
  has(anthropic(turn({{"type", "image"}, {"source", source}})), "Could not process image");
  source["data"] = "-_=";
  has(anthropic(turn({{"type", "image"}, {"source", source}})), "base64");
  source["media_type"] = "image/svg+xml";
  has(anthropic(turn({{"type", "image"}, {"source", source}})), "media_type");
}

TEST_CASE("OpenAI takes a history whose every call has its tool message right after it") {
  CHECK(openai(list({user("hi")})) == "");
  CHECK(openai(list({user("hi"), calling({tool_call("a"), tool_call("b")}), tool_message("b"), tool_message("a"),
                     assistant("done"), user("more")}))
        == "");
}

TEST_CASE("OpenAI refuses calls and tool messages that do not belong together") {
  auto calls = calling({tool_call("a"), tool_call("b")});
  has(openai(list({user("hi"), calls, tool_message("a"), user("well?")})), "did not have response messages: b");
  has(openai(list({user("hi"), calls})), "did not have response messages: a, b");
  has(openai(list({user("hi"), tool_message("a")})), "must be a response to a preceeding message");
  has(openai(list({user("hi"), calling({tool_call("a")}), tool_message("a"), user("x"), tool_message("a")})),
      "must be a response to a preceeding message");
  has(openai(list({user("hi"), calling({tool_call("a")}), tool_message("a"), tool_message("a")})),
      "already been answered");
  std::string longest(40, 'x'), longer(41, 'x');
  CHECK(openai(list({user("hi"), calling({tool_call(longest.c_str())}), tool_message(longest.c_str())})) == "");
  has(openai(list({user("hi"), calling({tool_call(longer.c_str())}), tool_message(longer.c_str())})),
      "string too long");
}

TEST_CASE("OpenAI refuses contents that are empty or out of place") {
  has(openai(json::array()), "empty array");
  has(openai(list({json{{"role", "bot"}, {"content", "x"}}})), "Invalid value: 'bot'");
  has(openai(list({user(nullptr)})), "expected one of a string or array");
  has(openai(list({user(json::array())})), "empty array");
  has(openai(list({user("a"), assistant(nullptr)})), "expected a string, got null");
  has(openai(list({user("a"), calling({})})), "tool_calls': empty array");
  json image{{"type", "image_url"}, {"image_url", {{"url", pixel}}}};
  CHECK(openai(list({user(list({text("see"), image}))})) == "");
  auto with_image = tool_message("a");
  with_image["content"] = list({image});
  has(openai(list({user("hi"), calling({tool_call("a")}), with_image})), "Supported values are: 'text'");
  has(openai(list({user("a")}), {{"stream_options", {{"include_usage", true}}}}),
      "only allowed when 'stream' is enabled");
  has(openai(list({user("a")}), {{"frobnicate", 1}}), "Unrecognized request argument supplied: frobnicate");
  has(openai(list({user("a")}), {{"tools", json::array()}}), "empty array");
}

TEST_CASE("bodies of any shape are refused or taken, never a crash") {
  for (auto* body :
       {"null", "[]", "1", R"({"messages": 3})", R"({"model": 1})", R"({"model": "m", "messages": [3]})",
        R"({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [null, 3, []]}]})",
        R"({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": {"a": 1}}], "tools": 3})",
        R"({"model": "m", "max_tokens": 1, "thinking": [], "messages": [], "system": 4})"}) {
    CAPTURE(body);
    auto value = parse_json(body);
    REQUIRE(value);
    CHECK(said(check_anthropic(*value, {})) != "");
    CHECK(said(check_openai(*value, {})) != "");
  }
}

TEST_CASE("keys and versions are asked for as the vendors do") {
  http_head head;
  head.headers = {{"content-type", "application/json"}};
  head.start_line = "POST /v1beta/models/m:generateContent?key=k HTTP/1.1";
  CHECK(!check_headers(vendor::google, head, {}));
  head.start_line = "POST /v1beta/models/m:generateContent HTTP/1.1";
  CHECK(check_headers(vendor::google, head, {})->status == 403);
  CHECK(check_headers(vendor::anthropic, head, {})->status == 401);
  CHECK(!check_headers(vendor::openai, head, {})); // local servers want no key
  head.headers.emplace_back("x-api-key", "k");
  CHECK(check_headers(vendor::anthropic, head, {})->message == "anthropic-version: header is required");
  head.headers.emplace_back("anthropic-version", "2023-06-01");
  CHECK(!check_headers(vendor::anthropic, head, {}));
  validation keyed;
  keyed.key = "other";
  CHECK(check_headers(vendor::anthropic, head, keyed)->message == "invalid x-api-key");
  CHECK(check_headers(vendor::openai, head, keyed)->status == 401);
  head.headers.emplace_back("authorization", "Bearer other");
  head.headers.erase(head.headers.begin() + 1);
  CHECK(!check_headers(vendor::openai, head, keyed));
}
