#include "models/cell.hpp"
#include "models/history.hpp"
#include "models/tool_arguments.hpp"
#include "render/html.hpp"
#include "render/parts.hpp"

namespace varro {

namespace {

using html::element;
using html::markup;

std::string state_label(std::string_view state) {
  if (state == tool_state::running)
    return "Running";
  if (state == tool_state::done)
    return "Done";
  if (state == tool_state::stopped)
    return "Stopped";
  return "Failed";
}

markup arguments_html(const tool_call_part& call) {
  if (auto code = cell_code(call))
    return html::code_block(*code, "python");
  auto arguments = read_arguments(call.args);
  if (arguments && (arguments->is_null() || (arguments->is_structured() && arguments->empty())))
    return {};
  if (arguments)
    return html::code_block(html::pretty_json(*arguments), "json");
  // What is not JSON is shown as the model wrote it.
  auto* text = call.args.get_ptr<const std::string*>();
  return text && !text->empty() ? html::code_block(*text, "plaintext") : markup{};
}

block tool_block(const block_place& place, const tool_call_part& call, std::string_view state, const markup& outputs,
                 std::string_view duration) {
  auto name = call.tool_name == cell_tool_name ? "Python" : call.tool_name;
  auto line = [](const char* what, const markup& content) {
    return content.empty() ? markup{} : html::fragment(element("div", {{"class", what}}, content), "\n");
  };
  auto time = duration.empty() ? markup{} : element("span", {{"class", "tool-time"}}, duration);
  return {place.seq, place.element_id,
          element("section",
                  {{"class", "block tool-call"},
                   {"id", place.element_id},
                   {"data-block", "tool-call"},
                   {"data-seq", place.seq},
                   {"data-tool", call.tool_name},
                   {"data-call-id", call.tool_call_id},
                   {"data-state", state},
                   {"aria-label", name + ", " + state_label(state)}},
                  "\n",
                  element("header", {{"class", "tool-head"}}, element("span", {{"class", "tool-name"}}, name),
                          element("span", {{"class", "tool-state"}}, state_label(state)), time),
                  "\n", line("tool-input", arguments_html(call)), line("outputs", outputs))};
}

// The result of a tool that is not ours, or of a history that was written elsewhere.
markup content_html(const block_place& place, const json& content) {
  auto parts = split_tool_content(content);
  markup out;
  if (!parts.text.empty()) {
    auto value = parse_json(parts.text);
    if (value && value->is_structured())
      out += html::code_block(html::pretty_json(*value), "json");
    else
      out += element("pre", {{"class", "value"}}, parts.text);
  }
  size_t index = place.first_file;
  for (const auto& item : parts.files) {
    if (auto* file = std::get_if<binary_content>(&item)) {
      out += file_html(place, index, *file, "File " + std::to_string(index - place.first_file + 1) + " of this result");
      ++index;
    } else if (auto* url = std::get_if<url_content>(&item)) {
      out += url_html(*url);
    }
  }
  return out;
}

// What one entry of a list of complaints says.
std::string complaint_of(const json& error) {
  std::string line;
  if (error.is_object()) {
    if (auto loc = error.find("loc"); loc != error.end() && loc->is_array())
      for (const auto& step : *loc)
        line += (line.empty() ? "" : ".") + (step.is_string() ? step.get<std::string>() : html::pretty_json(step));
    if (auto msg = error.find("msg"); msg != error.end() && msg->is_string())
      line += (line.empty() ? "" : ": ") + msg->get_ref<const std::string&>();
  }
  return line.empty() ? html::pretty_json(error) : line;
}

} // namespace

markup retry_html(const json& content) {
  if (auto* text = content.get_ptr<const std::string*>())
    return element("p", *text);
  if (!content.is_array())
    return html::code_block(html::pretty_json(content), "json");
  return element("ul", html::each(content, [](const json& error) { return element("li", complaint_of(error)); }));
}

block running_call_block(const block_place& place, const tool_call_part& call) {
  return tool_block(place, call, tool_state::running, {}, {});
}

block ended_call_block(const block_place& place, const tool_call_part& call, std::string_view state) {
  return tool_block(place, call, state, {}, {});
}

block returned_call_block(const block_place& place, const tool_call_part& call, const tool_return_part& result) {
  const auto cell = cell_from_tool_return(result);
  const auto* state = state_of_return(result, cell);
  if (cell)
    return tool_block(place, call, state, cell_html(place, *cell),
                      cell->duration.count() > 0 ? duration_text(cell->duration) : std::string{});
  return tool_block(place, call, state, content_html(place, result.content), {});
}

block retried_call_block(const block_place& place, const tool_call_part& call, const retry_prompt_part& retry) {
  return tool_block(place, call, tool_state::failed,
                    element("div", {{"class", "cell-error"}},
                            element("p", element("strong", "The call could not be used.")), retry_html(retry.content)),
                    {});
}

} // namespace varro
