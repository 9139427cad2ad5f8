#include "render/response_presenter.hpp"

#include "models/cell.hpp"
#include "models/history.hpp"
#include "render/blocks.hpp"
#include "render/response_values.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace varro {

namespace {

std::string item_id(const char* kind, const part_place& place) {
  return kind + std::string{"_"} + place.id;
}

const char* status_name(std::string_view state) {
  return state == tool_state::done ? "completed" : state == tool_state::stopped ? "incomplete" : "failed";
}

} // namespace

response_presenter::response_presenter(response_view view) : view_(std::move(view)) {}

json response_presenter::response() const {
  auto value = response_without_items(view_);
  value["output"] = output_;
  value.update(outcome_);
  return value;
}

// --- events ----------------------------------------------------------------------------------------------------------

void response_presenter::put(std::string_view type, json fields) {
  const auto number = next_number_++;
  if (view_.whole)
    return;
  json value{{"type", type}, {"sequence_number", number}};
  value.update(fields);
  made_.push_back({0, std::string{type}, dump_json(value), number});
}

size_t response_presenter::add_item(json item) {
  const auto index = output_.size();
  put("response.output_item.added", {{"output_index", index}, {"item", item}});
  output_.push_back(std::move(item));
  return index;
}

void response_presenter::finish_item(size_t index) {
  put("response.output_item.done", {{"output_index", index}, {"item", output_[index]}});
}

// Only the last one has an id: a row is told whole or again from its first event on.
std::vector<stream_event> response_presenter::take(int64_t seq) {
  auto events = std::exchange(made_, {});
  if (!events.empty())
    events.back().id = seq;
  return events;
}

std::vector<stream_event> response_presenter::finish(const run_record& run) {
  if (std::exchange(over_, true))
    return {};
  walk_.end(run, *this);
  outcome_ = response_outcome(run, finish_reason_);
  const auto status = outcome_["status"].get<std::string>();
  if (view_.whole)
    return {{0, std::string{response_event::whole}, dump_json(response())}};
  put("response." + status, {{"response", response()}});
  auto events = std::exchange(made_, {});
  events.push_back({0, std::string{response_event::end}, std::string{response_event::end_data}});
  return events;
}

std::vector<stream_event> response_presenter::show(const message_row& row) {
  if (over_)
    return {};
  if (row.run_id != view_.run) // a later run says that this one is over, where nobody was there to hear it
    return begun_ && known_ ? finish(*known_) : std::vector<stream_event>{};
  walk_.row(row, *this);
  if (const auto* answer = row.content.as<model_response>())
    finish_reason_ = answer->finish_reason.value_or("");
  return take(row.seq);
}

std::vector<stream_event> response_presenter::show(const run_ended& end) {
  if (over_ || end.run.id != view_.run)
    return {};
  walk_.end(end.run, *this);
  return take(end.run.end_seq);
}

std::vector<stream_event> response_presenter::show(const run_phase&) {
  return {};
}

std::vector<stream_event> response_presenter::show(const stream_over& over) {
  if (over.run.id == view_.run)
    return finish(over.run);
  if (known_)
    return finish(*known_);
  auto gone = over.run; // of a chat that was deleted
  gone.status = run_status::cancelled;
  return finish(gone);
}

void response_presenter::pass(const message_row& row) {
  std::ignore = show(row);
}

void response_presenter::pass(const run_ended& end) {
  std::ignore = show(end);
}

void response_presenter::know(const std::vector<run_record>& runs) {
  for (const auto& run : runs)
    if (run.id == view_.run && run.status != run_status::running)
      known_ = run;
}

// --- parts -----------------------------------------------------------------------------------------------------------

void response_presenter::user(part_place, const user_prompt_part&, bool begins_turn) {
  if (!begins_turn || std::exchange(begun_, true))
    return;
  put("response.created", {{"response", response()}});
  put("response.in_progress", {{"response", response()}});
}

void response_presenter::text(part_place place, const text_part& part) {
  const auto id = item_id("msg", place);
  const auto index = add_item(
    {{"type", "message"}, {"id", id}, {"status", "in_progress"}, {"role", "assistant"}, {"content", json::array()}});
  const json at{{"item_id", id}, {"output_index", index}, {"content_index", 0}};
  auto put_at = [&](std::string_view type, const json& more) {
    auto fields = at;
    fields.update(more);
    put(type, std::move(fields));
  };
  json content{{"type", "output_text"}, {"text", ""}, {"annotations", json::array()}, {"logprobs", json::array()}};
  put_at("response.content_part.added", {{"part", content}});
  put_at("response.output_text.delta", {{"delta", part.content}, {"logprobs", json::array()}});
  put_at("response.output_text.done", {{"text", part.content}, {"logprobs", json::array()}});
  content["text"] = part.content;
  put_at("response.content_part.done", {{"part", content}});
  output_[index]["content"].push_back(std::move(content));
  output_[index]["status"] = "completed";
  finish_item(index);
}

void response_presenter::thinking(part_place place, const thinking_part& part) {
  const auto id = item_id("rs", place);
  const auto index = add_item({{"type", "reasoning"}, {"id", id}, {"summary", json::array()}});
  if (part.content.find_first_not_of(" \t\r\n") != std::string::npos) {
    const json at{{"item_id", id}, {"output_index", index}, {"summary_index", 0}};
    auto put_at = [&](std::string_view type, const json& more) {
      auto fields = at;
      fields.update(more);
      put(type, std::move(fields));
    };
    json summary{{"type", "summary_text"}, {"text", ""}};
    put_at("response.reasoning_summary_part.added", {{"part", summary}});
    put_at("response.reasoning_summary_text.delta", {{"delta", part.content}});
    put_at("response.reasoning_summary_text.done", {{"text", part.content}});
    summary["text"] = part.content;
    put_at("response.reasoning_summary_part.done", {{"part", summary}});
    output_[index]["summary"].push_back(std::move(summary));
  }
  finish_item(index);
}

void response_presenter::compaction(part_place, const compaction_part&) {}

void response_presenter::file(part_place place, const file_part& part) {
  const auto url = attachment_url(view_.chat, place.seq, place.first_file, part.content.media_type);
  finish_item(add_item({{"type", "varro:file"},
                        {"id", item_id("file", place)},
                        {"status", "completed"},
                        {"url", view_.address + url},
                        {"media_type", part.content.media_type}}));
}

void response_presenter::left_out(part_place, const json&) {}

void response_presenter::running_call(part_place place, const tool_call_part& call) {
  const auto code = cell_code(call);
  if (!code) {
    json item{{"type", "varro:tool_call"},
              {"id", item_id("tool", place)},
              {"status", "in_progress"},
              {"name", call.tool_name},
              {"call_id", call.tool_call_id},
              {"arguments", call.args.is_string() ? call.args.get<std::string>() : dump_json(call.args)},
              {"output", nullptr}};
    calls_[place.id] = add_item(std::move(item));
    return;
  }
  const auto id = item_id("ci", place);
  const auto index = add_item({{"type", "code_interpreter_call"},
                               {"id", id},
                               {"status", "in_progress"},
                               {"code", ""},
                               {"container_id", "chat_" + std::to_string(view_.chat)},
                               {"outputs", json::array()}});
  calls_[place.id] = index;
  const json at{{"item_id", id}, {"output_index", index}};
  auto put_at = [&](std::string_view type, const json& more) {
    auto fields = at;
    fields.update(more);
    put(type, std::move(fields));
  };
  put_at("response.code_interpreter_call.in_progress", json::object());
  put_at("response.code_interpreter_call_code.delta", {{"delta", *code}});
  put_at("response.code_interpreter_call_code.done", {{"code", *code}});
  output_[index]["code"] = *code;
  output_[index]["status"] = "interpreting";
  put_at("response.code_interpreter_call.interpreting", json::object());
}

void response_presenter::finish_call(const part_place& place, const tool_call_part& call, json outputs,
                                     std::string_view text, const char* state) {
  auto found = calls_.find(place.id);
  if (found == calls_.end()) { // a return without its call
    running_call(place, call);
    found = calls_.find(place.id);
  }
  const auto index = found->second;
  calls_.erase(found);
  auto& item = output_[index];
  item["status"] = status_name(state);
  if (item["type"] == "code_interpreter_call") {
    item["outputs"] = std::move(outputs);
    put("response.code_interpreter_call.completed", {{"item_id", item["id"]}, {"output_index", index}});
  } else {
    item["output"] = text;
  }
  finish_item(index);
}

void response_presenter::ended_call(part_place place, const tool_call_part& call, const char* state) {
  finish_call(place, call, json::array(), {}, state);
}

void response_presenter::returned_call(part_place place, const tool_call_part& call, const tool_return_part& result) {
  const auto cell = cell_from_tool_return(result);
  const auto parts = cell ? std::string{} : split_tool_content(result.content).text;
  auto outputs = cell ? response_outputs(view_, place, *cell) : json::array();
  if (!cell && !parts.empty())
    outputs.push_back(logs_item(parts));
  finish_call(place, call, std::move(outputs), parts, state_of_return(result, cell));
}

void response_presenter::retried_call(part_place place, const tool_call_part& call, const retry_prompt_part& retry) {
  const auto text = retry.content.is_string() ? retry.content.get<std::string>() : dump_json(retry.content);
  auto outputs = json::array();
  outputs.push_back(logs_item(text));
  finish_call(place, call, std::move(outputs), text, tool_state::failed);
}

void response_presenter::retry(part_place, const retry_prompt_part&) {}

void response_presenter::run_error(part_place, const run_record&) {} // the end says it

presenter_source response_presenters(response_view view) {
  return [view = std::move(view)](int64_t, const std::map<int64_t, std::vector<int64_t>>&) {
    return std::unique_ptr<presenter>{std::make_unique<response_presenter>(view)};
  };
}

// --- runs that are there ---------------------------------------------------------------------------------------------

namespace {

std::vector<stream_event> feed(response_presenter& to, const chat_contents& history, const run_record& run) {
  std::vector<stream_event> events;
  auto add = [&](std::vector<stream_event> more) { std::move(more.begin(), more.end(), std::back_inserter(events)); };
  for (const auto& row : history.messages)
    if (row.run_id == run.id)
      add(to.show(row));
  if (run.status == run_status::running)
    return events;
  if (run.end_seq != 0)
    add(to.show(run_ended{run}));
  add(to.show(stream_over{run}));
  return events;
}

const run_record& run_of(const chat_contents& history, int64_t id) {
  return *std::find_if(history.runs.begin(), history.runs.end(), [=](const run_record& run) { return run.id == id; });
}

} // namespace

std::vector<stream_event> events_of_response(const chat_contents& history, const response_view& view) {
  response_presenter fresh{view};
  auto events = feed(fresh, history, run_of(history, view.run));
  std::erase_if(events,
                [&](const stream_event& event) { return event.number >= 0 && event.number <= view.starting_after; });
  return events;
}

json response_of(const chat_contents& history, const response_view& view) {
  auto quiet = view;
  quiet.whole = true;
  response_presenter fresh{quiet};
  std::ignore = feed(fresh, history, run_of(history, view.run));
  return fresh.response();
}

} // namespace varro
