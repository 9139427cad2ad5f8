// The parts of a chat's rows in the order in which they are shown, for whatever shows them: HTML (blocks.hpp) and JSON
// (json_presenter.hpp) are two. What is not shown at all (blank texts, instructions) is left out here, and a tool's
// return is brought together with its call, so that all that show a chat show the same.
//
// One owner at a time; no part is copied but the calls that wait for their returns.
#pragma once

#include "models/cell.hpp"
#include "models/message.hpp"
#include "storage/records.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace varro {

// Where a part stands.
struct part_place {
  int64_t seq = 0;       // of the newest message that the part shows
  std::string id;        // element_id(); a return takes its call's, and so replaces it
  size_t first_file = 0; // number of the part's first file among the files of message `seq`
  int64_t turn = 0;
  int64_t run = 0;
};

// The numbers that a cell's files have among those of its message: its images first, then its displays that are files,
// each in their order. For one pass over the outputs.
class cell_file_numbers {
public:
  cell_file_numbers(size_t first_file, const cell_result& cell);
  size_t next_image() {
    return image_++;
  }
  size_t next_display() {
    return display_++;
  }

private:
  size_t image_;
  size_t display_;
};

// "m{seq}-p{part}"
std::string element_id(int64_t seq, size_t part);

// The state of a tool call.
namespace tool_state {
inline constexpr auto running = "running";
inline constexpr auto done = "done";
inline constexpr auto failed = "failed";
inline constexpr auto stopped = "stopped";
} // namespace tool_state

// The state of a call with this result; `cell`: what it holds of a cell, if it is one's.
const char* state_of_return(const tool_return_part& result, const std::optional<cell_result>& cell);

// What is done with each part. The references hold during the call only.
class part_visitor {
public:
  virtual ~part_visitor() = default;

  // `begins_turn`: it is the message that the turn answers.
  virtual void user(part_place place, const user_prompt_part& part, bool begins_turn) = 0;
  virtual void text(part_place place, const text_part& part) = 0;
  // Blank where the provider keeps the thinking to itself.
  virtual void thinking(part_place place, const thinking_part& part) = 0;
  virtual void compaction(part_place place, const compaction_part& part) = 0;
  virtual void file(part_place place, const file_part& part) = 0;
  // What the request for this answer left out (models/left_out.hpp), where that is more than before.
  virtual void left_out(part_place place, const json& metadata) = 0;
  virtual void running_call(part_place place, const tool_call_part& call) = 0;
  // The call ended without a result of its own.
  virtual void ended_call(part_place place, const tool_call_part& call, const char* state) = 0;
  // Of a return without its call, `call` has the tool's name and the id only.
  virtual void returned_call(part_place place, const tool_call_part& call, const tool_return_part& result) = 0;
  virtual void retried_call(part_place place, const tool_call_part& call, const retry_prompt_part& retry) = 0;
  // The model was asked to try again, not about a call.
  virtual void retry(part_place place, const retry_prompt_part& retry) = 0;
  // The run ended with an error or was ended.
  virtual void run_error(part_place place, const run_record& run) = 0;
};

// Remembers the tool calls that wait for their returns. Feed rows in order of seq.
class part_walk {
public:
  void row(const message_row& row, part_visitor& visitor);
  // Calls that still wait have ended; then the run's error, if it has one.
  void end(const run_record& run, part_visitor& visitor);

  // The same for what nobody shall see: only the calls are remembered.
  void pass(const message_row& row);
  void pass(const run_record& run);

private:
  struct pending_call {
    part_place place;
    tool_call_part call;
    bool builtin = false; // the vendor runs it
  };
  std::optional<pending_call> take(const std::string& call_id);
  void request(const message_row& row, const model_request& request, part_visitor& visitor);
  void response(const message_row& row, const model_response& response, part_visitor& visitor);
  void returned(part_place place, const tool_return_part& result, part_visitor& visitor);

  std::vector<pending_call> pending_;
};

} // namespace varro
