#include "models/message_json.hpp"
#include "shell/frames.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

std::string framed(const std::string& body) {
  std::string bytes{char(body.size() >> 24 & 0xFF), char(body.size() >> 16 & 0xFF), char(body.size() >> 8 & 0xFF),
                    char(body.size() & 0xFF)};
  return bytes + body;
}

const std::string ready = framed(R"({"op":"ready","python":"3.11.2","pid":2})");
const std::string done = framed(R"({"op":"done","id":7,"status":"failed","duration_us":12})");

} // namespace

TEST_CASE("a worker says that a cell has begun, and which one") {
  frame_reader reader{1'000};
  auto frames = reader.feed(framed(R"({"op":"begun","id":7})"));
  REQUIRE(frames);
  CHECK(std::get<worker_begun>(frames->at(0)).id == 7);
  CHECK_FALSE(reader.feed(framed(R"({"op":"begun"})")));
}

TEST_CASE("frames are found wherever the bytes are cut") {
  auto output
    = framed(R"({"op":"output","id":7,"output":{"type":"image","media_type":"image/png","data":"iVBOAP8="}})");
  auto bytes = ready + output + done;
  for (size_t step : {size_t{1}, size_t{3}, size_t{64}, bytes.size()}) {
    frame_reader reader{1 << 20};
    std::vector<worker_frame> frames;
    for (size_t at = 0; at < bytes.size(); at += step) {
      auto some = reader.feed(std::string_view{bytes}.substr(at, step));
      REQUIRE(some);
      frames.insert(frames.end(), some->begin(), some->end());
    }
    REQUIRE(frames.size() == 3);
    CHECK(std::get<worker_ready>(frames[0]).python == "3.11.2");
    auto& image = std::get<image_output>(std::get<worker_output>(frames[1]).output);
    CHECK(image.data == std::string("\x89PN\0\xff", 5));
    CHECK(std::get<worker_done>(frames[2]).status == cell_status::failed);
    CHECK(std::get<worker_done>(frames[2]).duration.count() == 12);
    CHECK_FALSE(std::get<worker_done>(frames[2]).processor);
  }
}

TEST_CASE("a frame of exactly the limit is read, one byte more is refused before it is received") {
  frame_reader exact{ready.size() - 4};
  CHECK(exact.feed(ready));
  frame_reader smaller{ready.size() - 5};
  auto refused = smaller.feed(std::string_view{ready}.substr(0, 4));
  REQUIRE_FALSE(refused);
  CHECK(code_of(refused.error()) == errc::shell_lost);
}

TEST_CASE("the processor time of a cell is told where the worker tells it, and a wrong one is none") {
  for (const auto& [written, told] :
       std::vector<std::pair<std::string, std::optional<int64_t>>>{{"0", 0},
                                                                   {"1500", 1500},
                                                                   {"18446744073709551615", std::nullopt},
                                                                   {"-1", std::nullopt},
                                                                   {"\"1\"", std::nullopt}}) {
    frame_reader reader{1 << 20};
    auto frames
      = reader.feed(framed(R"({"op":"done","id":7,"status":"ok","duration_us":12,"processor_us":)" + written + "}"));
    REQUIRE(frames);
    REQUIRE(frames->size() == 1);
    const auto& processor = std::get<worker_done>(frames->front()).processor;
    CHECK(processor.has_value() == told.has_value());
    CHECK((!told || processor->count() == *told));
  }
}

TEST_CASE("what a hostile worker sends is an error, not a crash") {
  std::string deep = R"({"op":"output","id":1,"output":)" + std::string(100'000, '[');
  for (const auto& body : std::vector<std::string>{
         "",
         "null",
         "[]",
         "7",
         "{",
         R"({"op":7})",
         R"({"op":"run"})",
         R"({"op":"ready"})",
         deep,
         R"({"op":"done","id":1,"status":"killed","duration_us":1})",
         R"({"op":"done","id":1,"status":"ok"})",
         R"({"op":"done","id":-1,"status":"ok","duration_us":1})",
         R"({"op":"done","id":1,"status":"ok","duration_us":18446744073709551615})",
         R"({"op":"output","id":"1","output":{"type":"value","text":"x"}})",
         R"({"op":"output","id":1,"output":{"type":"value"}})",
         R"({"op":"output","id":1,"output":{"type":"stream","name":"stdlog","text":"x"}})",
         R"({"op":"output","id":1,"output":{"type":"image","media_type":"text/html","data":""}})",
         R"({"op":"output","id":1,"output":{"type":"image","media_type":"image/png","data":7}})",
         R"({"op":"output","id":1,"output":{"type":"table","columns":[""],"dtypes":["x"],"rows":[["1","2"]],)"
         R"("rows_total":1,"columns_total":0}})",
         "{\"op\":\"ready\",\"python\":\"\xff\"}"}) {
    CAPTURE(body.substr(0, 200));
    frame_reader reader{1 << 20};
    CHECK_FALSE(reader.feed(framed(body)));
  }
  frame_reader reader{1 << 20};
  CHECK(reader.feed(framed(R"({"op":"output","id":1,"output":{"type":"value","text":"[[[[[[[[[[[[[[[[[[[[[[[["}})")));
}

TEST_CASE("an output may have a slot, and a clear takes the outputs back") {
  frame_reader reader{1 << 20};
  auto frames = reader.feed(framed(R"({"op":"output","id":7,"output":{"type":"value","text":"x","slot":3}})")
                            + framed(R"({"op":"output","id":7,"output":{"type":"value","text":"x"}})")
                            + framed(R"({"op":"output","id":7,"output":{"type":"clear"}})"));
  REQUIRE(frames);
  REQUIRE(frames->size() == 3);
  CHECK(std::get<worker_output>((*frames)[0]).slot == 3u);
  CHECK_FALSE(std::get<worker_output>((*frames)[1]).slot);
  CHECK(std::get<worker_clear>((*frames)[2]).id == 7);
}

TEST_CASE("what the worker says of a snapshot is read") {
  frame_reader reader{1 << 20};
  auto frames = reader.feed(
    framed(R"({"op":"snapshot","id":5,"status":"ok","footer":900,"bytes":100,"total_bytes":800,"saved":["a","b"],)"
           R"("lost":[{"name":"g","reason":"a generator cannot be saved"}],"saved_more":4})")
    + framed(R"({"op":"snapshot","id":6,"status":"failed","reason":"no room"})")
    + framed(R"({"op":"restore","id":7,"status":"ok","restored":["a"],"lost":[]})")
    + framed(R"({"op":"restore","id":8,"status":"failed"})"));
  REQUIRE(frames);
  REQUIRE(frames->size() == 4);
  auto& saved = std::get<worker_snapshot>((*frames)[0]);
  CHECK(saved.id == 5);
  CHECK(saved.failure.empty());
  CHECK(saved.footer == 900);
  CHECK(saved.bytes == 100);
  CHECK(saved.total_bytes == 800);
  CHECK(saved.saved == std::vector<std::string>{"a", "b"});
  CHECK(saved.saved_more == 4);
  REQUIRE(saved.lost.size() == 1);
  CHECK(saved.lost[0].name == "g");
  CHECK(saved.lost[0].reason == "a generator cannot be saved");
  CHECK(std::get<worker_snapshot>((*frames)[1]).failure == "no room");
  CHECK(std::get<worker_restored>((*frames)[2]).restored == std::vector<std::string>{"a"});
  CHECK(std::get<worker_restored>((*frames)[3]).failure == "the Python process gave no reason");
}

TEST_CASE("answers about snapshots that cannot be right are errors") {
  std::string many = "\"x\"";
  for (size_t i = 1; i < names_max; ++i)
    many += ",\"x\"";
  auto restored = [](const std::string& names) {
    return framed(R"({"op":"restore","id":7,"status":"ok","restored":[)" + names + R"(],"lost":[]})");
  };
  frame_reader reader{1 << 20};
  CHECK(reader.feed(restored(many)));
  std::string long_name = "\"" + std::string(10'000, 'n') + "\"";
  auto cut = reader.feed(restored(long_name));
  REQUIRE(cut);
  CHECK(std::get<worker_restored>((*cut)[0]).restored[0].size() == 500);
  for (const auto& bytes : {restored(many + ",\"x\""), restored("7"),
                            framed(R"({"op":"snapshot","id":5,"status":"ok","saved":[],"lost":[]})"),
                            framed(R"({"op":"snapshot","status":"failed"})"),
                            framed(R"({"op":"snapshot","id":5,"status":"ok","footer":-1,"saved":[],"lost":[]})"),
                            framed(R"({"op":"restore","id":5,"status":"ok","restored":[],"lost":[{"name":"x"}]})"),
                            framed(R"({"op":"restore","id":5,"status":"ok","restored":[],"lost":["x"]})")}) {
    frame_reader one{1 << 20};
    CHECK_FALSE(one.feed(bytes));
  }
}

TEST_CASE("requests for snapshots say which and how large") {
  CHECK(snapshot_frame(3, std::nullopt, 100, std::chrono::seconds{9}).dump()
        == R"({"op":"snapshot","id":3,"base":null,"bytes_max":100,"seconds_max":9})");
  CHECK(snapshot_frame(3, 77, 100, std::chrono::seconds{9})["base"] == 77);
  CHECK(restore_frame(4, 77).dump() == R"({"op":"restore","id":4,"footer":77})");
}

TEST_CASE("a cell's code goes out with its limits, whatever bytes it holds") {
  shell_config limits;
  auto bytes = encode_execute(3, "call_1", "print('é')\xff", limits);
  auto body = json::parse(bytes.substr(4), nullptr, false);
  REQUIRE(body.is_object());
  CHECK(static_cast<size_t>(static_cast<unsigned char>(bytes[2])) * 256 + static_cast<unsigned char>(bytes[3])
        == bytes.size() - 4);
  CHECK(body["id"] == 3);
  CHECK(body["tag"] == "call_1");
  CHECK(body["code"] == "print('é')\xEF\xBF\xBD");
  CHECK(body["limits"]["output_bytes"] == limits.output_bytes_max);
}

TEST_CASE("what a cell may show is bounded by the cell's limit, or by what the user's quota has left") {
  shell_config limits;
  limits.display_bytes_max = 8u << 20;
  limits.user_bytes_max = 64u << 20;
  auto own = display_limit_of(limits, {8u << 20, 8u << 20});
  CHECK(own.bytes == 8u << 20);
  CHECK(own.why == "a cell may show 8 MiB together (shell.display_bytes_max)");
  auto left = display_limit_of(limits, {(8u << 20) - 1, 8u << 20});
  CHECK(left.bytes == (8u << 20) - 1);
  CHECK(left.why == "the user's files and chats may hold 64 MiB together (shell.user_bytes_max), and that is used up");
  CHECK(display_limit_of(limits, {1, 8u << 20, "all may be 9.0 MiB (disk_bytes)"}).why
        == "all may be 9.0 MiB (disk_bytes), and that is used up");
  auto of_chat = display_limit_of(limits, {64u << 20, 5});
  CHECK(of_chat.bytes == 5);
  CHECK(of_chat.why.find("(chat.history_bytes_max)") != std::string::npos);
  CHECK(display_limit_of(limits, {4, 5}).why.find("(shell.user_bytes_max)") != std::string::npos);
  auto body = json::parse(encode_execute(3, "", "", limits, left).substr(4), nullptr, false);
  CHECK(body["limits"]["shown_bytes"] == left.bytes);
  CHECK(body["limits"]["shown_why"] == left.why);
}
