// Nothing that is read can throw, crash or hang, and what was read can be written and read again.
#include "models/content_json.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace varro;

namespace {

constexpr const char* every_part = R"([
 {"kind":"request","timestamp":"2025-01-02T03:04:05Z","instructions":"i","run_id":"r","conversation_id":"c",
  "metadata":{"k":1},"state":"complete","parts":[
  {"part_kind":"system-prompt","content":"s","timestamp":1735787045,"dynamic_ref":"d"},
  {"part_kind":"user-prompt","timestamp":"2025-01-02","content":["t",
   {"kind":"text-content","content":"x","metadata":[1]},
   {"kind":"image-url","url":"https://e.com/a.png","force_download":"allow-local","vendor_metadata":{"a":1}},
   {"kind":"binary","data":"AAE=","media_type":"image/png","identifier":"q"},
   {"kind":"uploaded-file","file_id":"f","provider_name":"openai","media_type":"a/b"},
   {"kind":"cache-point","ttl":"1h"}]},
  {"part_kind":"tool-return","tool_name":"t","tool_call_id":"c1","timestamp":1.5,"metadata":{"cell":{}},
   "content":["a",{"kind":"binary","data":"AA==","media_type":"image/png"},{"b":[null,true,2.5]}],
   "outcome":"failed","tool_kind":null},
  {"part_kind":"retry-prompt","tool_call_id":"c2","tool_name":"t","timestamp":1,
   "content":[{"type":"a","loc":["x",1],"msg":"m","input":null,"ctx":{},"url":"u"}]}]},
 {"kind":"response","timestamp":5,"model_name":"m","provider_name":"p","provider_url":"u","provider_details":{"a":1},
  "provider_response_id":"i","finish_reason":"stop","metadata":null,"state":"incomplete",
  "usage":{"input_tokens":1,"output_tokens":2,"details":{"a":1}},"parts":[
  {"part_kind":"text","content":"x","id":"1","provider_name":"p","provider_details":{}},
  {"part_kind":"thinking","content":"x","signature":"s"},
  {"part_kind":"tool-call","tool_name":"search_tools","args":{"queries":["a"]},"tool_call_id":"c1",
   "tool_kind":"tool-search"},
  {"part_kind":"builtin-tool-call","tool_name":"w","args":"{","tool_call_id":"c3"},
  {"part_kind":"builtin-tool-return","tool_name":"w","content":{"discovered_tools":[{"name":"n"}]},
   "tool_call_id":"c3","timestamp":5},
  {"part_kind":"compaction","content":null},
  {"part_kind":"file","content":{"kind":"binary","data":"_-8","media_type":"image/png"}}]}])";

std::vector<json> odd_values() {
  json deep = json::array();
  for (int i = 0; i < 150; ++i)
    deep = json::array({std::move(deep)});
  return {nullptr,
          true,
          false,
          0,
          -1,
          INT64_MIN,
          UINT64_MAX,
          1e308,
          -0.0,
          0.1,
          "",
          "x",
          "\xFF\xC0\x80 \xED\xA0\x80",
          std::string(1, '\0'),
          "2025-01-01T00:00:00Z",
          std::string(100'000, 'A'),
          json::array(),
          json::object(),
          json::array({nullptr}),
          json::object({{"kind", "binary"}}),
          json::object({{"part_kind", 5}}),
          deep};
}

size_t count_values(const json& value) {
  size_t count = 1;
  if (value.is_structured())
    for (const auto& child : value)
      count += count_values(child);
  return count;
}

json* nth_value(json& value, size_t& n) {
  if (n-- == 0)
    return &value;
  if (value.is_structured())
    for (auto& child : value)
      if (auto* found = nth_value(child, n))
        return found;
  return nullptr;
}

// What any reader must stand: reading, and if that works, everything that is done with a history.
void survives(const json& value) {
  const auto read = messages_from_json(value);
  if (!read) {
    CHECK(code_of(read.error()) == errc::invalid_input);
    CHECK_FALSE(text_of(read.error()).empty());
    return;
  }
  const auto text = to_json_text(*read);
  const auto again = parse_json(text, 2 * json_depth_max);
  REQUIRE(again);
  const auto reread = messages_from_json(*again);
  REQUIRE_MESSAGE(reread, text_of(reread.error()));
  CHECK(to_json_text(*reread) == text);
  CHECK(joined(*read).size() <= read->size());
  open_calls(*read);
  check_history(*read);
}

} // namespace

TEST_CASE("a history with every kind of part survives its own round") {
  const auto value = parse_json(every_part);
  REQUIRE(value);
  REQUIRE(messages_from_json(*value));
  survives(*value);
}

TEST_CASE("any value may stand in any place of a history without harm") {
  const auto good = *parse_json(every_part);
  const auto count = count_values(good);
  for (const auto& odd : odd_values())
    for (size_t i = 0; i < count; ++i) {
      auto bad = good;
      size_t n = i;
      *nth_value(bad, n) = odd;
      survives(bad);
    }
}

TEST_CASE("any field may be missing or stand twice as deep without harm") {
  const auto good = *parse_json(every_part);
  const auto count = count_values(good);
  for (size_t i = 0; i < count; ++i) {
    auto bad = good;
    size_t n = i;
    auto* place = nth_value(bad, n);
    const auto original = *place;
    if (original.is_object())
      for (const auto& item : original.items()) {
        auto without = bad;
        n = i;
        nth_value(without, n)->erase(item.key());
        survives(without);
      }
    *place = json::array({original});
    survives(bad);
  }
}

TEST_CASE("damaged text is refused or read, never more") {
  std::mt19937 random{7};
  const std::string good = parse_json(every_part)->at(1).dump();
  REQUIRE(message_from_text(good));
  for (int round = 0; round < 3'000; ++round) {
    auto bad = good;
    for (int i = 0; i < 3 && !bad.empty(); ++i)
      switch (random() % 3) {
      case 0:
        bad[random() % bad.size()] = static_cast<char>(random());
        break;
      case 1:
        bad.erase(random() % bad.size(), random() % 5);
        break;
      default:
        bad.resize(1 + random() % bad.size());
      }
    if (const auto read = message_from_text(bad))
      to_json_text(*read);
  }
}

TEST_CASE("text that nests too deeply is refused before it is parsed, and just below the limit it is read") {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
  };
  CHECK(parse_json(nested(json_depth_max)));
  CHECK_FALSE(parse_json(nested(json_depth_max + 1)));
  CHECK_FALSE(parse_json(std::string(10'000'000, '[')));
  CHECK(parse_json("\"" + std::string(1000, '[') + "\\\"\""));
  CHECK_FALSE(message_from_text(std::string(10'000'000, '{')));
  CHECK_FALSE(nests_deeper_than(*parse_json(nested(50)), 50));
  CHECK(nests_deeper_than(*parse_json(nested(51)), 50));
}

TEST_CASE("the deepest content that comes in can be stored in a message and read again") {
  tool_return_part part;
  part.tool_name = "t";
  part.tool_call_id = "c";
  part.content = *parse_json(std::string(json_depth_max, '[') + std::string(json_depth_max, ']'));
  const auto text = to_json_text(message{model_request{{part}, "", {}, {}, {}, nullptr, "complete"}});
  const auto read = message_from_text(text);
  REQUIRE_MESSAGE(read, text_of(read.error()));
  CHECK(to_json_text(*read) == text);
}

TEST_CASE("invalid UTF-8 is replaced when a message is written") {
  model_request request;
  request.parts.push_back(user_prompt_part{std::string{"a\xFF\xFE z"}, "2025-01-01T00:00:00Z"});
  const auto text = to_json_text(message{request});
  CHECK(text.find("a\xEF\xBF\xBD\xEF\xBF\xBD z") != std::string::npos);
  CHECK(message_from_text(text));
}

TEST_CASE("not JSON, and JSON with numbers beyond any range, is an error") {
  for (const auto* text : {"", "{", "nul", "[1,]", "1e999", "\"\\ud800\"", "\xFF"})
    CHECK_FALSE(message_from_text(text));
}
