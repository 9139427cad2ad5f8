#include "render/response_values.hpp"

#include "models/user_prompt.hpp"
#include "render/blocks.hpp"

#include <charconv>
#include <utility>
#include <variant>

namespace varro {

namespace {

constexpr std::string_view id_prefix = "resp_";
constexpr auto metadata_key = "response_metadata"; // in that of a message
constexpr int64_t us_per_s = 1'000'000;

// A number without a sign or leading zeros, so that each response has one id.
std::optional<int64_t> parse_id(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value <= 0 || text.front() == '0')
    return std::nullopt;
  return value;
}

// What the model reads of an output that is no picture; pictures have items of their own.
struct logs_writer {
  std::string operator()(const stream_output& stream) const {
    return stream.text;
  }
  std::string operator()(const value_output& value) const {
    return value.text;
  }
  std::string operator()(const error_output& error) const {
    return error.traceback.empty() ? error.name + ": " + error.message : error.traceback;
  }
  std::string operator()(const rich_output& rich) const {
    return rich.text.empty() ? rich.data : rich.text;
  }
  std::string operator()(const table_output& table) const {
    std::string lines;
    auto add = [&](const std::vector<std::string>& cells) {
      for (const auto& cell : cells)
        lines += (&cell == &cells.front() ? "" : "\t") + cell;
      lines += "\n";
    };
    add(table.columns);
    for (const auto& row : table.rows)
      add(row);
    lines += std::to_string(table.rows_total) + " rows × " + std::to_string(table.columns_total) + " columns";
    return lines;
  }
  std::string operator()(const image_output&) const {
    return {};
  }
};

} // namespace

json logs_item(std::string text) {
  return {{"type", "logs"}, {"logs", std::move(text)}};
}

json response_outputs(const response_view& view, const part_place& place, const cell_result& cell) {
  auto outputs = json::array();
  cell_file_numbers numbers{place.first_file, cell};
  for (const auto& output : cell.outputs) {
    if (const auto* image = std::get_if<image_output>(&output))
      outputs.push_back(
        {{"type", "image"},
         {"url", view.address + attachment_url(view.chat, place.seq, numbers.next_image(), image->media_type)}});
    else if (auto text = std::visit(logs_writer{}, output); !text.empty())
      outputs.push_back(logs_item(std::move(text)));
  }
  if (!cell.reason.empty())
    outputs.push_back(logs_item(cell.reason));
  return outputs;
}

namespace {

json usage_of(const token_usage& usage) {
  const auto reasoning = usage.details.is_object() ? usage.details.value("reasoning_tokens", int64_t{0}) : int64_t{0};
  return {{"input_tokens", usage.input_tokens},
          {"input_tokens_details", {{"cached_tokens", usage.cache_read_tokens}}},
          {"output_tokens", usage.output_tokens},
          {"output_tokens_details", {{"reasoning_tokens", reasoning}}},
          {"total_tokens", usage.input_tokens + usage.output_tokens}};
}

} // namespace

json response_outcome(const run_record& run, std::string_view finish_reason) {
  json outcome{{"usage", usage_of(run.usage)}};
  if (run.status == run_status::completed && finish_reason != "length" && finish_reason != "content_filter") {
    outcome["status"] = "completed";
    outcome["completed_at"] = run.ended_at / us_per_s;
  } else if (run.status == run_status::failed) {
    outcome["status"] = "failed";
    outcome["error"] = {{"code", "server_error"}, {"message", run.error}};
  } else {
    const std::string reason = run.status != run_status::completed ? run.status
      : finish_reason == "length"                                  ? std::string{"max_output_tokens"}
                                                                   : std::string{"content_filter"};
    outcome["status"] = "incomplete";
    outcome["incomplete_details"] = {{"reason", reason}};
  }
  return outcome;
}

json response_metadata_of(const json& metadata) {
  return {{metadata_key, metadata}};
}

json response_metadata_in(const message_row& message) {
  const auto* request = message.content.as<model_request>();
  if (request == nullptr || !request->metadata.is_object())
    return json::object();
  const auto found = request->metadata.find(metadata_key);
  return found != request->metadata.end() && found->is_object() ? *found : json::object();
}

json input_items_of(const response_view& view, const message_row& message) {
  auto content = json::array();
  auto add_text = [&](const std::string& text) {
    if (!text.empty())
      content.push_back({{"type", "input_text"}, {"text", text}});
  };
  size_t file = 0;
  std::string name; // of the file that a label goes before
  const auto* request = message.content.as<model_request>();
  for (const auto& part : request == nullptr ? std::vector<request_part>{} : request->parts) {
    const auto* prompt = std::get_if<user_prompt_part>(&part);
    if (prompt == nullptr)
      continue;
    add_text(typed_text(*prompt));
    for (const auto& item : attached_items(*prompt)) {
      if (auto labelled = labelled_upload(item))
        name = std::move(*labelled);
      const auto* binary = std::get_if<binary_content>(&item);
      if (binary == nullptr)
        continue;
      auto url = view.address + attachment_url(view.chat, message.seq, file++, binary->media_type);
      if (binary->media_type.starts_with("image/"))
        content.push_back({{"type", "input_image"}, {"image_url", std::move(url)}, {"detail", "auto"}});
      else
        content.push_back({{"type", "input_file"}, {"filename", name}, {"file_url", std::move(url)}});
    }
  }
  auto items = json::array();
  items.push_back({{"type", "message"},
                   {"id", "msg_m" + std::to_string(message.seq)},
                   {"status", "completed"},
                   {"role", "user"},
                   {"content", std::move(content)}});
  return items;
}

std::string response_id(int64_t chat, int64_t run) {
  return std::string{id_prefix} + std::to_string(chat) + "_" + std::to_string(run);
}

std::optional<response_place> parse_response_id(std::string_view id) {
  if (!id.starts_with(id_prefix))
    return std::nullopt;
  id.remove_prefix(id_prefix.size());
  const auto middle = id.find('_');
  if (middle == id.npos || middle == 0 || middle + 1 == id.size())
    return std::nullopt;
  const auto chat = parse_id(id.substr(0, middle)), run = parse_id(id.substr(middle + 1));
  if (!chat || !run)
    return std::nullopt;
  return response_place{*chat, *run};
}

json response_without_items(const response_view& view) {
  json value{{"id", response_id(view.chat, view.run)},
             {"object", "response"},
             {"created_at", view.created_at / us_per_s},
             {"completed_at", nullptr},
             {"status", "in_progress"},
             {"background", false},
             {"conversation", {{"id", "chat_" + std::to_string(view.chat)}}},
             {"error", nullptr},
             {"incomplete_details", nullptr},
             {"instructions", nullptr},
             {"max_output_tokens", nullptr},
             {"max_tool_calls", nullptr},
             {"metadata", view.metadata},
             {"model", view.model},
             {"output", json::array()},
             {"parallel_tool_calls", true},
             {"previous_response_id", nullptr},
             {"prompt_cache_key", nullptr},
             {"reasoning", {{"effort", nullptr}, {"summary", "auto"}}},
             {"safety_identifier", nullptr},
             {"service_tier", "default"},
             {"store", true},
             {"temperature", 1},
             {"text", {{"format", {{"type", "text"}}}, {"verbosity", "medium"}}},
             {"tool_choice", "auto"},
             {"tools", json::array()},
             {"top_logprobs", 0},
             {"top_p", 1},
             {"presence_penalty", 0},
             {"frequency_penalty", 0},
             {"truncation", "auto"},
             {"usage", nullptr},
             {"user", nullptr}};
  if (view.parent != 0)
    value["previous_response_id"] = response_id(view.chat, view.parent);
  if (!view.effort.empty())
    value["reasoning"]["effort"] = view.effort == "off" ? std::string{"none"} : view.effort;
  return value;
}

} // namespace varro
