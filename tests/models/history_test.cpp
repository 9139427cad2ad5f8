#include "models/history.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "tests/support/history_builder.hpp"

#include <initializer_list>

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

model_response calling(std::initializer_list<const char*> ids) {
  model_response out;
  for (const auto* id : ids) {
    tool_call_part part;
    part.tool_name = "python";
    part.tool_call_id = id;
    out.parts.push_back(part);
  }
  return out;
}

model_response saying(const char* text) {
  model_response out;
  out.parts.push_back(text_part{text, {}, {}, nullptr});
  return out;
}

model_request prompting(const char* text) {
  model_request out;
  out.parts.push_back(user_prompt_part{std::string{text}, ""});
  return out;
}

model_request returning(const char* id, json content = "ok") {
  tool_return_part part;
  part.tool_name = "python";
  part.tool_call_id = id;
  part.content = std::move(content);
  model_request out;
  out.parts.push_back(part);
  return out;
}

model_request retrying(const char* id, std::optional<std::string> tool = "python") {
  retry_prompt_part part;
  part.content = "again";
  part.tool_name = std::move(tool);
  part.tool_call_id = id;
  model_request out;
  out.parts.push_back(part);
  return out;
}

bool accepted(const message_history& history) {
  return !check_history(history);
}

std::string complaint(const message_history& history) {
  const auto error = check_history(history);
  CHECK(code_of(error) == errc::invalid_input);
  return text_of(error);
}

binary_content image(const char* bytes) {
  return {bytes, "image/png", nullptr, content_identifier(bytes)};
}

} // namespace

TEST_CASE("a history where every call has its return is accepted") {
  CHECK(accepted({}));
  CHECK(accepted({prompting("hi"), saying("hello")}));
  CHECK(accepted({prompting("hi"), calling({"a", "b"}), returning("b"), returning("a"), saying("done")}));
  CHECK(accepted({prompting("hi"), calling({"a"}), retrying("a"), calling({"a"}), returning("a")}));
  CHECK(accepted({prompting("hi"), saying("bad"), retrying("made-up", std::nullopt), saying("good")}));
}

TEST_CASE("a call without a return is named") {
  CHECK(complaint({prompting("hi"), calling({"a", "b"}), returning("a")}).find(" b ") != std::string::npos);
  CHECK(complaint({calling({"a"}), saying("never mind"), returning("a")}).find(" a ") != std::string::npos);
}

TEST_CASE("a return without a call, and a second return, are named") {
  CHECK(complaint({prompting("hi"), returning("lost")}).find("lost") != std::string::npos);
  CHECK(complaint({calling({"a"}), returning("a"), returning("a")}).find(" a,") != std::string::npos);
  CHECK(complaint({returning("a"), calling({"a"})}).find(" a,") != std::string::npos);
  CHECK(complaint({calling({"a"}), returning("a"), retrying("a")}).find(" a,") != std::string::npos);
  CHECK(complaint({calling({"a", "a"}), returning("a"), returning("a")}).find(" a ") != std::string::npos);
}

TEST_CASE("tools that the vendor ran need no return") {
  model_response response;
  builtin_tool_call_part part;
  part.tool_name = "web_search";
  part.tool_call_id = "srv";
  response.parts.push_back(part);
  CHECK(accepted({prompting("hi"), response}));
  CHECK(open_calls({prompting("hi"), response}).empty());
}

TEST_CASE("open calls are those without return or retry prompt, in order") {
  const auto open = open_calls({calling({"a", "b", "c"}), returning("b"), calling({"d"}), retrying("c")});
  REQUIRE(open.size() == 2);
  CHECK(open[0].tool_call_id == "a");
  CHECK(open[0].tool_name == "python");
  CHECK(open[1].tool_call_id == "d");
  CHECK(open_calls({calling({"a"}), returning("a")}).empty());
}

TEST_CASE("adjacent requests are joined, with results of tools first and the rest in order") {
  const auto out
    = joined({prompting("1"), saying("x"), saying("y"), returning("a"), prompting("2"), retrying("b"), prompting("3")});
  REQUIRE(out.size() == 4);
  const auto& parts = std::get<model_request>(*out[3]).parts;
  REQUIRE(parts.size() == 4);
  CHECK(std::get<tool_return_part>(parts[0]).tool_call_id == "a");
  CHECK(std::get<retry_prompt_part>(parts[1]).tool_call_id == "b");
  CHECK(std::get<std::string>(std::get<user_prompt_part>(parts[2]).content) == "2");
  CHECK(std::get<std::string>(std::get<user_prompt_part>(parts[3]).content) == "3");
}

TEST_CASE("joining copies no message but those that become one") {
  other_part heard;
  heard.value = {{"part_kind", "speech"}, {"transcript", "hi"}};
  model_response spoken;
  spoken.parts.push_back(heard);
  const message_history history{prompting("1"), saying("x"), prompting("2"), prompting("3"), saying("y"), spoken};
  const auto out = joined(history);
  REQUIRE(out.size() == 5);
  CHECK(out[0].is_same_as(history[0]));
  CHECK(out[1].is_same_as(history[1]));
  CHECK(out[3].is_same_as(history[4]));
  CHECK_FALSE(out[4].is_same_as(history[5]));
}

TEST_CASE("a joined request has the newest time and instructions") {
  auto first = prompting("1");
  first.timestamp = "2025-01-01T00:00:00Z";
  first.instructions = "old";
  auto second = prompting("2");
  second.timestamp = "2025-01-01T00:00:01Z";
  second.instructions = "new";
  const auto out = joined({first, second, prompting("3")});
  REQUIRE(out.size() == 1);
  CHECK(std::get<model_request>(*out[0]).timestamp == "2025-01-01T00:00:01Z");
  CHECK(std::get<model_request>(*out[0]).instructions == "new");
}

TEST_CASE("a tool's content of text and images splits into both again") {
  const auto content = make_tool_content("Out: 4", {image("one"), image("two")});
  REQUIRE(content.is_array());
  CHECK(content.size() == 3);
  const auto split = split_tool_content(content);
  CHECK(split.text
        == "Out: 4\nSee file " + content_identifier("one") + ".\nSee file " + content_identifier("two") + ".");
  REQUIRE(split.files.size() == 2);
  CHECK(std::get<binary_content>(split.files[0]).data == "one");
  CHECK(std::get<binary_content>(split.files[1]).data == "two");
  CHECK(make_tool_content("only text", {}) == "only text");
  CHECK(make_tool_content("", {image("one")}).size() == 1);
}

TEST_CASE("content without files is its text, or compact JSON") {
  CHECK(split_tool_content("plain").text == "plain");
  CHECK(split_tool_content(nullptr).text.empty());
  CHECK(split_tool_content(json::array({"a", 1})).text == R"(["a",1])");
  CHECK(split_tool_content(json{{"x", 1.5}}).text == R"({"x":1.5})");
  CHECK(split_tool_content(42).text == "42");
}

TEST_CASE("a single file is referred to by its id") {
  const json url = {{"kind", "image-url"}, {"url", "https://e.com/a.png"}};
  const auto split = split_tool_content(url);
  REQUIRE(split.files.size() == 1);
  const auto& file = std::get<url_content>(split.files[0]);
  CHECK(file.media_type == "image/png");
  CHECK(split.text == "See file " + file.identifier + ".");
}

TEST_CASE("files inside objects are taken out, look-alikes stay") {
  json content = {{"plot", make_tool_content("", {image("one")})[0]}, {"note", {{"kind", "binary"}, {"size", 3}}}};
  const auto split = split_tool_content(content);
  REQUIRE(split.files.size() == 1);
  CHECK(split.text == R"({"plot":"See file )" + content_identifier("one") + R"(.","note":{"kind":"binary","size":3}})");
}

TEST_CASE("answers that the vendor refused are not sent again, and others are") {
  model_response refused;
  refused.parts.push_back(text_of_model("I will now"));
  refused.finish_reason = "content_filter";
  auto history
    = history_builder{}.user("one").model(text_of_model("fine")).user("two").model(refused).user("three").list();
  auto sent = without_refused(history);
  REQUIRE(sent->size() == 4);
  CHECK(joined(*sent).size() == 3);
  CHECK(history->size() == 5);
  auto whole = history_builder{}.user("one").model(text_of_model("fine")).list();
  CHECK(without_refused(whole) == whole);
  // One with a call that was answered is a part of the history that cannot be taken out.
  refused.parts.push_back(call("python", "{}", "t1"));
  auto called = history_builder{}.user("one").model(refused).result("python", "1", "t1").list();
  CHECK(without_refused(called) == called);
}

TEST_CASE("what later releases of pydantic-ai write says to a model what it says there") {
  const auto history = *messages_from_json(json::parse(R"([
    {"kind":"request","parts":[{"part_kind":"instruction-baseline","instructions":[]},
                               {"part_kind":"speech","speaker":"user","transcript":"hello"}]},
    {"kind":"response","parts":[{"part_kind":"speech","speaker":"assistant","transcript":"hi"},
                                {"part_kind":"tool-call","tool_name":"f","args":"{}","tool_call_id":"a"}]},
    {"kind":"request","parts":[{"part_kind":"tool-return","tool_name":"f","tool_call_id":"a","outcome":"retried",
                                "content":"Another argument.","retry":{"cause":"model_retry"}},
                               {"part_kind":"retry-feedback","content":"Shorter.","retry":{"cause":"model_retry"}},
                               {"part_kind":"model-settings-delta","settings":{}}]}])"));
  CHECK_FALSE(check_history(history)); // a wish to try again answers its call
  const auto said = joined(history);
  REQUIRE(said.size() == 3);
  const auto& first = std::get<model_request>(*said[0]).parts;
  REQUIRE(first.size() == 1);
  CHECK(std::get<std::string>(std::get<user_prompt_part>(first[0]).content) == "hello");
  CHECK(std::get<text_part>(std::get<model_response>(*said[1]).parts[0]).content == "hi");
  const auto& last = std::get<model_request>(*said[2]).parts;
  REQUIRE(last.size() == 2);
  CHECK(std::get<tool_return_part>(last[0]).outcome == "retried");
  CHECK(std::get<retry_prompt_part>(last[1]).content == "Shorter.");
}
