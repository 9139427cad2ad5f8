// Rows and ends through both presenters, and what their events have in common.
#pragma once

#include "render/json_presenter.hpp"
#include "tests/render/histories.hpp"
#include "tests/render/html_tags.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace varro::test {

using events = std::vector<stream_event>;

inline json parsed(const std::string& data) {
  auto value = parse_json(data);
  REQUIRE_MESSAGE(value, data);
  return *value;
}

inline chat_replay replay_of(std::vector<message_row> rows,
                             std::vector<run_record> runs = {run_of(1, 1, run_status::running)}, int64_t after = 0) {
  chat_replay replay;
  replay.after = after;
  replay.history.chat.id = 42;
  replay.history.messages = std::move(rows);
  replay.history.runs = std::move(runs);
  return replay;
}

inline events html_of(const chat_replay& replay) {
  return events_of(*html_presenters()(42, replay.history.alternatives), replay);
}

inline events json_of(const chat_replay& replay) {
  return events_of(*json_presenters()(42, replay.history.alternatives), replay);
}

// Each row, end and phase as it comes.
inline events live_of(const presenter_source& source, const std::vector<chat_event>& told) {
  auto presenter = source(42, {});
  events all;
  for (const auto& each : told)
    for (auto& event : presenter->show(each))
      all.push_back(std::move(event));
  return all;
}

// What both have in common of a content event: where it stands, and which part it is.
struct shown_part_key {
  int64_t id;
  std::string event, element;
  int64_t seq;
  bool operator==(const shown_part_key&) const = default;
};

inline std::vector<shown_part_key> keys_of_html(const events& all) {
  std::vector<shown_part_key> keys;
  for (const auto& event : all) {
    shown_part_key key{event.id, event.event, {}, 0};
    if (event.event == "content") {
      auto root = tags_of(event.data).front();
      key.element = root.get("id");
      key.seq = std::stoll(root.get("data-seq"));
    }
    keys.push_back(key);
  }
  return keys;
}

inline std::vector<shown_part_key> keys_of_json(const events& all) {
  std::vector<shown_part_key> keys;
  for (const auto& event : all) {
    shown_part_key key{event.id, event.event, {}, 0};
    if (event.event == "content") {
      auto part = parsed(event.data);
      key.element = part.at("id");
      key.seq = part.at("seq");
    }
    keys.push_back(key);
  }
  return keys;
}

inline cell_result cell_of(std::vector<cell_output> outputs, cell_status status = cell_status::ok) {
  cell_result result;
  result.status = status;
  result.outputs = std::move(outputs);
  return result;
}

inline json content_of(std::vector<message_row> rows) {
  auto all = json_of(replay_of(std::move(rows)));
  REQUIRE(!all.empty());
  REQUIRE(all.back().event == "content");
  return parsed(all.back().data);
}

inline json without_place(json part) {
  for (auto field : {"id", "seq", "turn", "run", "created_at"}) {
    CHECK(part.contains(field));
    part.erase(field);
  }
  return part;
}

} // namespace varro::test
