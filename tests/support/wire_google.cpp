#include "tests/support/wire_google.hpp"

#include "base/base64.hpp"
#include "models/google_contents.hpp"
#include "models/message_json.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <map>

namespace varro::test::google_wire {

namespace {

// Somebody else's JSON: nothing in it is ours to simplify.
bool is_opaque(const std::string& key) {
  return key == "args" || key == "response" || key == "parametersJsonSchema" || key == "parameters"
    || key == "responseJsonSchema" || key == "responseSchema";
}

std::string camel(const std::string& key) {
  std::string made;
  bool raise = false;
  for (const char c : key) {
    if (c == '_')
      raise = true;
    else
      made += std::exchange(raise, false) && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return made;
}

} // namespace

// The API takes the names of fields in either style; absent and null mean the same.
json in_camel_case(const json& value) {
  if (value.is_array()) {
    auto list = json::array();
    for (const auto& item : value)
      list.push_back(in_camel_case(item));
    return list;
  }
  if (!value.is_object())
    return value;
  auto object = json::object();
  for (auto it = value.begin(); it != value.end(); ++it)
    if (const auto key = camel(it.key()); !it.value().is_null())
      object[key] = is_opaque(key) ? it.value() : in_camel_case(it.value());
  return object;
}

namespace {

// Both alphabets of base64 are understood.
void one_alphabet(json& holder, const char* key) {
  if (const auto text = string_member(holder, key))
    if (const auto bytes = base64_decode(*text))
      holder[key] = base64_encode(*bytes);
}

bool is_no_signature(const std::string& text) {
  return text == google::no_signature || base64_decode(text) == std::string(google::no_signature);
}

// Null for a part that says nothing.
json canonical_part(json part) {
  if (const auto signature = string_member(part, "thoughtSignature"); signature && is_no_signature(*signature))
    part.erase("thoughtSignature"); // stands for "there is none"
  one_alphabet(part, "thoughtSignature");
  if (part.contains("inlineData"))
    one_alphabet(part["inlineData"], "data");
  if (part.contains("functionResponse") && part["functionResponse"].contains("parts"))
    for (auto& inner : part["functionResponse"]["parts"])
      inner = canonical_part(inner);
  if (part.contains("functionCall") && !part["functionCall"].contains("args"))
    part["functionCall"]["args"] = json::object();
  const bool empty = string_member(part, "text") == std::string{} && !part.contains("thoughtSignature");
  return empty ? json(nullptr) : part;
}

} // namespace

// Contents of one role after each other are one turn.
json canonical_contents(const json& recorded) {
  auto contents = json::array();
  if (!recorded.is_array())
    return contents;
  for (const auto& content : recorded) {
    auto role = text_member(content, "role");
    if (role.empty())
      role = "user";
    for (const auto& one : member(content, "parts")) {
      auto part = canonical_part(one);
      if (part.is_null())
        continue;
      if (contents.empty() || contents.back()["role"] != role)
        contents.push_back(json{{"role", role}, {"parts", json::array()}});
      contents.back()["parts"].push_back(std::move(part));
    }
  }
  return contents;
}

// Ids that were made up are numbered in order: that a result names its call is what they mean.
void number_made_ids(json& contents) {
  std::map<std::string, std::string> numbers;
  for (auto& content : contents)
    for (auto& part : content["parts"])
      for (const auto* key : {"functionCall", "functionResponse"})
        if (const auto id = text_member(member(part, key), "id"); id.compare(0, 7, "pyd_ai_") == 0)
          part[key]["id"] = numbers.emplace(id, "made " + std::to_string(numbers.size())).first->second;
}

// The older field has OpenAPI's types in capitals.
json schema_of(const json& declaration) {
  if (declaration.contains("parametersJsonSchema"))
    return declaration["parametersJsonSchema"];
  auto lower = [](const auto& self, json value) -> json {
    if (value.is_array()) {
      for (auto& item : value)
        item = self(self, item);
    } else if (value.is_object()) {
      for (auto it = value.begin(); it != value.end(); ++it)
        if (it.key() == "type" && it.value().is_string())
          for (auto& c : it.value().get_ref<std::string&>())
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        else
          it.value() = self(self, it.value());
    }
    return value;
  };
  return lower(lower, member(declaration, "parameters"));
}

std::string system_text(const json& body) {
  std::string text;
  const auto& parts = member(member(body, "systemInstruction"), "parts");
  for (const auto& part : parts.is_array() ? parts : json::array())
    text += (text.empty() ? "" : "\n\n") + text_member(part, "text");
  return text;
}

namespace {

void canonical_tools(json& body) {
  auto declarations = json::array();
  auto others = json::array();
  const auto& tools = member(body, "tools");
  for (const auto& tool : tools.is_array() ? tools : json::array())
    if (tool.contains("functionDeclarations"))
      for (const auto& one : tool["functionDeclarations"])
        declarations.push_back(json{{"name", text_member(one, "name")},
                                    {"description", text_member(one, "description")},
                                    {"parameters", schema_of(one)}});
    else
      others.push_back(tool);
  body.erase("tools");
  if (!declarations.empty())
    body["declarations"] = std::move(declarations);
  if (!others.empty())
    body["otherTools"] = std::move(others);
  if (member(member(body, "toolConfig"), "functionCallingConfig") == json{{"mode", "AUTO"}})
    body["toolConfig"].erase("functionCallingConfig"); // the default
  if (body.contains("toolConfig") && body["toolConfig"].empty())
    body.erase("toolConfig");
}

void canonical_config(json& body) {
  if (!body.contains("generationConfig"))
    return;
  auto& config = body["generationConfig"];
  if (member(config, "responseModalities") == json::array({"TEXT"}))
    config.erase("responseModalities"); // the default
  if (config.contains("thinkingConfig") && config["thinkingConfig"].contains("thinkingLevel"))
    for (auto& c : config["thinkingConfig"]["thinkingLevel"].get_ref<std::string&>())
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (config.empty())
    body.erase("generationConfig");
}

} // namespace

} // namespace varro::test::google_wire

namespace varro::test {

using namespace google_wire;

std::string google_model_name(const std::string& path) {
  constexpr std::string_view head = "/models/";
  const auto at = path.find(head);
  return at == std::string::npos ? "" : path.substr(at + head.size(), path.rfind(':') - at - head.size());
}

json canonical_google_request(json body) {
  body = in_camel_case(body);
  const auto system = system_text(body);
  body.erase("systemInstruction");
  if (!system.empty())
    body["system"] = system;
  body["contents"] = canonical_contents(body["contents"]);
  number_made_ids(body["contents"]);
  canonical_tools(body);
  canonical_config(body);
  return body;
}

} // namespace varro::test
