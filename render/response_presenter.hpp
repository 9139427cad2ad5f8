// One run as a response of Open Responses, the neutral form of OpenAI's Responses API.
//
// Source: openresponses.org, specification of 2026-04-24 (schema/openapi.json), and the types and accumulators of the
// npm package openai 6.43. What a run makes becomes items of `output`, in order:
//
//   reasoning              what the model thought, as summary_text; without one where its provider keeps it to itself
//   message                a text of the model, one part output_text
//   code_interpreter_call  a cell: code, outputs ({type: logs, logs} and {type: image, url}), container_id, the chat's
//   varro:tool_call        any other tool: name, call_id, arguments, output (text); the run carries it out itself, so
//                          that it must not look like a function_call, which is for the client
//   varro:file             a file that the model made: url, media_type
//
// Events are numbered from 0 on (sequence_number). The numbers follow from the history alone, so that whoever breaks
// off gets the rest by the last one that they have, from any server, also after a restart. Each row of the history is
// told when it is committed: a text is one delta.
//
// One owner at a time; any thread.
#pragma once

#include "render/presenter.hpp"
#include "render/response_values.hpp"
#include "render/shown_parts.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace varro {

// The events' names beside those of the interface: the one whose data is the whole answer, and the last of a stream.
namespace response_event {
inline constexpr std::string_view whole = "whole";
inline constexpr std::string_view end = ""; // its data is end_data, and it has no name on the wire
inline constexpr std::string_view end_data = "[DONE]";
} // namespace response_event

class response_presenter : public presenter, private part_visitor {
public:
  explicit response_presenter(response_view view);

  using presenter::show;
  std::vector<stream_event> show(const message_row& row) override;
  std::vector<stream_event> show(const run_ended& end) override;
  std::vector<stream_event> show(const run_phase& phase) override;
  std::vector<stream_event> show(const stream_over& over) override;
  void pass(const message_row& row) override;
  void pass(const run_ended& end) override;
  void know(const std::vector<run_record>& runs) override;

  // As it is now.
  json response() const;

private:
  void user(part_place place, const user_prompt_part& part, bool begins_turn) override;
  void text(part_place place, const text_part& part) override;
  void thinking(part_place place, const thinking_part& part) override;
  void compaction(part_place place, const compaction_part& part) override;
  void file(part_place place, const file_part& part) override;
  void left_out(part_place place, const json& metadata) override;
  void running_call(part_place place, const tool_call_part& call) override;
  void ended_call(part_place place, const tool_call_part& call, const char* state) override;
  void returned_call(part_place place, const tool_call_part& call, const tool_return_part& result) override;
  void retried_call(part_place place, const tool_call_part& call, const retry_prompt_part& retry) override;
  void retry(part_place place, const retry_prompt_part& retry) override;
  void run_error(part_place place, const run_record& run) override;

  void put(std::string_view type, json fields);
  size_t add_item(json item);
  void finish_item(size_t index);
  void finish_call(const part_place& place, const tool_call_part& call, json outputs, std::string_view text,
                   const char* state);
  std::vector<stream_event> take(int64_t seq);
  std::vector<stream_event> finish(const run_record& run);

  response_view view_;
  part_walk walk_;
  json output_ = json::array();
  std::unordered_map<std::string, size_t> calls_; // that are open, by the id of their part
  std::vector<stream_event> made_;                // of the row under way
  int64_t next_number_ = 0;
  std::optional<run_record> known_; // of this run, once it is over
  std::string finish_reason_;       // of the newest answer
  bool begun_ = false;
  bool over_ = false;
  json outcome_ = json::object(); // what the end says beside the output
};

presenter_source response_presenters(response_view view);

// All events of a run that is over, after view.starting_after. REQUIRES: it is among the history's runs.
std::vector<stream_event> events_of_response(const chat_contents& history, const response_view& view);
// What it is now, over or not. The same.
json response_of(const chat_contents& history, const response_view& view);

} // namespace varro
