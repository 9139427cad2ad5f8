#include "actors/tools.hpp"

#include "actors/tool_call.hpp"
#include "models/tool_arguments.hpp"

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

bool has_type(const json& value, const std::string& type) {
  if (type == "string")
    return value.is_string();
  if (type == "integer")
    return value.is_number_integer();
  if (type == "number")
    return value.is_number();
  if (type == "boolean")
    return value.is_boolean();
  if (type == "array")
    return value.is_array();
  if (type == "object")
    return value.is_object();
  return true;
}

} // namespace

tool_spec python_tool() {
  tool_spec spec;
  spec.definition.name = python_tool_name;
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

tool_list built_in_tools() {
  return std::make_shared<const std::vector<tool_spec>>(std::vector<tool_spec>{python_tool()});
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
  auto invalid = [&](std::string type, json loc, std::string message, json input) {
    if (!result.errors.is_array())
      result.errors = json::array();
    result.errors.push_back(
      {{"type", std::move(type)}, {"loc", std::move(loc)}, {"msg", std::move(message)}, {"input", std::move(input)}});
  };
  auto read = read_arguments(args);
  if (!read) {
    invalid("json_invalid", json::array(), "The arguments are not valid JSON", args);
    return result;
  }
  auto value = std::move(*read);
  if (!value.is_object()) {
    invalid("dict_type", json::array(), "The arguments must be a JSON object", value);
    return result;
  }
  const auto& schema = tool.parameters;
  if (schema.contains("required"))
    for (const auto& field : schema["required"])
      if (!value.contains(field.get_ref<const std::string&>()))
        invalid("missing", json::array({field}), "Field required", value);
  if (schema.contains("properties"))
    for (const auto& [name, property] : schema["properties"].items()) {
      auto type = property.value("type", "");
      if (value.contains(name) && !has_type(value[name], type))
        invalid(type + "_type", json::array({name}), "Input should be a valid " + type, value[name]);
    }
  if (result.errors.is_null())
    result.arguments = std::move(value);
  return result;
}

} // namespace varro
