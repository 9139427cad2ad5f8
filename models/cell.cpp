#include "models/cell.hpp"

#include "base/base64.hpp"
#include "base/utf8.hpp"
#include "models/cell_json.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/tool_arguments.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace varro {

namespace {

constexpr std::array status_names{"ok", "failed", "interrupted", "killed", "lost"};
static_assert(status_names.size() == static_cast<size_t>(cell_status::lost) + 1, "a status lacks its name");

bool is_image_type(std::string_view type) noexcept {
  return type == "image/png" || type == "image/svg+xml" || type == "image/jpeg" || type == "image/gif"
    || type == "image/webp";
}

constexpr std::array rich_types{"text/markdown",
                                "text/latex",
                                "text/html",
                                "application/json",
                                "application/vnd.plotly.v1+json",
                                "application/vnd.vegalite.v4+json",
                                "application/vnd.vegalite.v5+json",
                                "application/vnd.vegalite.v6+json"};

std::optional<std::string> text_field(const json& value, const char* key) {
  auto found = value.find(key);
  if (found == value.end() || !found->is_string())
    return std::nullopt;
  return found->get<std::string>();
}

std::optional<int64_t> count_field(const json& value, const char* key) {
  auto found = value.find(key);
  if (found == value.end() || !found->is_number_integer())
    return std::nullopt;
  if (found->is_number_unsigned() && found->get<uint64_t>() > std::numeric_limits<int64_t>::max())
    return std::nullopt;
  auto count = found->get<int64_t>();
  return count < 0 ? std::nullopt : std::make_optional(count);
}

std::optional<std::vector<std::string>> texts_of(const json& value) {
  if (!value.is_array())
    return std::nullopt;
  std::vector<std::string> texts;
  texts.reserve(value.size());
  for (const auto& item : value) {
    if (!item.is_string())
      return std::nullopt;
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

std::optional<cell_output> table_from_json(const json& value) {
  if (!value.contains("columns") || !value.contains("dtypes") || !value.contains("rows") || !value["rows"].is_array())
    return std::nullopt;
  auto columns = texts_of(value["columns"]);
  auto dtypes = texts_of(value["dtypes"]);
  auto rows_total = count_field(value, "rows_total");
  auto columns_total = count_field(value, "columns_total");
  if (!columns || !dtypes || !rows_total || !columns_total || dtypes->size() != columns->size())
    return std::nullopt;
  table_output table{std::move(*columns), std::move(*dtypes), {}, *rows_total, *columns_total};
  table.rows.reserve(value["rows"].size());
  for (const auto& item : value["rows"]) {
    auto row = texts_of(item);
    if (!row || row->size() != table.columns.size())
      return std::nullopt;
    table.rows.push_back(std::move(*row));
  }
  return table;
}

// Padded by characters that a reader sees: bytes would tear columns of accented text apart.
void append_padded(std::string& out, const std::string& text, size_t width) {
  out.append(width - std::min(width, code_points(text)), ' ');
  out += text;
}

std::string table_text(const table_output& table) {
  std::vector<size_t> widths;
  for (const auto& column : table.columns)
    widths.push_back(code_points(column));
  for (const auto& row : table.rows)
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], code_points(row[i]));
  std::string out;
  auto append_row = [&](const std::vector<std::string>& row) {
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      if (i > 0)
        out += "  ";
      append_padded(out, row[i], widths[i]);
    }
    out += '\n';
  };
  append_row(table.columns);
  for (const auto& row : table.rows)
    append_row(row);
  auto rows_shown = static_cast<int64_t>(table.rows.size());
  auto columns_shown = std::max<int64_t>(static_cast<int64_t>(table.columns.size()) - 1, 0);
  out += "[" + std::to_string(table.rows_total) + " rows x " + std::to_string(table.columns_total) + " columns";
  if (rows_shown < table.rows_total)
    out += "; the first " + std::to_string(rows_shown) + " rows are shown";
  if (columns_shown < table.columns_total)
    out += "; the first " + std::to_string(columns_shown) + " columns are shown";
  out += "]\ndtypes:";
  for (size_t i = 1; i < table.columns.size() && i < table.dtypes.size(); ++i)
    out += (i == 1 ? " " : ", ") + table.columns[i] + " " + table.dtypes[i];
  return out;
}

std::string error_text(const error_output& error) {
  if (!error.traceback.empty())
    return error.traceback;
  return error.message.empty() ? error.name : error.name + ": " + error.message;
}

struct output_text {
  size_t images = 0;

  std::string operator()(const stream_output& x) const {
    return x.text;
  }
  std::string operator()(const value_output& x) const {
    return x.text;
  }
  std::string operator()(const image_output& x) {
    return "[figure " + std::to_string(++images) + ": " + x.media_type + ", " + std::to_string(x.data.size())
      + " bytes]";
  }
  std::string operator()(const table_output& x) const {
    return table_text(x);
  }
  std::string operator()(const rich_output& x) const {
    if (!x.text.empty() || x.media_type == "text/markdown" || x.media_type == "text/latex")
      return x.text.empty() ? x.data : x.text;
    return "[" + x.media_type + ", " + std::to_string(x.data.size()) + " bytes]";
  }
  std::string operator()(const error_output& x) const {
    return error_text(x);
  }
};

void collect_files(const json& content, std::vector<const json*>& files, int depth) {
  constexpr int nesting_max = 8;
  if (depth > nesting_max)
    return;
  if (content.is_object() && content.value("kind", json{}) == "binary" && content.contains("data")) {
    files.push_back(&content);
    return;
  }
  if (content.is_structured())
    for (const auto& item : content)
      collect_files(item, files, depth + 1);
}

// An image's bytes from the content's files, or nullopt when the index or the file is not what it should be.
std::optional<std::string> file_bytes(const std::vector<const json*>& files, const json& output) {
  auto index = count_field(output, "file");
  if (!index || static_cast<size_t>(*index) >= files.size())
    return std::nullopt;
  auto data = text_field(*files[static_cast<size_t>(*index)], "data");
  return data ? base64_decode(*data) : std::nullopt;
}

} // namespace

bool is_rich_type(std::string_view media_type) noexcept {
  return std::find(rich_types.begin(), rich_types.end(), media_type) != rich_types.end();
}

bool is_json_type(std::string_view media_type) noexcept {
  return is_rich_type(media_type) && media_type.starts_with("application/");
}

bool is_chart_type(std::string_view media_type) noexcept {
  return is_json_type(media_type) && media_type != "application/json";
}

bool is_display_file(std::string_view media_type) noexcept {
  return media_type == "text/html" || is_chart_type(media_type);
}

const char* to_string(cell_status status) noexcept {
  auto index = static_cast<size_t>(status);
  return index < status_names.size() ? status_names[index] : "unknown";
}

std::optional<cell_status> cell_status_from(std::string_view name) noexcept {
  for (size_t i = 0; i < status_names.size(); ++i)
    if (name == status_names[i])
      return static_cast<cell_status>(i);
  return std::nullopt;
}

json output_to_json(const cell_output& output) {
  struct visitor {
    json operator()(const stream_output& x) const {
      return {{"type", "stream"}, {"name", x.name}, {"text", x.text}};
    }
    json operator()(const value_output& x) const {
      return {{"type", "value"}, {"text", x.text}};
    }
    json operator()(const image_output& x) const {
      return {{"type", "image"}, {"media_type", x.media_type}};
    }
    json operator()(const table_output& x) const {
      return {{"type", "table"}, {"columns", x.columns},       {"dtypes", x.dtypes},
              {"rows", x.rows},  {"rows_total", x.rows_total}, {"columns_total", x.columns_total}};
    }
    json operator()(const rich_output& x) const {
      return {{"type", "rich"}, {"media_type", x.media_type}, {"data", x.data}, {"text", x.text}};
    }
    json operator()(const error_output& x) const {
      return {{"type", "error"}, {"name", x.name}, {"message", x.message}, {"traceback", x.traceback}};
    }
  };
  return std::visit(visitor{}, output);
}

std::optional<cell_output> output_from_json(const json& value) {
  if (!value.is_object())
    return std::nullopt;
  auto type = text_field(value, "type");
  if (!type)
    return std::nullopt;
  if (*type == "table")
    return table_from_json(value);
  if (*type == "image") {
    auto media_type = text_field(value, "media_type");
    if (!media_type || !is_image_type(*media_type))
      return std::nullopt;
    return image_output{std::move(*media_type), {}};
  }
  if (*type == "rich") {
    auto media_type = text_field(value, "media_type");
    auto data = text_field(value, "data");
    auto text = text_field(value, "text");
    if (!media_type || !is_rich_type(*media_type) || !data || !text)
      return std::nullopt;
    return rich_output{std::move(*media_type), std::move(*data), std::move(*text)};
  }
  if (*type == "error") {
    auto name = text_field(value, "name");
    auto message = text_field(value, "message");
    auto traceback = text_field(value, "traceback");
    if (!name || !message || !traceback)
      return std::nullopt;
    return error_output{std::move(*name), std::move(*message), std::move(*traceback)};
  }
  auto text = text_field(value, "text");
  if (!text)
    return std::nullopt;
  if (*type == "value")
    return value_output{std::move(*text)};
  auto name = text_field(value, "name");
  if (*type != "stream" || !name || (*name != "stdout" && *name != "stderr"))
    return std::nullopt;
  return stream_output{std::move(*name), std::move(*text)};
}

std::string cell_text(const cell_result& result) {
  std::string out;
  auto append = [&out](const std::string& text) {
    if (text.empty())
      return;
    if (!out.empty() && out.back() != '\n')
      out += '\n';
    out += text;
  };
  output_text visitor;
  for (const auto& output : result.outputs)
    append(std::visit(visitor, output));
  append(result.reason);
  return out.empty() ? "(no output)" : out;
}

std::vector<binary_content> cell_images(const cell_result& result) {
  std::vector<binary_content> images;
  for (const auto& output : result.outputs)
    if (const auto* image = std::get_if<image_output>(&output))
      images.push_back({image->data, image->media_type, nullptr, content_identifier(image->data)});
  return images;
}

std::vector<binary_content> cell_display_files(const json& metadata) {
  std::vector<binary_content> files;
  auto cell = metadata.is_object() ? metadata.find("cell") : metadata.end();
  if (!metadata.is_object() || cell == metadata.end() || !cell->is_object())
    return files;
  auto outputs = cell->find("outputs");
  if (outputs == cell->end() || !outputs->is_array())
    return files;
  for (const auto& value : *outputs) {
    auto media_type = value.is_object() ? text_field(value, "media_type") : std::nullopt;
    auto data = media_type && is_display_file(*media_type) ? text_field(value, "data") : std::nullopt;
    if (data)
      files.push_back({std::move(*data), std::move(*media_type), nullptr, {}});
  }
  return files;
}

json cell_metadata(const cell_result& result) {
  auto outputs = json::array();
  size_t files = 0;
  for (const auto& output : result.outputs) {
    auto value = output_to_json(output);
    if (std::holds_alternative<image_output>(output))
      value["file"] = files++;
    outputs.push_back(std::move(value));
  }
  json cell{{"status", to_string(result.status)},
            {"reason", result.reason},
            {"duration_us", result.duration.count()},
            {"outputs", std::move(outputs)}};
  if (result.processor)
    cell["processor_us"] = result.processor->count();
  if (result.variables_gone)
    cell["variables_gone"] = true;
  return {{"cell", std::move(cell)}};
}

bool is_cell(const tool_return_part& part) noexcept {
  return part.metadata.is_object() && part.metadata.contains("cell");
}

tool_result as_tool_result(const cell_result& result) {
  return {cell_text(result), cell_images(result), cell_metadata(result), result.status != cell_status::ok};
}

std::optional<std::string> cell_code(const tool_call_part& call) {
  if (call.tool_name != cell_tool_name)
    return std::nullopt;
  auto arguments = read_arguments(call.args);
  return arguments && arguments->is_object() ? text_field(*arguments, "code") : std::nullopt;
}

std::optional<cell_use> cell_use_of(const tool_return_part& part) {
  if (!is_cell(part) || !part.metadata["cell"].is_object())
    return std::nullopt;
  const auto& cell = part.metadata["cell"];
  const auto status = cell_status_from(text_field(cell, "status").value_or(""));
  if (!status)
    return std::nullopt;
  cell_use use{*status, std::chrono::microseconds{count_field(cell, "duration_us").value_or(0)}, std::nullopt};
  if (const auto processor = count_field(cell, "processor_us"))
    use.processor = std::chrono::microseconds{*processor};
  return use;
}

std::optional<cell_result> cell_from_tool_return(const tool_return_part& part) {
  const auto use = cell_use_of(part);
  if (!use)
    return std::nullopt;
  const auto& cell = part.metadata["cell"];
  if (!cell.contains("outputs") || !cell["outputs"].is_array())
    return std::nullopt;
  cell_result result;
  result.status = use->status;
  result.reason = text_field(cell, "reason").value_or("");
  result.duration = use->duration;
  result.processor = use->processor;
  result.variables_gone = cell.contains("variables_gone") && cell["variables_gone"] == true;
  std::vector<const json*> files;
  collect_files(part.content, files, 0);
  for (const auto& value : cell["outputs"]) {
    auto output = output_from_json(value);
    if (!output)
      return std::nullopt;
    if (auto* image = std::get_if<image_output>(&*output)) {
      auto bytes = file_bytes(files, value);
      if (!bytes)
        return std::nullopt;
      image->data = std::move(*bytes);
    }
    result.outputs.push_back(std::move(*output));
  }
  return result;
}

} // namespace varro
