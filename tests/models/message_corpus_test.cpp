// Every recorded history: what pydantic-ai printed loads, and prints as pydantic-ai v2.9.1 prints it.
//
// The recordings stand beside the source tree, in ../shared/wire. Where they are absent these tests say so.
#include "models/message_json.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace varro;

namespace {

namespace fs = std::filesystem;

fs::path recordings() {
  return fs::path{VARRO_SOURCE_DIR} / ".." / "shared" / "wire" / "messages";
}

std::vector<fs::path> files_in(const char* folder) {
  std::vector<fs::path> files;
  if (fs::exists(recordings() / folder))
    for (const auto& entry : fs::directory_iterator{recordings() / folder})
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  if (files.empty())
    MESSAGE("skipped: no recordings in " << (recordings() / folder).string());
  return files;
}

json read_json(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  auto value = parse_json(text);
  REQUIRE_MESSAGE(value, path.string());
  return *value;
}

constexpr const char* filled_time = "2025-01-01T00:00:00Z";

// The recordings have wildcards where a value differs from run to run; a timestamp must be one to be loaded.
json with_times_filled(json value) {
  for (auto& item : value.items())
    if (item.value().is_structured())
      item.value() = with_times_filled(item.value());
    else if (item.value().is_string() && item.value().get_ref<const std::string&>().rfind("$", 0) == 0
             && item.key() == "timestamp")
      item.value() = filled_time;
  return value;
}

// Equal with the order of fields, but for wildcards and for what the two runs had to make up.
void check_same(const json& ours, const json& expected, const std::string& at) {
  CAPTURE(at);
  if (expected.is_string()) {
    const auto& text = expected.get_ref<const std::string&>();
    const bool made_up = text.rfind("$", 0) == 0 || text == filled_time || text == "pyd_ai_generated";
    if (made_up) {
      CHECK(ours.is_string());
      return;
    }
  }
  REQUIRE((ours.type() == expected.type() || (ours.is_number_integer() && expected.is_number_integer())));
  if (expected.is_array()) {
    REQUIRE(ours.size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      check_same(ours[i], expected[i], at + "[" + std::to_string(i) + "]");
  } else if (expected.is_object()) {
    REQUIRE(ours.size() == expected.size());
    auto mine = ours.begin();
    for (const auto& [key, value] : expected.items()) {
      CHECK(mine.key() == key);
      check_same(mine.value(), value, at + "." + key);
      ++mine;
    }
  } else {
    CHECK(ours == expected);
  }
}

json loaded_and_written(const json& messages) {
  const auto read = messages_from_json(messages);
  REQUIRE_MESSAGE(read, text_of(read.error()));
  return to_json(*read);
}

} // namespace

TEST_CASE("histories that pydantic-ai printed at any release load, and print as v2.9.1 prints them") {
  for (const auto& file : files_in("dumps")) {
    CAPTURE(file.filename().string());
    const auto recording = read_json(file);
    const auto& given = recording.contains("input_with_timestamps_filled") ? recording["input_with_timestamps_filled"]
                                                                           : recording["messages"];
    const auto written = loaded_and_written(with_times_filled(given));
    if (recording.contains("redump_v2_9_1") && !recording["redump_v2_9_1"].is_null())
      check_same(written, recording["redump_v2_9_1"], "");
    else if (recording.value("loads_in_v2_9_1", true))
      check_same(written, recording["messages"], "");
    // A second round changes nothing, whatever the first had to make up.
    CHECK(loaded_and_written(written) == written);
  }
}

TEST_CASE("histories that pydantic-ai made of recorded exchanges load and print unchanged") {
  for (const auto& file : files_in("parsed")) {
    CAPTURE(file.filename().string());
    const auto recording = read_json(file);
    for (const auto& list : recording["lists"]) {
      const auto given = with_times_filled(list["messages"]);
      const auto written = loaded_and_written(given);
      CHECK(written.dump() == given.dump());
      for (const auto& one : given) {
        const auto row = message_from_text(one.dump());
        REQUIRE(row);
        CHECK(to_json_text(*row) == one.dump());
      }
    }
  }
}

TEST_CASE("calls and returns of releases without ids are given matching ids") {
  for (const auto& file : files_in("dumps")) {
    if (file.filename().string().rfind("v0.0.", 0) != 0)
      continue;
    CAPTURE(file.filename().string());
    const auto written = loaded_and_written(with_times_filled(read_json(file)["messages"]));
    const auto& call = written[1]["parts"][0];
    const auto& result = written[2]["parts"][0];
    CHECK(call["tool_call_id"].get<std::string>().rfind("pyd_ai_", 0) == 0);
    CHECK(call["tool_call_id"] == result["tool_call_id"]);
    CHECK(call["args"] == json::parse(R"({"x":0})"));
  }
}
