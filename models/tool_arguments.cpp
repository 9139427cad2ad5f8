#include "models/tool_arguments.hpp"

#include "base/text.hpp"
#include "models/vendor_json.hpp"

namespace varro {

namespace {

constexpr int wrappings_max = 2; // strings around strings that are opened

const std::string* find_tool(const std::string& small_name, const std::vector<tool_definition>& tools) {
  for (const auto& tool : tools)
    if (ascii_lower(tool.name) == small_name)
      return &tool.name;
  return nullptr;
}

} // namespace

std::optional<json> read_arguments(const json& args) {
  if (args.is_null())
    return json::object();
  if (!args.is_string())
    return args;
  const auto& text = args.get_ref<const std::string&>();
  if (is_blank(text))
    return json::object();
  auto value = parse_vendor_json(text);
  for (int i = 0; i < wrappings_max && value && value->is_string(); ++i) {
    auto inner = parse_vendor_json(value->get_ref<const std::string&>());
    if (!inner || !(inner->is_object() || inner->is_string()))
      break; // a text, which is then what the model gave
    value = std::move(inner);
  }
  return value;
}

std::string meant_tool_name(const std::string& called, const std::vector<tool_definition>& tools) {
  for (const auto& tool : tools)
    if (tool.name == called)
      return called;
  // Marks of a model's own format that its server did not take away, and white space around.
  std::string_view name = std::string_view(called).substr(0, called.find("<|"));
  const auto first = name.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos)
    return called;
  name = name.substr(first, name.find_last_not_of(" \t\r\n") + 1 - first);
  if (const auto* tool = find_tool(ascii_lower(name), tools))
    return *tool;
  // The group that a model's format puts its tools into: "functions.python", "default_api:python".
  if (const auto mark = name.find_last_of(".:/"); mark != std::string_view::npos)
    if (const auto* tool = find_tool(ascii_lower(name.substr(mark + 1)), tools))
      return *tool;
  return called;
}

} // namespace varro
