#include "render/json_presenter.hpp"

#include "models/cell.hpp"
#include "models/history.hpp"
#include "models/left_out.hpp"
#include "models/tool_arguments.hpp"
#include "models/user_prompt.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace varro {

namespace {

// --- files and texts -------------------------------------------------------------------------------------------------

json text_item(const std::string& text) {
  return {{"type", "text"}, {"text", text}};
}

// Attachments are told by their addresses, never by their bytes.
json attachment(std::string_view type, int64_t chat_id, int64_t seq, size_t index, const std::string& media_type,
                size_t bytes) {
  return {{"type", type},
          {"url", attachment_url(chat_id, seq, index, media_type)},
          {"media_type", media_type},
          {"bytes", bytes}};
}

json link_item(const url_content& content) {
  json item{{"type", "link"}, {"url", content.url}, {"link_kind", content.kind}};
  if (!content.media_type.empty())
    item["media_type"] = content.media_type;
  return item;
}

json items_of_prompt(int64_t chat_id, const part_place& place, const user_prompt_part& part) {
  if (const auto* text = std::get_if<std::string>(&part.content))
    return json::array({text_item(*text)});
  auto items = json::array();
  auto index = place.first_file;
  std::string name; // of the file that a label before this item told
  for (const auto& item : std::get<std::vector<user_content>>(part.content)) {
    auto label = labelled_upload(item);
    if (!label) {
      if (const auto* text = std::get_if<std::string>(&item)) {
        items.push_back(text_item(*text));
      } else if (const auto* more = std::get_if<text_content>(&item)) {
        items.push_back(text_item(more->content));
      } else if (const auto* url = std::get_if<url_content>(&item)) {
        items.push_back(link_item(*url));
      } else if (const auto* file = std::get_if<binary_content>(&item)) {
        items.push_back(attachment("file", chat_id, place.seq, index++, file->media_type, file->data.size()));
        if (!name.empty())
          items.back()["name"] = name;
      } else if (const auto* uploaded = std::get_if<uploaded_file>(&item)) {
        items.push_back({{"type", "uploaded"}, {"file_id", uploaded->file_id}});
      }
    }
    name = label.value_or("");
  }
  return items;
}

// --- results ---------------------------------------------------------------------------------------------------------

struct output_writer {
  int64_t chat_id;
  const part_place& place;
  cell_file_numbers numbers;

  json operator()(const stream_output& stream) {
    return {{"type", "stream"}, {"name", stream.name}, {"text", stream.text}};
  }
  json operator()(const value_output& value) {
    return {{"type", "value"}, {"text", value.text}};
  }
  json operator()(const table_output& table) {
    return {{"type", "table"},    {"columns", table.columns},       {"dtypes", table.dtypes},
            {"rows", table.rows}, {"rows_total", table.rows_total}, {"columns_total", table.columns_total}};
  }
  json operator()(const error_output& error) {
    return {{"type", "exception"}, {"name", error.name}, {"message", error.message}, {"traceback", error.traceback}};
  }
  json operator()(const image_output& image) {
    return attachment("image", chat_id, place.seq, numbers.next_image(), image.media_type, image.data.size());
  }
  json operator()(const rich_output& rich) {
    json item;
    if (is_display_file(rich.media_type))
      item = attachment("display", chat_id, place.seq, numbers.next_display(), rich.media_type, rich.data.size());
    else
      item = {{"type", "display"}, {"media_type", rich.media_type}, {"data", rich.data}};
    if (!rich.text.empty())
      item["text"] = rich.text;
    return item;
  }
};

json result_of_cell(int64_t chat_id, const part_place& place, const cell_result& cell) {
  output_writer writer{chat_id, place, {place.first_file, cell}};
  auto outputs = json::array();
  for (const auto& output : cell.outputs)
    outputs.push_back(std::visit(writer, output));
  json result{{"outputs", std::move(outputs)}, {"status", to_string(cell.status)}};
  if (!cell.reason.empty())
    result["reason"] = cell.reason;
  if (cell.duration.count() > 0)
    result["duration_us"] = cell.duration.count();
  if (cell.variables_gone)
    result["variables_gone"] = true;
  return result;
}

json result_of_tool(int64_t chat_id, const part_place& place, const json& content) {
  auto parts = split_tool_content(content);
  auto outputs = json::array();
  if (!parts.text.empty())
    outputs.push_back(text_item(parts.text));
  auto index = place.first_file;
  for (const auto& item : parts.files) {
    if (const auto* file = std::get_if<binary_content>(&item))
      outputs.push_back(attachment("file", chat_id, place.seq, index++, file->media_type, file->data.size()));
    else if (const auto* url = std::get_if<url_content>(&item))
      outputs.push_back(link_item(*url));
  }
  return {{"outputs", std::move(outputs)}};
}

json call_fields(const tool_call_part& call, const char* state, json result = nullptr) {
  json fields{{"tool", call.tool_name}, {"call_id", call.tool_call_id}, {"state", state}};
  if (auto code = cell_code(call)) {
    fields["code"] = *std::move(code);
  } else if (auto arguments = read_arguments(call.args)) {
    fields["arguments"] = *std::move(arguments);
  } else if (const auto* text = call.args.get_ptr<const std::string*>()) {
    fields["arguments_text"] = *text;
  }
  fields["result"] = std::move(result);
  return fields;
}

json usage_fields(const token_usage& usage) {
  return {{"input_tokens", usage.input_tokens},
          {"cache_write_tokens", usage.cache_write_tokens},
          {"cache_read_tokens", usage.cache_read_tokens},
          {"output_tokens", usage.output_tokens}};
}

// --- parts -----------------------------------------------------------------------------------------------------------

class object_writer : public part_visitor {
public:
  object_writer(int64_t chat_id, const std::map<int64_t, std::vector<int64_t>>& alternatives, unix_us created_at)
    : chat_id_(chat_id), alternatives_(alternatives), created_at_(created_at) {}

  std::vector<std::string> take() && {
    std::vector<std::string> data;
    data.reserve(out_.size());
    for (auto& each : out_)
      data.push_back(std::move(each.data));
    return data;
  }

  void user(part_place place, const user_prompt_part& part, bool begins_turn) override {
    json fields{{"content", items_of_prompt(chat_id_, place, part)}, {"begins_turn", begins_turn}};
    if (auto found = alternatives_.find(place.run); begins_turn && found != alternatives_.end())
      fields["alternatives"] = found->second;
    put(place, "user", fields);
  }
  void text(part_place place, const text_part& part) override {
    put(place, "text", {{"text", part.content}});
  }
  void thinking(part_place place, const thinking_part& part) override {
    put(place, "thinking", {{"text", part.content}});
  }
  void compaction(part_place place, const compaction_part& part) override {
    put(place, "summary", {{"text", part.content ? json(*part.content) : json()}});
  }
  void file(part_place place, const file_part& part) override {
    const auto& content = part.content;
    put(place, "file",
        {{"content",
          json::array(
            {attachment("file", chat_id_, place.seq, place.first_file, content.media_type, content.data.size())})}});
  }
  void left_out(part_place place, const json& metadata) override {
    const auto without = left_out_of(metadata);
    put(place, "left_out", {{"turns", without.turns}, {"results", without.results}, {"pictures", without.pictures}});
  }
  void running_call(part_place place, const tool_call_part& call) override {
    put(place, "tool_call", call_fields(call, tool_state::running));
  }
  void ended_call(part_place place, const tool_call_part& call, const char* state) override {
    put(place, "tool_call", call_fields(call, state));
  }
  void returned_call(part_place place, const tool_call_part& call, const tool_return_part& result) override {
    const auto cell = cell_from_tool_return(result);
    put(place, "tool_call",
        call_fields(call, state_of_return(result, cell),
                    cell ? result_of_cell(chat_id_, place, *cell) : result_of_tool(chat_id_, place, result.content)));
  }
  void retried_call(part_place place, const tool_call_part& call, const retry_prompt_part& retry) override {
    auto outputs = json::array({{{"type", "complaint"}, {"content", retry.content}}});
    put(place, "tool_call", call_fields(call, tool_state::failed, {{"outputs", std::move(outputs)}}));
  }
  void retry(part_place place, const retry_prompt_part& retry) override {
    put(place, "retry", {{"content", retry.content}});
  }
  void run_error(part_place place, const run_record& run) override {
    put(place, "error", {{"status", run.status}, {"text", run.error}});
  }

private:
  struct object {
    std::string id;
    std::string data;
  };

  // A part with the id of one before it in the same message replaces that one.
  void put(const part_place& place, const char* kind, const json& fields) {
    json value{{"id", place.id},   {"seq", place.seq},          {"turn", place.turn},
               {"run", place.run}, {"created_at", created_at_}, {"kind", kind}};
    value.update(fields);
    object next{place.id, dump_json(value)};
    auto present = std::find_if(out_.begin(), out_.end(), [&](const object& each) { return each.id == next.id; });
    if (present == out_.end())
      out_.push_back(std::move(next));
    else
      *present = std::move(next);
  }

  int64_t chat_id_;
  const std::map<int64_t, std::vector<int64_t>>& alternatives_;
  unix_us created_at_;
  std::vector<object> out_;
};

} // namespace

json_presenter::json_presenter(int64_t chat_id, std::map<int64_t, std::vector<int64_t>> alternatives)
  : chat_id_(chat_id), alternatives_(std::move(alternatives)) {}

void json_presenter::note_cost(const message_row& row) {
  if (row.run_id != cost_.run)
    cost_ = {row.run_id, 0, true};
  const auto* response = row.content.as<model_response>();
  if (response == nullptr)
    return;
  const auto& details = response->provider_details;
  auto cost = details.is_object() ? details.find("cost") : details.end();
  if (details.is_object() && cost != details.end() && cost->is_number())
    cost_.sum += cost->get<double>();
  else
    cost_.known = false;
}

void json_presenter::pass(const message_row& row) {
  note_cost(row);
  walk_.pass(row);
}

void json_presenter::pass(const run_ended& end) {
  walk_.pass(end.run);
}

std::vector<std::string> json_presenter::parts_of(const message_row& row) {
  note_cost(row);
  object_writer writer{chat_id_, alternatives_, row.created_at};
  walk_.row(row, writer);
  return std::move(writer).take();
}

std::vector<std::string> json_presenter::parts_of_end(const run_record& run) {
  object_writer writer{chat_id_, alternatives_, run.ended_at};
  walk_.end(run, writer);
  return std::move(writer).take();
}

std::string json_presenter::phase_data(const run_phase& phase) {
  return dump_json({{"text", phase.text}});
}

std::string json_presenter::over_data(const stream_over& over) {
  const auto& run = over.run;
  json data{{"chat_id", run.chat_id}, {"status", run.status}};
  if (!run.error.empty())
    data["error"] = run.error;
  if (!over.unstored.empty())
    data["unstored"] = over.unstored;
  if (run.id == 0)
    return dump_json(data);
  data["run"] = run.id;
  data["turn"] = run.turn;
  data["started_at"] = run.started_at;
  data["ended_at"] = run.ended_at;
  data["model_requests"] = run.model_requests;
  data["usage"] = usage_fields(run.usage);
  if (cost_.run == run.id && cost_.known && cost_.sum > 0)
    data["cost"] = cost_.sum;
  return dump_json(data);
}

presenter_source json_presenters() {
  return [](int64_t chat_id, const std::map<int64_t, std::vector<int64_t>>& alternatives) {
    return std::unique_ptr<presenter>{std::make_unique<json_presenter>(chat_id, alternatives)};
  };
}

} // namespace varro
