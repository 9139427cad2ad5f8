// The values of a response of Open Responses (response_presenter.hpp): ids, what a cell put out, how it ended. Pure
// functions, any thread.
#pragma once

#include "models/cell.hpp"
#include "render/shown_parts.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

// Which run, and how it is told.
struct response_view {
  int64_t chat = 0;
  int64_t run = 0;
  int64_t parent = 0;             // the run that this one continues; 0: none
  int64_t starting_after = -1;    // who watches has the events up to this number
  bool whole = false;             // no events but one, with the response when it is over
  unix_us created_at = 0;         // when the run began
  std::string model;              // id
  std::string effort;             // of the chat; empty: the model's own
  std::string address;            // of this server, before the paths of files
  json metadata = json::object(); // of its client
};

// "resp_42_7"
std::string response_id(int64_t chat, int64_t run);
struct response_place {
  int64_t chat = 0;
  int64_t run = 0;
};
// nullopt: no response ever had this id.
std::optional<response_place> parse_response_id(std::string_view id);

// The client's metadata as the message of a turn keeps it (model_request::metadata), and out of that; an empty object:
// there is none.
json response_metadata_of(const json& metadata);
json response_metadata_in(const message_row& message);

// Of a response that has just begun.
json response_without_items(const response_view& view);
// `outputs` of a cell's item: what its model reads, and the addresses of its pictures.
json response_outputs(const response_view& view, const part_place& place, const cell_result& cell);
// {"type": "logs", "logs"}
json logs_item(std::string text);
// The message that the run answers, as `input` would have it: one item with what was typed, and with the pictures and
// documents that went to the model, by their addresses.
json input_items_of(const response_view& view, const message_row& message);
// What the end of the run sets: status, usage, error, incomplete_details. `finish_reason`: of the newest answer.
json response_outcome(const run_record& run, std::string_view finish_reason);

} // namespace varro
