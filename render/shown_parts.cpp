#include "render/shown_parts.hpp"

#include "base/text.hpp"
#include "models/history.hpp"
#include "models/left_out.hpp"
#include "render/blocks.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace varro {

namespace {

// Files of the parts before `index`, so that each part knows the numbers of its own.
template <class Message>
std::vector<size_t> first_files(const Message& message) {
  std::vector<size_t> result;
  size_t count = 0;
  for (const auto& part : message.parts) {
    result.push_back(count);
    Message alone;
    alone.parts.push_back(part);
    count += attachments_of(alone).size();
  }
  return result;
}

// Only some parts can hold files; counting them means decoding them.
bool may_hold_files(const model_request& request) {
  return request.parts.size() > 1;
}
bool may_hold_files(const model_response& response) {
  for (const auto& part : response.parts)
    if (std::holds_alternative<file_part>(part) || std::holds_alternative<builtin_tool_return_part>(part))
      return true;
  return false;
}

template <class Message>
std::vector<size_t> file_numbers(const Message& message) {
  return may_hold_files(message) ? first_files(message) : std::vector<size_t>(message.parts.size(), 0);
}

part_place place_of(const message_row& row, size_t part, size_t first_file) {
  return {row.seq, element_id(row.seq, part), first_file, row.turn, row.run_id};
}

class nobody : public part_visitor {
  void user(part_place, const user_prompt_part&, bool) override {}
  void text(part_place, const text_part&) override {}
  void thinking(part_place, const thinking_part&) override {}
  void compaction(part_place, const compaction_part&) override {}
  void file(part_place, const file_part&) override {}
  void left_out(part_place, const json&) override {}
  void running_call(part_place, const tool_call_part&) override {}
  void ended_call(part_place, const tool_call_part&, const char*) override {}
  void returned_call(part_place, const tool_call_part&, const tool_return_part&) override {}
  void retried_call(part_place, const tool_call_part&, const retry_prompt_part&) override {}
  void retry(part_place, const retry_prompt_part&) override {}
  void run_error(part_place, const run_record&) override {}
};

} // namespace

cell_file_numbers::cell_file_numbers(size_t first_file, const cell_result& cell)
  : image_(first_file), display_(first_file) {
  for (const auto& output : cell.outputs)
    display_ += std::holds_alternative<image_output>(output) ? 1 : 0;
}

std::string element_id(int64_t seq, size_t part) {
  return "m" + std::to_string(seq) + "-p" + std::to_string(part);
}

const char* state_of_return(const tool_return_part& result, const std::optional<cell_result>& cell) {
  if (!cell)
    return result.outcome == "success" ? tool_state::done : tool_state::failed;
  switch (cell->status) {
  case cell_status::ok:
    return tool_state::done;
  case cell_status::interrupted:
    return tool_state::stopped;
  default:
    return tool_state::failed;
  }
}

std::optional<part_walk::pending_call> part_walk::take(const std::string& call_id) {
  for (auto i = pending_.begin(); i != pending_.end(); ++i) {
    if (i->call.tool_call_id == call_id) {
      auto call = std::move(*i);
      pending_.erase(i);
      return call;
    }
  }
  return std::nullopt;
}

void part_walk::returned(part_place place, const tool_return_part& result, part_visitor& visitor) {
  tool_call_part call;
  call.tool_name = result.tool_name;
  call.tool_call_id = result.tool_call_id;
  if (auto pending = take(result.tool_call_id)) {
    place.id = std::move(pending->place.id);
    call = std::move(pending->call);
  }
  visitor.returned_call(std::move(place), call, result);
}

void part_walk::request(const message_row& row, const model_request& request, part_visitor& visitor) {
  auto files = file_numbers(request);
  for (size_t i = 0; i < request.parts.size(); ++i) {
    auto place = place_of(row, i, files[i]);
    auto* other = std::get_if<other_part>(&request.parts[i]);
    const auto said = other ? spoken_request(*other) : std::nullopt;
    const auto& part = said ? *said : request.parts[i];
    if (auto* prompt = std::get_if<user_prompt_part>(&part)) {
      visitor.user(std::move(place), *prompt, i == 0 && !other);
    } else if (auto* result = std::get_if<tool_return_part>(&part)) {
      returned(std::move(place), *result, visitor);
    } else if (auto* retry = std::get_if<retry_prompt_part>(&part)) {
      if (auto pending = take(retry->tool_call_id)) {
        place.id = std::move(pending->place.id);
        visitor.retried_call(std::move(place), pending->call, *retry);
      } else {
        visitor.retry(std::move(place), *retry);
      }
    }
  }
}

void part_walk::response(const message_row& row, const model_response& response, part_visitor& visitor) {
  auto files = file_numbers(response);
  if (marks_left_out(response.metadata)) {
    auto place = place_of(row, 0, 0);
    place.id = "m" + std::to_string(row.seq) + "-left";
    visitor.left_out(std::move(place), response.metadata);
  }
  for (size_t i = 0; i < response.parts.size(); ++i) {
    auto place = place_of(row, i, files[i]);
    auto* other = std::get_if<other_part>(&response.parts[i]);
    const auto said = other ? spoken_response(*other) : std::nullopt;
    const auto& part = said ? *said : response.parts[i];
    if (auto* text = std::get_if<text_part>(&part)) {
      if (!is_blank(text->content))
        visitor.text(std::move(place), *text);
    } else if (auto* thinking = std::get_if<thinking_part>(&part)) {
      if (!is_blank(thinking->content) || thinking->id == "redacted_thinking")
        visitor.thinking(std::move(place), *thinking);
    } else if (auto* call = std::get_if<tool_call_part>(&part)) {
      pending_.push_back({place, *call, false});
      visitor.running_call(std::move(place), *call);
    } else if (auto* builtin = std::get_if<builtin_tool_call_part>(&part)) {
      pending_.push_back({place, *builtin, true});
      visitor.running_call(std::move(place), *builtin);
    } else if (auto* result = std::get_if<builtin_tool_return_part>(&part)) {
      returned(std::move(place),
               {result->tool_name, result->content, result->tool_call_id, result->tool_kind, nullptr, result->timestamp,
                result->outcome},
               visitor);
    } else if (auto* compaction = std::get_if<compaction_part>(&part)) {
      visitor.compaction(std::move(place), *compaction);
    } else if (auto* file = std::get_if<file_part>(&part)) {
      visitor.file(std::move(place), *file);
    }
  }
}

void part_walk::row(const message_row& row, part_visitor& visitor) {
  if (auto* asked = row.content.as<model_request>())
    request(row, *asked, visitor);
  else
    response(row, std::get<model_response>(*row.content), visitor);
}

void part_walk::end(const run_record& run, part_visitor& visitor) {
  for (auto& pending : pending_) {
    // A vendor's own tool may answer inside the text alone: no return of it is not a failure.
    bool done = pending.builtin && run.status == run_status::completed;
    pending.place.seq = std::max(run.end_seq, pending.place.seq);
    visitor.ended_call(std::move(pending.place), pending.call, done ? tool_state::done : tool_state::stopped);
  }
  pending_.clear();
  if (!run.error.empty())
    visitor.run_error({run.end_seq, element_id(run.end_seq, 0), 0, run.turn, run.id}, run);
}

void part_walk::pass(const message_row& row) {
  nobody visitor;
  this->row(row, visitor);
}

void part_walk::pass(const run_record&) {
  pending_.clear();
}

} // namespace varro
