#include "http/exports.hpp"

#include "base/base64.hpp"
#include "models/cell.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/tool_arguments.hpp"
#include "models/user_prompt.hpp"
#include "render/blocks.hpp"
#include "render/markdown_lines.hpp"
#include "render/markup.hpp"
#include "workspace/files.hpp"

#include <algorithm>
#include <unordered_map>

namespace varro {

namespace {

std::string prompt_text(const user_prompt_part& part) {
  if (auto* text = std::get_if<std::string>(&part.content))
    return *text;
  std::string result;
  for (const auto& item : std::get<std::vector<user_content>>(part.content)) {
    if (auto* text = std::get_if<std::string>(&item))
      result += (result.empty() ? "" : "\n\n") + *text;
    else if (labelled_upload(item))
      continue; // its name is in the note of all
    else if (auto* content = std::get_if<text_content>(&item))
      result += (result.empty() ? "" : "\n\n") + content->content;
  }
  return result;
}

// Longer arguments are not read: what one export costs is bounded by what it returns.
constexpr size_t arguments_bytes_max = 1u << 20;

std::optional<std::string> shown_code(const tool_call_part& call) {
  const auto* text = call.args.get_ptr<const std::string*>();
  return text && text->size() > arguments_bytes_max ? std::nullopt : cell_code(call);
}

// A fence that the text itself does not contain.
std::string fenced(std::string_view text, std::string_view language) {
  size_t longest = 2;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto end = std::min(text.find_first_not_of('`', i), text.size());
    longest = std::max(longest, end - i);
    i = end;
  }
  const std::string fence(longest + 1, '`');
  return fence + std::string{language} + "\n" + std::string{text} + (text.ends_with('\n') ? "" : "\n") + fence + "\n";
}

// Markdown of somebody else, as a part of ours: code that it does not end would take in all that follows.
std::string closed(std::string text) {
  if (const auto fence = open_fence(text); !fence.empty())
    text += (text.ends_with('\n') ? "" : "\n") + fence;
  return text;
}

using returns_by_call = std::unordered_map<std::string, const tool_return_part*>;

returns_by_call find_returns(const chat_contents& contents) {
  returns_by_call result;
  for (const auto& row : contents.messages)
    if (auto* request = row.content.as<model_request>())
      for (const auto& part : request->parts)
        if (auto* returned = std::get_if<tool_return_part>(&part))
          result[returned->tool_call_id] = returned;
  return result;
}

json plain_bundle(std::string text) {
  json data = json::object();
  data["text/plain"] = std::move(text);
  return data;
}

std::string table_text(const table_output& table) {
  std::string result;
  auto line = [&result](const std::vector<std::string>& values) {
    for (const auto& value : values)
      result += (&value == &values.front() ? "" : "\t") + value;
    result += '\n';
  };
  line(table.columns);
  for (const auto& row : table.rows)
    line(row);
  return result + "[" + std::to_string(table.rows_total) + " rows x " + std::to_string(table.columns_total)
    + " columns]";
}

// As pandas writes a table into a notebook. Each row has the name of its index first.
std::string table_html(const table_output& table) {
  using html::element;
  auto head = html::each(table.columns, [](const std::string& name) { return element("th", name); });
  auto body = html::each(table.rows, [](const std::vector<std::string>& row) {
    auto cells = html::each(row, [&row](const std::string& value) {
      return &value == &row.front() ? element("th", value) : element("td", value);
    });
    return html::fragment("    ", element("tr", cells), "\n");
  });
  constexpr html::fixed right{"text-align: right;"};
  auto grid = element("table", {{"border", 1}, {"class", "dataframe"}}, "\n  ",
                      element("thead", "\n    ", element("tr", {{"style", right}}, head), "\n  "), "\n  ",
                      element("tbody", "\n", body, "  "), "\n");
  return html::fragment(grid, "\n", element("p", table.rows_total, " rows × ", table.columns_total, " columns")).str();
}

struct notebook_output {
  json operator()(const stream_output& x) const {
    return {{"output_type", "stream"}, {"name", x.name}, {"text", x.text}};
  }
  json operator()(const value_output& x) const {
    return result(plain_bundle(x.text));
  }
  json operator()(const table_output& x) const {
    auto data = plain_bundle(table_text(x));
    data["text/html"] = table_html(x);
    return result(std::move(data));
  }
  json operator()(const image_output& x) const {
    json data = json::object();
    data[x.media_type] = x.media_type == "image/svg+xml" ? x.data : base64_encode(x.data);
    return {{"output_type", "display_data"}, {"data", data}, {"metadata", json::object()}};
  }
  json operator()(const rich_output& x) const {
    auto data = x.text.empty() ? json::object() : plain_bundle(x.text);
    if (!is_json_type(x.media_type))
      data[x.media_type] = x.data;
    else if (auto value = parse_json(x.data))
      data[x.media_type] = std::move(*value);
    return {{"output_type", "display_data"}, {"data", std::move(data)}, {"metadata", json::object()}};
  }
  json operator()(const error_output& x) const {
    return {
      {"output_type", "error"}, {"ename", x.name}, {"evalue", x.message}, {"traceback", json::array({x.traceback})}};
  }
  json result(json data) const {
    return {{"output_type", "execute_result"},
            {"execution_count", count},
            {"data", std::move(data)},
            {"metadata", json::object()}};
  }
  int count = 0;
};

json outputs_of(const tool_return_part* returned, int count) {
  json outputs = json::array();
  auto cell = returned == nullptr ? std::nullopt : cell_from_tool_return(*returned);
  if (cell)
    for (const auto& output : cell->outputs)
      outputs.push_back(std::visit(notebook_output{count}, output));
  else if (returned != nullptr)
    outputs.push_back(
      {{"output_type", "stream"}, {"name", "stdout"}, {"text", split_tool_content(returned->content).text}});
  return outputs;
}

class notebook_writer {
public:
  explicit notebook_writer(const chat_contents& contents) : returns_(find_returns(contents)) {}

  void markdown(const std::string& source) {
    add("markdown", source);
  }
  void code(const std::string& source, const std::string& call_id) {
    auto& cell = add("code", source);
    auto found = returns_.find(call_id);
    cell["execution_count"] = ++count_;
    cell["outputs"] = outputs_of(found == returns_.end() ? nullptr : found->second, count_);
  }
  json cells = json::array();

private:
  json& add(const char* type, const std::string& source) {
    cells.push_back({{"cell_type", type},
                     {"id", "cell-" + std::to_string(cells.size() + 1)},
                     {"metadata", json::object()},
                     {"source", source}});
    return cells.back();
  }
  returns_by_call returns_;
  int count_ = 0;
};

std::string dumped(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

} // namespace

std::string export_notebook(const chat_contents& contents) {
  notebook_writer writer{contents};
  writer.markdown("# " + contents.chat.title);
  for (const auto& row : contents.messages) {
    if (auto* request = row.content.as<model_request>())
      for (const auto& part : request->parts)
        if (auto* prompt = std::get_if<user_prompt_part>(&part))
          writer.markdown("**User:**\n\n" + prompt_text(*prompt));
    if (auto* response = row.content.as<model_response>())
      for (const auto& part : response->parts) {
        if (auto* text = std::get_if<text_part>(&part))
          writer.markdown(text->content);
        else if (auto* call = std::get_if<tool_call_part>(&part))
          if (auto code = shown_code(*call))
            writer.code(*code, call->tool_call_id);
      }
  }
  json kernel = {{"display_name", "Python 3"}, {"language", "python"}, {"name", "python3"}};
  json book = {{"cells", std::move(writer.cells)},
               {"metadata", {{"kernelspec", kernel}, {"language_info", {{"name", "python"}}}}},
               {"nbformat", 4},
               {"nbformat_minor", 5}};
  return dumped(book, 1) + "\n";
}

std::string export_markdown(const chat_contents& contents) {
  std::string out = "# " + contents.chat.title + "\n";
  for (const auto& row : contents.messages) {
    if (auto* request = row.content.as<model_request>())
      for (const auto& part : request->parts) {
        if (auto* prompt = std::get_if<user_prompt_part>(&part))
          out += "\n## User\n\n" + closed(prompt_text(*prompt)) + "\n";
        else if (auto* returned = std::get_if<tool_return_part>(&part))
          out += "\nResult:\n\n" + fenced(split_tool_content(returned->content).text, "");
      }
    if (auto* response = row.content.as<model_response>())
      for (const auto& part : response->parts) {
        if (auto* text = std::get_if<text_part>(&part)) {
          out += "\n" + closed(text->content) + "\n";
        } else if (auto* call = std::get_if<tool_call_part>(&part)) {
          auto code = shown_code(*call);
          out += "\n" + (code ? fenced(*code, "python") : fenced(dumped(call->args, -1), "json"));
        }
      }
  }
  return out;
}

std::string export_json(const chat_contents& contents) {
  message_history messages;
  for (const auto& row : contents.messages)
    messages.push_back(row.content);
  return to_json_text(messages);
}

std::string export_file_name(const chat_record& chat, std::string_view extension) {
  auto title = chat.title.empty() ? "chat-" + std::to_string(chat.id) : chat.title;
  for (auto& c : title)
    if (c == '/' || c == '\\')
      c = ' ';
  return sanitised_file_name(title) + "." + std::string{extension};
}

} // namespace varro
