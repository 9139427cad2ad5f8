// The rules of the JSON form of messages, one by one.
#include "base/base64.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/timestamp.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace varro;

namespace {

json parsed(std::string_view text) {
  auto value = parse_json(text);
  REQUIRE_MESSAGE(value, std::string{text});
  return *value;
}

// A list of one request or response with one part.
json request_of(std::string_view part) {
  return parsed(R"([{"kind":"request","parts":[)" + std::string{part} + "]}]");
}

json response_of(std::string_view part, std::string_view more = "") {
  return parsed(R"([{"kind":"response","timestamp":"2025-01-01T00:00:00Z","parts":[)" + std::string{part} + "]"
                + std::string{more} + "}]");
}

json written(const json& messages) {
  const auto read = messages_from_json(messages);
  REQUIRE_MESSAGE(read, text_of(read.error()));
  return to_json(*read);
}

json first_part(const json& messages) {
  return written(messages)[0]["parts"][0];
}

std::string refusal(const json& messages) {
  const auto read = messages_from_json(messages);
  REQUIRE_FALSE(read);
  CHECK(code_of(read.error()) == errc::invalid_input);
  return text_of(read.error());
}

json prompt_item(std::string_view item) {
  return first_part(request_of(R"({"part_kind":"user-prompt","timestamp":"2025-01-01T00:00:00Z","content":[)"
                               + std::string{item} + "]}"))["content"][0];
}

std::string time_written(const json& time) {
  auto messages = request_of(R"({"part_kind":"user-prompt","content":"x"})");
  messages[0]["parts"][0]["timestamp"] = time;
  const auto read = messages_from_json(messages);
  return read ? to_json(*read)[0]["parts"][0]["timestamp"].get<std::string>() : "refused";
}

json tool_return_of(const json& content) {
  auto messages = request_of(R"({"part_kind":"tool-return","tool_name":"t","tool_call_id":"c"})");
  messages[0]["parts"][0]["content"] = content;
  return first_part(messages);
}

} // namespace

TEST_CASE("a message is written with all fields, in order, even when nothing is set") {
  model_response response;
  response.timestamp = "2025-01-01T00:00:00Z";
  CHECK(to_json_text(message{response})
        == R"({"parts":[],"usage":{"input_tokens":0,"cache_write_tokens":0,"cache_read_tokens":0,"output_tokens":0,)"
           R"("input_audio_tokens":0,"cache_audio_read_tokens":0,"output_audio_tokens":0,"details":{}},)"
           R"("model_name":null,"timestamp":"2025-01-01T00:00:00Z","kind":"response","provider_name":null,)"
           R"("provider_url":null,"provider_details":null,"provider_response_id":null,"finish_reason":null,)"
           R"("run_id":null,"conversation_id":null,"metadata":null,"state":"complete"})");
  CHECK(to_json_text(message{model_request{}})
        == R"({"parts":[],"timestamp":null,"instructions":null,"kind":"request","run_id":null,)"
           R"("conversation_id":null,"metadata":null,"state":"complete"})");
}

TEST_CASE("timestamps are normalised, and keep their offset or the lack of one") {
  CHECK(time_written("2025-01-02T03:04:05Z") == "2025-01-02T03:04:05Z");
  CHECK(time_written("2025-01-02T03:04:05.6789+00:00") == "2025-01-02T03:04:05.678900Z");
  CHECK(time_written("2025-01-02T03:04:05.123456999Z") == "2025-01-02T03:04:05.123456Z");
  CHECK(time_written("2025-01-02T03:04:05+0530") == "2025-01-02T03:04:05+05:30");
  CHECK(time_written("2025-01-02T03:04:05.5-11:45") == "2025-01-02T03:04:05.500000-11:45");
  CHECK(time_written("2025-01-02 03:04") == "2025-01-02T03:04:00");
  CHECK(time_written("2025-01-02") == "2025-01-02T00:00:00");
  CHECK(time_written("2024-02-29T00:00:00Z") == "2024-02-29T00:00:00Z");
}

TEST_CASE("epoch numbers are timestamps: seconds, or milliseconds beyond 2e10") {
  CHECK(time_written(1735787045) == "2025-01-02T03:04:05Z");
  CHECK(time_written(1735787045.5) == "2025-01-02T03:04:05.500000Z");
  CHECK(time_written(1735787045123) == "2025-01-02T03:04:05.123000Z");
  CHECK(time_written(20'000'000'000) == "2603-10-11T11:33:20Z");
  CHECK(time_written(20'000'000'001) == "1970-08-20T11:33:20.001000Z");
  CHECK(time_written("1735787045.5") == "2025-01-02T03:04:05.500000Z");
  CHECK(time_written(-1) == "1969-12-31T23:59:59Z");
}

TEST_CASE("what is no timestamp is refused") {
  for (const auto* text : {"", "now", "2025-02-29T00:00:00Z", "2025-01-02T24:00:00Z", "2025-01-02T03:04:05+24:00",
                           "2025-01-02T03:04:05Z ", "2025-1-2T03:04:05Z", "0000-01-01T00:00:00Z", "1e9", "inf", "-"})
    CHECK_MESSAGE(time_written(text) == "refused", text);
  for (const auto& value : {json(nullptr), json(true), json(1e300), json(json::array()), json(UINT64_MAX)})
    CHECK(time_written(value) == "refused");
}

TEST_CASE("a part's missing timestamp is now, a request's stays null") {
  const auto out = written(request_of(R"({"part_kind":"user-prompt","content":"x"})"))[0];
  CHECK(out["timestamp"].is_null());
  CHECK(out["parts"][0]["timestamp"].get<std::string>().back() == 'Z');
  CHECK(timestamp_now().size() >= std::string_view{"2025-01-02T03:04:05Z"}.size());
}

TEST_CASE("base64 is written URL-safe with padding, and read in either alphabet with or without it") {
  const std::string bytes{"\xFB\xFF\xBF\x00\x01", 5};
  CHECK(base64url_encode(bytes) == "-_-_AAE=");
  CHECK(base64_encode(bytes) == "+/+/AAE=");
  for (const auto* text : {"-_-_AAE=", "+/+/AAE=", "-_-_AAE", "+/+/AAE"})
    CHECK(base64_decode(text) == bytes);
  CHECK(base64_decode("") == "");
  for (const auto* text : {"A", "AB==", "AA\n==", "-_+/", "AA===", "AAAA=", "A=A=", "=", "\xC3\xA4"})
    CHECK_FALSE(base64_decode(text));
}

TEST_CASE("every byte survives base64 at every length") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    CHECK(base64_decode(base64url_encode(bytes)) == bytes);
    CHECK(base64_decode(base64_encode(bytes)) == bytes);
    bytes += static_cast<char>(i * 37);
  }
}

TEST_CASE("a file without identifier gets the first six digits of its SHA-1") {
  CHECK(content_identifier("Hello") == "f7ff9e");
  CHECK(prompt_item(R"({"kind":"binary","data":"SGVsbG8","media_type":"text/plain"})")
        == parsed(R"({"data":"SGVsbG8=","media_type":"text/plain","vendor_metadata":null,"kind":"binary",
                      "identifier":"f7ff9e"})"));
  CHECK(
    prompt_item(R"({"kind":"binary","data":"SGVsbG8=","media_type":"text/plain","identifier":"mine"})")["identifier"]
    == "mine");
}

TEST_CASE("a URL's media type is guessed from its extension") {
  const auto guessed = [](const std::string& kind, const std::string& url) {
    return prompt_item(json{{"kind", kind}, {"url", url}}.dump())["media_type"].get<std::string>();
  };
  CHECK(guessed("image-url", "https://e.com/a.PNG") == "image/png");
  CHECK(guessed("audio-url", "https://e.com/a.mp3") == "audio/mpeg");
  CHECK(guessed("document-url", "https://e.com/a.tar.gz") == "application/x-tar");
  CHECK(guessed("document-url", "https://e.com/a.tgz") == "application/x-tar");
  CHECK(guessed("video-url", "https://www.youtube.com/watch?v=1") == "video/mp4");
  CHECK(guessed("image-url", "data:image/gif;base64,AA") == "image/gif");
  CHECK(guessed("image-url", "https://e.com/a.png?size=2") == "image/png");
  CHECK(guessed("image-url", "https://e.com/chart") == "application/octet-stream");
  CHECK(guessed("image-url", "https://e.com/.png") == "application/octet-stream");
  CHECK(prompt_item(R"({"kind":"image-url","url":"https://e.com/chart","media_type":"image/jpeg"})")["media_type"]
        == "image/jpeg");
}

TEST_CASE("an uploaded file's media type goes by its id, else it is bytes") {
  CHECK(prompt_item(R"({"kind":"uploaded-file","file_id":"f-1","provider_name":"openai"})")["media_type"]
        == "application/octet-stream");
  CHECK(prompt_item(R"({"kind":"uploaded-file","file_id":"s3://b/c.pdf?x","provider_name":"bedrock"})")["media_type"]
        == "application/pdf");
  refusal(request_of(R"({"part_kind":"user-prompt",
    "content":[{"kind":"uploaded-file","file_id":"f","provider_name":"nobody"}]})"));
}

TEST_CASE("file objects inside a tool's content are completed at any depth") {
  const auto part
    = tool_return_of(parsed(R"({"list":[1,{"deep":{"kind":"binary","media_type":"x","data":"AA","zz":1}}]})"));
  CHECK(part["content"].dump()
        == R"({"list":[1,{"deep":{"data":"AA==","media_type":"x","vendor_metadata":null,"kind":"binary",)"
           R"("identifier":"5ba93c"}}]})");
}

TEST_CASE("an object in a tool's content that only resembles a file stays as it is") {
  for (const auto* text :
       {R"({"kind":"binary","label":"foo"})", R"({"kind":"binary","media_type":"text/plain"})",
        R"({"kind":"image-url","url":5})", R"({"kind":"other","url":"https://e.com/a.png"})",
        R"({"kind":"uploaded-file","file_id":"f","provider_name":"nobody"})", R"({"url":"https://e.com/a.png"})"})
    CHECK(tool_return_of(parsed(text))["content"].dump() == parsed(text).dump());
}

TEST_CASE("arguments keep the form in which they arrived") {
  const auto args = [](std::string_view text) {
    return first_part(response_of(R"({"part_kind":"tool-call","tool_name":"t","tool_call_id":"c","args":)"
                                  + std::string{text} + "}"))["args"]
      .dump();
  };
  for (const auto* text : {R"("{\"x\": 1}")", R"({"x":1})", "null", R"("")", R"("{bad")"})
    CHECK(args(text) == text);
  CHECK(args(R"({"args_json":"{\"x\":1}"})") == R"("{\"x\":1}")");
  CHECK(args(R"({"args_dict":{"x":1}})") == R"({"x":1})");
  // With today's keys in the part, these are the tool's own argument names.
  CHECK(first_part(response_of(R"({"part_kind":"tool-call","tool_name":"t","tool_call_id":"c","id":null,
                                   "args":{"args_json":"x"}})"))["args"]
        == parsed(R"({"args_json":"x"})"));
}

TEST_CASE("usage of older releases is read, and what v2.9.1 does not know is dropped") {
  const auto usage
    = [](std::string_view text) { return written(response_of("", R"(,"usage":)" + std::string{text}))[0]["usage"]; };
  const auto old = usage(R"({"requests":1,"request_tokens":56,"response_tokens":4,"total_tokens":60,"details":null})");
  CHECK(old["input_tokens"] == 56);
  CHECK(old["output_tokens"] == 4);
  CHECK(old["details"] == json::object());
  CHECK_FALSE(old.contains("requests"));
  CHECK(usage(R"({"input_tokens":1,"request_tokens":2,"total_cost":0.5,"details":{"a":"3"}})")
        == usage(R"({"input_tokens":1,"details":{"a":3}})"));
  refusal(response_of("", R"(,"usage":null)"));
  refusal(response_of("", R"(,"usage":{"request_tokens":null})"));
  refusal(response_of("", R"(,"usage":{"details":{"a":null}})"));
}

TEST_CASE("vendor_id and vendor_details are the older names of the response's origin") {
  const auto out = written(response_of("", R"(,"vendor_id":"r1","vendor_details":{"finish_reason":"stop"})"))[0];
  CHECK(out["provider_response_id"] == "r1");
  CHECK(out["provider_details"] == parsed(R"({"finish_reason":"stop"})"));
}

TEST_CASE("outcomes, states and kinds of later releases are kept and written back") {
  CHECK(written(response_of("", R"(,"state":"suspended")"))[0]["state"] == "suspended");
  for (const auto* outcome : {"interrupted", "retried"}) {
    const auto part = first_part(request_of(R"({"part_kind":"tool-return","tool_name":"search_tools","tool_call_id":"c",
      "content":"no","tool_kind":"tool-search","outcome":")"
                                            + std::string{outcome} + "\"}"));
    CHECK(part["outcome"] == outcome);
    CHECK(part["tool_kind"] == "tool-search"); // what is no answer has not an answer's shape
  }
  CHECK(first_part(request_of(R"({"part_kind":"tool-return","tool_name":"t","tool_call_id":"c","content":"x",
                                  "tool_kind":"later"})"))["tool_kind"]
        == "later");
}

TEST_CASE("fields that later releases added are kept, and are not written where there were none") {
  const auto retried = first_part(request_of(
    R"({"part_kind":"tool-return","tool_name":"t","tool_call_id":"c","content":[{"type":"missing","loc":["x"],"msg":"m"}],
        "outcome":"retried","retry":{"cause":"validation_error","attempt":1,"max_retries":3}})"));
  CHECK(retried["retry"] == parsed(R"({"cause":"validation_error","attempt":1,"max_retries":3})"));
  CHECK(retried["content"][0]["msg"] == "m");
  CHECK(first_part(response_of(R"({"part_kind":"text","content":"x","citations":[{"sources":[]}]})"))["citations"]
        == parsed(R"([{"sources":[]}])"));
  CHECK(first_part(
          request_of(R"({"part_kind":"system-prompt","content":"x","scope":"request","context_id":null})"))["scope"]
        == "request");
  const auto out = written(
    response_of("", R"(,"model_id":"openai:gpt-6","history_digest":null,"workspace_ref":{"provider":"p","id":"i"},
            "usage":{"input_tokens":1,"cost":"0.5","output_reasoning_tokens":7})"))[0];
  CHECK(out["model_id"] == "openai:gpt-6");
  CHECK(out["workspace_ref"]["id"] == "i");
  CHECK_FALSE(out.contains("history_digest"));
  CHECK(out["usage"]["cost"] == "0.5");
  CHECK(out["usage"]["output_reasoning_tokens"] == 7);
  CHECK_FALSE(first_part(response_of(R"({"part_kind":"text","content":"x"})")).contains("citations"));
  CHECK(prompt_item(R"({"kind":"structured-content","content":"<s>1</s>","value":{"a":1},"tag":"s","metadata":null})")
        == parsed(R"({"content":"<s>1</s>","metadata":null,"kind":"structured-content","value":{"a":1},"tag":"s"})"));
}

TEST_CASE("parts of later kinds are kept whole, where they may stand") {
  for (
    const auto* part : {
      R"({"speaker":"user","transcript":"hello","audio":null,"part_kind":"speech"})",
      R"({"content":"Too long.","retry":{"cause":"model_retry"},"timestamp":"2026-11-01T00:00:00Z","part_kind":"retry-feedback"})",
      R"({"tools_added":["a"],"tool_call_id":null,"part_kind":"tool-availability-delta"})",
      R"({"loaded":["a"],"tool_call_id":null,"part_kind":"capability-load-delta"})",
      R"({"settings":{"thinking":"high"},"top_level":false,"part_kind":"model-settings-delta"})",
      R"({"id":"agent","content":"Now so.","base_hash":null,"part_kind":"instruction-delta"})",
      R"({"instructions":[],"part_kind":"instruction-baseline"})",
      R"({"content":"What was.","id":null,"provider_name":null,"provider_details":null,"metadata":null,"part_kind":"compaction"})",
    })
    CHECK(first_part(request_of(part)) == parsed(part));
  const auto* spoken = R"({"speaker":"assistant","transcript":"hi","part_kind":"speech"})";
  CHECK(first_part(response_of(spoken)) == parsed(spoken));
  CHECK(refusal(request_of(spoken)).find("speaker") != std::string::npos);
  CHECK(refusal(response_of(R"({"part_kind":"retry-feedback","content":"x"})")).find("part_kind") != std::string::npos);
}

TEST_CASE("null ids of two calls of one tool go to its returns in order") {
  const auto out = written(parsed(R"([
    {"kind":"response","parts":[
      {"part_kind":"tool-call","tool_name":"a","args":"1","tool_call_id":null},
      {"part_kind":"tool-call","tool_name":"b","args":"2"},
      {"part_kind":"tool-call","tool_name":"a","args":"3","tool_call_id":null}]},
    {"kind":"request","parts":[
      {"part_kind":"tool-return","tool_name":"b","content":"2","tool_call_id":null},
      {"part_kind":"tool-return","tool_name":"a","content":"1","tool_call_id":null},
      {"part_kind":"retry-prompt","tool_name":"a","content":"3","tool_call_id":null},
      {"part_kind":"tool-return","tool_name":"a","content":"none is left","tool_call_id":null}]}])"));
  const auto& calls = out[0]["parts"];
  const auto& returns = out[1]["parts"];
  CHECK(returns[0]["tool_call_id"] == calls[1]["tool_call_id"]);
  CHECK(returns[1]["tool_call_id"] == calls[0]["tool_call_id"]);
  CHECK(returns[2]["tool_call_id"] == calls[2]["tool_call_id"]);
  std::set<std::string> ids;
  for (const auto& part : calls)
    ids.insert(part["tool_call_id"].get<std::string>());
  ids.insert(returns[3]["tool_call_id"].get<std::string>());
  CHECK(ids.size() == 4);
  CHECK(make_tool_call_id().size() == 7 + 32);
}

TEST_CASE("validation errors keep their known fields in order") {
  const auto part = first_part(request_of(R"({"part_kind":"retry-prompt","tool_call_id":"c","content":[
    {"msg":"Field required","url":"u","input":{"z":1},"loc":["a",0],"type":"missing","junk":1,"ctx":{"e":2}}]})"));
  CHECK(part["content"].dump()
        == R"([{"type":"missing","loc":["a",0],"msg":"Field required","input":{"z":1},"ctx":{"e":2},"url":"u"}])");
}

TEST_CASE("typed tool parts lose unknown keys, and become ordinary when their data do not fit") {
  const auto call = [](std::string_view name, std::string_view args) {
    return first_part(response_of(R"({"part_kind":"tool-call","tool_kind":"tool-search","tool_call_id":"c",
      "tool_name":")" + std::string{name}
                                  + R"(","args":)" + std::string{args} + "}"));
  };
  CHECK(call("search_tools", R"({"queries":["x"],"zz":1})")["args"] == parsed(R"({"queries":["x"]})"));
  CHECK(call("search_tools", R"({"queries":["x"],"zz":1})")["tool_kind"] == "tool-search");
  CHECK(call("search_tools", R"({"zz":1})")["tool_kind"].is_null());
  CHECK(call("search_tools", R"({"zz":1})")["args"] == parsed(R"({"zz":1})"));
  CHECK(call("other", R"({"queries":[]})")["tool_kind"].is_null());
}

TEST_CASE("data that was text before 0.0.37 is read as text") {
  CHECK(prompt_item(R"({"data":"Hello, world","media_type":"text/plain","kind":"binary"})")["data"]
        == base64url_encode("Hello, world"));
  refusal(request_of(R"({"part_kind":"user-prompt",
    "content":[{"data":"Hello, world","media_type":"image/png","kind":"binary"}]})"));
}

TEST_CASE("what v2.9.1 refuses is refused, with the path of the mistake") {
  CHECK(refusal(parsed("{}")).find("list of messages") != std::string::npos);
  CHECK(refusal(parsed("[{}]")).find("[0].kind") != std::string::npos);
  CHECK(refusal(parsed(R"([{"kind":"other","parts":[]}])")).find("[0].kind") != std::string::npos);
  CHECK(refusal(parsed(R"([{"kind":"request"}])")).find("[0].parts") != std::string::npos);
  CHECK(refusal(request_of("{}")).find("[0].parts[0].part_kind") != std::string::npos);
  CHECK(refusal(request_of(R"({"part_kind":"instruction","content":"x"})")).find("part_kind") != std::string::npos);
  CHECK(refusal(response_of(R"({"part_kind":"user-prompt","content":"x"})")).find("part_kind") != std::string::npos);
  CHECK(refusal(response_of(R"({"part_kind":"speech"})")).find("speaker") != std::string::npos);
  CHECK(refusal(response_of(R"({"part_kind":"text","content":null})")).find("[0].parts[0].content")
        != std::string::npos);
  for (const auto* args : {"[]", "5", "true"})
    CHECK(refusal(response_of(R"({"part_kind":"tool-call","tool_name":"t","tool_call_id":"c","args":)"
                              + std::string{args} + "}"))
            .find("args")
          != std::string::npos);
  CHECK(refusal(response_of("", R"(,"finish_reason":"later")")).find("finish_reason") != std::string::npos);
  CHECK(refusal(response_of("", R"(,"state":"later")")).find("state") != std::string::npos);
  CHECK(refusal(request_of(R"({"part_kind":"tool-return","tool_name":"t","tool_call_id":"c","content":1,
                               "outcome":"later"})"))
          .find("outcome")
        != std::string::npos);
  CHECK(refusal(request_of(R"({"part_kind":"user-prompt","content":["a",{"kind":"cache-point","ttl":"2h"}]})"))
          .find("[0].parts[0].content[1].ttl")
        != std::string::npos);
}

TEST_CASE("usage adds up, and stops at the end of the range") {
  token_usage sum;
  token_usage one;
  one.input_tokens = 5;
  one.cache_read_tokens = 2;
  one.output_tokens = INT64_MAX;
  one.details = parsed(R"({"reasoning_tokens":3,"odd":"x"})");
  sum += one;
  sum += one;
  CHECK(sum.input_tokens == 10);
  CHECK(sum.cache_read_tokens == 4);
  CHECK(sum.output_tokens == INT64_MAX);
  CHECK(sum.details == parsed(R"({"reasoning_tokens":6})"));
  sum += sum;
  CHECK(sum.details["reasoning_tokens"] == 12);
}
