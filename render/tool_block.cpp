#include "models/cell.hpp"
#include "models/history.hpp"
#include "models/tool_arguments.hpp"
#include "render/html.hpp"
#include "render/parts.hpp"

namespace varro {

namespace {

constexpr auto python_tool = "python"; // the built-in tool's name; its one argument is `code`

std::string state_label(std::string_view state) {
  if (state == tool_state::running)
    return "Running";
  if (state == tool_state::done)
    return "Done";
  if (state == tool_state::stopped)
    return "Stopped";
  return "Failed";
}

const char* state_of(cell_status status) {
  switch (status) {
  case cell_status::ok:
    return tool_state::done;
  case cell_status::interrupted:
    return tool_state::stopped;
  default:
    return tool_state::failed;
  }
}

std::string arguments_html(const tool_call_part& call) {
  auto arguments = read_arguments(call.args);
  if (call.tool_name == python_tool && arguments && arguments->is_object()) {
    auto code = arguments->find("code");
    if (code != arguments->end() && code->is_string())
      return html::code_block(code->get_ref<const std::string&>(), "python");
  }
  if (arguments && (arguments->is_null() || (arguments->is_structured() && arguments->empty())))
    return {};
  if (arguments)
    return html::code_block(html::pretty_json(*arguments), "json");
  // What is not JSON is shown as the model wrote it.
  auto* text = call.args.get_ptr<const std::string*>();
  return text && !text->empty() ? html::code_block(*text, "plaintext") : std::string{};
}

block tool_block(const block_place& place, const tool_call_part& call, std::string_view state, std::string_view outputs,
                 std::string_view duration) {
  bool python = call.tool_name == python_tool;
  auto name = python ? std::string("Python") : escape_html(call.tool_name);
  std::string out = "<section class=\"block tool-call\"" + html::attribute("id", place.element_id)
    + " data-block=\"tool-call\"" + html::attribute("data-seq", place.seq)
    + html::attribute("data-tool", call.tool_name) + html::attribute("data-call-id", call.tool_call_id)
    + html::attribute("data-state", state) + " aria-label=\"" + name + ", " + state_label(state)
    + "\">\n<header class=\"tool-head\"><span class=\"tool-name\">" + name + "</span><span class=\"tool-state\">"
    + state_label(state) + "</span>";
  if (!duration.empty())
    out += "<span class=\"tool-time\">" + escape_html(duration) + "</span>";
  out += "</header>\n";
  if (auto arguments = arguments_html(call); !arguments.empty())
    out += "<div class=\"tool-input\">" + arguments + "</div>\n";
  if (!outputs.empty())
    out += "<div class=\"outputs\">" + std::string(outputs) + "</div>\n";
  out += "</section>";
  return {place.seq, place.element_id, std::move(out)};
}

// The result of a tool that is not ours, or of a history that was written elsewhere.
std::string content_html(const block_place& place, const json& content) {
  auto parts = split_tool_content(content);
  std::string out;
  if (!parts.text.empty()) {
    auto value = parse_json(parts.text);
    if (value && value->is_structured())
      out += html::code_block(html::pretty_json(*value), "json");
    else
      out += "<pre class=\"value\">" + escape_html(parts.text) + "</pre>";
  }
  size_t index = place.first_file;
  for (const auto& item : parts.files) {
    if (auto* file = std::get_if<binary_content>(&item)) {
      out += file_html(place.chat_id, place.seq, index, *file,
                       "File " + std::to_string(index - place.first_file + 1) + " of this result");
      ++index;
    } else if (auto* url = std::get_if<url_content>(&item)) {
      out += url_html(*url);
    }
  }
  return out;
}

} // namespace

std::string retry_html(const json& content) {
  if (auto* text = content.get_ptr<const std::string*>())
    return "<p>" + escape_html(*text) + "</p>";
  if (!content.is_array())
    return html::code_block(html::pretty_json(content), "json");
  std::string out = "<ul>";
  for (const auto& error : content) {
    std::string line;
    if (error.is_object()) {
      if (auto loc = error.find("loc"); loc != error.end() && loc->is_array())
        for (const auto& step : *loc)
          line += (line.empty() ? "" : ".") + (step.is_string() ? step.get<std::string>() : html::pretty_json(step));
      if (auto msg = error.find("msg"); msg != error.end() && msg->is_string())
        line += (line.empty() ? "" : ": ") + msg->get_ref<const std::string&>();
    }
    out += "<li>" + escape_html(line.empty() ? html::pretty_json(error) : line) + "</li>";
  }
  return out + "</ul>";
}

block running_call_block(const block_place& place, const tool_call_part& call) {
  return tool_block(place, call, tool_state::running, {}, {});
}

block ended_call_block(const block_place& place, const tool_call_part& call, std::string_view state) {
  return tool_block(place, call, state, {}, {});
}

block returned_call_block(const block_place& place, const tool_call_part& call, const tool_return_part& result) {
  if (auto cell = cell_from_tool_return(result))
    return tool_block(place, call, state_of(cell->status), cell_html(place, *cell),
                      cell->duration.count() > 0 ? duration_text(cell->duration) : std::string{});
  auto state = result.outcome == "success" ? tool_state::done : tool_state::failed;
  return tool_block(place, call, state, content_html(place, result.content), {});
}

block retried_call_block(const block_place& place, const tool_call_part& call, const retry_prompt_part& retry) {
  return tool_block(place, call, tool_state::failed,
                    "<div class=\"cell-error\"><p><strong>The call could not be used.</strong></p>"
                      + retry_html(retry.content) + "</div>",
                    {});
}

} // namespace varro
