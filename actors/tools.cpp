#include "actors/tools.hpp"

#include "actors/tool_call.hpp"
#include "models/argument_schema.hpp"
#include "models/tool_arguments.hpp"

#include <iterator>

namespace varro {

namespace {

constexpr auto python_description
  = R"(Runs Python code in this chat's own IPython shell and returns what it printed, the value of the last
expression, tables, plots and errors. Variables, imports and files stay from call to call. The shell is sandboxed: no
network; /workspace is the only lasting directory (uploads are there, files written there can be downloaded by the
user). numpy, pandas and matplotlib are installed. Show a plot by leaving the matplotlib figure open or plt.show().)";

constexpr auto instructions = R"(You are Varro, an assistant for working with data. You answer in Markdown.

You have a Python shell of your own in this chat, reached by the tool `python`. Use it whenever something should be
computed, looked up in a file, checked or plotted, instead of guessing. The shell keeps its variables between calls.
The user sees every call with its code and its complete result, tables and plots included: do not repeat them, say
what they mean. Files that the user uploads are in /workspace. When code fails, read the traceback and correct it. Keep
answers short and exact; use LaTeX between $ signs for formulas.)";

// Models add arguments that a tool does not have, such as a time limit. They are not worth another round.
json without_extras(const json& schema, json arguments) {
  auto properties = schema.find("properties");
  if (properties == schema.end() || schema.value("additionalProperties", json{true}) != json{false})
    return arguments;
  for (auto each = arguments.begin(); each != arguments.end();)
    each = properties->contains(each.key()) ? std::next(each) : arguments.erase(each);
  return arguments;
}

} // namespace

tool_spec python_tool() {
  tool_spec spec;
  spec.definition.name = cell_tool_name;
  spec.definition.description = python_description;
  spec.definition.parameters = {
    {"type", "object"},
    {"properties", {{"code", {{"type", "string"}, {"description", "The Python code of one cell."}}}}},
    {"required", {"code"}},
    {"additionalProperties", false},
  };
  spec.in_order = true;
  spec.needs_shell = true;
  spec.spawn = spawn_python_call;
  return spec;
}

tool_source built_in_tools() {
  auto tools = std::make_shared<const std::vector<tool_spec>>(std::vector<tool_spec>{python_tool()});
  return [=](const chat_record&) { return tools; };
}

const tool_spec* find_tool(const tool_list& tools, const std::string& name) {
  for (const auto& tool : *tools)
    if (tool.definition.name == name)
      return &tool;
  return nullptr;
}

const std::string& default_instructions() {
  static const std::string text = instructions;
  return text;
}

checked_arguments check_arguments(const tool_definition& tool, const json& args) {
  checked_arguments result;
  auto invalid = [&](const char* type, const char* message, json input) {
    result.errors
      = json::array({json{{"type", type}, {"loc", json::array()}, {"msg", message}, {"input", std::move(input)}}});
  };
  auto read = read_arguments(args);
  if (!read) {
    invalid("json_invalid", "The arguments are not valid JSON", args);
    return result;
  }
  if (!read->is_object()) {
    invalid("dict_type", "The arguments must be a JSON object", std::move(*read));
    return result;
  }
  auto value = without_extras(tool.parameters, std::move(*read));
  result.errors = schema_errors(tool.parameters, value);
  if (result.errors.is_null())
    result.arguments = std::move(value);
  return result;
}

} // namespace varro
