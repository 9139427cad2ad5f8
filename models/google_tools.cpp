#include "models/google_tools.hpp"

#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <algorithm>
#include <array>

namespace varro::google {

namespace {

struct tool_row {
  std::string_view name;
  std::string_view type;
};
constexpr std::array<tool_row, 3> tool_rows = {{
  {"web_search", "GOOGLE_SEARCH_WEB"},
  {"web_fetch", "URL_CONTEXT"},
  {file_search_tool, "FILE_SEARCH"},
}};

std::string mapped(std::string_view text, char first, char last, int shift) {
  std::string made(text);
  for (auto& c : made)
    if (c >= first && c <= last)
      c = static_cast<char>(c + shift);
  return made;
}

bool is_dropped(std::string_view keyword) {
  static constexpr std::array<std::string_view, 6> keywords
    = {"$schema", "title", "examples", "discriminator", "exclusiveMinimum", "exclusiveMaximum"};
  return std::find(keywords.begin(), keywords.end(), keyword) != keywords.end();
}

// Members whose own members are names that somebody chose, not keywords.
bool holds_names(std::string_view keyword) {
  return keyword == "properties" || keyword == "$defs" || keyword == "definitions";
}

const char* type_name(const json& value) {
  if (value.is_boolean())
    return "boolean";
  if (value.is_number_integer())
    return "integer";
  return value.is_number() ? "number" : "string";
}

void replace_format(json& schema) {
  const auto format = text_member(schema, "format");
  if (text_member(schema, "type") != "string" || format.empty())
    return;
  const auto words = text_member(schema, "description");
  schema["description"] = words.empty() ? "Format: " + format : words + " (format: " + format + ")";
  schema.erase("format");
}

json declaration_of(const tool_definition& tool) {
  auto schema = accepted_schema(tool.parameters.is_object() ? tool.parameters : json::object());
  if (!schema.contains("type"))
    schema["type"] = "object";
  return json{{"name", tool.name}, {"description", tool.description}, {"parametersJsonSchema", std::move(schema)}};
}

// "AUTO" is the default and not sent. Whether calls may be parallel cannot be said.
json calling_config(const json& choice) {
  if (choice == "none")
    return json{{"mode", "NONE"}};
  if (choice == "required")
    return json{{"mode", "ANY"}};
  if (!choice.is_array() || choice.empty())
    return nullptr;
  auto names = json::array();
  for (const auto& name : choice)
    if (name.is_string())
      names.push_back(name);
  return json{{"mode", "ANY"}, {"allowedFunctionNames", std::move(names)}};
}

} // namespace

std::string name_of_tool_type(std::string_view tool_type) {
  for (const auto& row : tool_rows)
    if (row.type == tool_type)
      return std::string(row.name);
  return mapped(tool_type, 'A', 'Z', 'a' - 'A');
}

std::string tool_type_of(std::string_view tool_name) {
  for (const auto& row : tool_rows)
    if (row.name == tool_name)
      return std::string(row.type);
  return mapped(tool_name, 'a', 'z', 'A' - 'a');
}

json accepted_schema(const json& schema) {
  if (schema.is_array()) {
    auto list = json::array();
    for (const auto& item : schema)
      list.push_back(accepted_schema(item));
    return list;
  }
  if (!schema.is_object())
    return schema;
  auto kept = json::object();
  for (auto it = schema.begin(); it != schema.end(); ++it) {
    if (is_dropped(it.key()))
      continue;
    if (it.key() == "const") {
      kept["enum"] = json::array({it.value()});
      if (!schema.contains("type"))
        kept["type"] = type_name(it.value());
    } else if (holds_names(it.key()) && it.value().is_object()) {
      kept[it.key()] = json::object();
      for (auto inner = it.value().begin(); inner != it.value().end(); ++inner)
        kept[it.key()][inner.key()] = accepted_schema(inner.value());
    } else if (it.key() == "enum" || it.key() == "default" || it.key() == "required") {
      kept[it.key()] = it.value(); // values, whatever they look like
    } else {
      kept[it.key()] = accepted_schema(it.value());
    }
  }
  replace_format(kept);
  return kept;
}

void add_tools(const model_query& query, json& body) {
  if (query.tools.empty())
    return;
  auto declarations = json::array();
  for (const auto& tool : query.tools)
    declarations.push_back(declaration_of(tool));
  body["tools"] = json::array({json{{"functionDeclarations", std::move(declarations)}}});
  const auto* choice = find_setting(query, "tool_choice");
  if (auto config = choice ? calling_config(*choice) : json(nullptr); !config.is_null())
    body["toolConfig"] = json{{"functionCallingConfig", std::move(config)}};
}

} // namespace varro::google
