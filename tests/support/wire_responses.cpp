#include "tests/support/wire_responses.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/openai_responses_items.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"
#include "tests/support/wire_history.hpp"

#include <map>
#include <set>

namespace varro::test {

namespace {

// Texts of either side, without what a vendor adds to its own.
json canonical_content(const json& content) {
  auto blocks = json::array();
  const auto add_text = [&blocks](const std::string& text) {
    if (!is_blank(text))
      blocks.push_back(json{{"type", "text"}, {"text", text}});
  };
  if (content.is_string())
    add_text(content.get<std::string>());
  if (!content.is_array())
    return blocks;
  for (auto block : content) {
    const auto type = text_member(block, "type");
    if (type == "input_text" || type == "output_text" || type == "text") {
      add_text(text_member(block, "text"));
      continue;
    }
    if (text_member(block, "detail") == "auto")
      block.erase("detail"); // the default
    blocks.push_back(std::move(block));
  }
  return blocks;
}

// Absent and null mean the same here, but not inside of arguments. Marks of the prompt cache mean nothing.
json without_nulls(const json& value) {
  if (value.is_array()) {
    auto list = json::array();
    for (const auto& item : value)
      list.push_back(without_nulls(item));
    return list;
  }
  if (!value.is_object())
    return value;
  auto object = json::object();
  for (auto it = value.begin(); it != value.end(); ++it)
    if (!it.value().is_null() && it.key() != "prompt_cache_breakpoint")
      object[it.key()] = it.key() == "arguments" ? it.value() : without_nulls(it.value());
  return object;
}

json canonical_item(json item) {
  item = without_nulls(item);
  item.erase("status"); // what is sent back is complete
  const auto type = text_member(item, "type");
  if (item.contains("role")) {
    item.erase("type");
    if (item["role"] == "developer")
      item["role"] = "system";
    item["content"] = canonical_content(member(item, "content"));
  } else if (type == "function_call" || type == "mcp_call") {
    // White space inside JSON means nothing.
    if (const auto value = parse_json(text_member(item, "arguments")))
      item["arguments"] = *value;
  } else if (type == "function_call_output") {
    item["output"] = canonical_content(item["output"]);
  }
  return item;
}

user_content file_of(const json& item) {
  const auto type = text_member(item, "type");
  json metadata = nullptr;
  if (const auto detail = text_member(item, "detail"); !detail.empty() && detail != "auto")
    metadata = json{{"detail", detail}};
  if (const auto id = text_member(item, "file_id"); !id.empty()) {
    uploaded_file file;
    file.file_id = id;
    file.media_type = type == "input_image" ? "image/png" : "application/octet-stream";
    file.vendor_metadata = metadata;
    return file;
  }
  const auto url = text_member(item, type == "input_image" ? "image_url" : "file_data");
  if (url.compare(0, 5, "data:") == 0) {
    binary_content file;
    file.data = base64_decode(url.substr(url.find(',') + 1)).value_or("");
    file.media_type = url.substr(5, url.find(';') - 5);
    file.vendor_metadata = metadata;
    file.identifier = content_identifier(file.data);
    return file;
  }
  url_content file;
  file.kind = type == "input_image" ? "image-url" : "document-url";
  file.url = type == "input_image" ? url : text_member(item, "file_url");
  file.media_type = type == "input_image" ? "image/png" : "application/pdf";
  file.vendor_metadata = metadata;
  file.identifier = content_identifier(file.url);
  return file;
}

user_content content_of(const json& item, const std::string& vendor) {
  if (const auto type = text_member(item, "type"); type == "input_text" || type == "output_text")
    return text_member(item, "text");
  auto file = file_of(item);
  if (auto* uploaded = std::get_if<uploaded_file>(&file))
    uploaded->provider_name = vendor;
  return file;
}

request_part output_part(const json& item, const std::map<std::string, std::string>& names, const std::string& vendor) {
  const auto id = text_member(item, "call_id");
  const auto name = names.count(id) ? names.at(id) : "unknown";
  const auto& output = member(item, "output");
  if (output.is_string())
    return answer_to_call(id, output, false, name);
  auto content = json::array();
  for (const auto& piece : output) {
    const auto value = content_of(piece, vendor);
    content.push_back(std::holds_alternative<std::string>(value) ? json(std::get<std::string>(value))
                                                                 : file_object(value));
  }
  return answer_to_call(id, content.size() == 1 ? json(content.front()) : std::move(content), false, name);
}

request_part message_part(const json& item, const std::string& vendor) {
  const auto& content = member(item, "content");
  if (text_member(item, "role") != "user") {
    system_prompt_part part;
    for (const auto& block : canonical_content(content))
      part.content += text_member(block, "text");
    return part;
  }
  user_prompt_part part;
  if (content.is_string()) {
    part.content = content.get<std::string>();
    return part;
  }
  std::vector<user_content> items;
  for (const auto& one : content)
    items.push_back(content_of(one, vendor));
  part.content = std::move(items);
  return part;
}

void append_answer(const json& item, const std::string& vendor, model_response& response) {
  const auto type = text_member(item, "type");
  const auto id = string_member(item, "id");
  if (item.contains("role")) {
    const auto& content = member(item, "content");
    const auto add = [&](const std::string& text) {
      text_part part;
      part.content = text;
      part.id = id;
      part.provider_name = vendor;
      if (const auto phase = string_member(item, "phase"))
        part.provider_details = json{{"phase", *phase}};
      response.parts.emplace_back(std::move(part));
    };
    if (content.is_string())
      add(content.get<std::string>());
    else
      for (const auto& block : content)
        add(text_member(block, "text"));
  } else if (type == "reasoning") {
    const auto& summary = member(item, "summary");
    auto texts = std::vector<std::string>{};
    for (const auto& one : summary)
      texts.push_back(text_member(one, "text"));
    if (texts.empty())
      texts.emplace_back();
    for (size_t i = 0; i < texts.size(); ++i) {
      thinking_part part;
      part.content = texts[i];
      part.id = id;
      part.provider_name = vendor;
      if (i == 0)
        part.signature = string_member(item, "encrypted_content");
      if (const auto& content = member(item, "content"); i == 0 && content.is_array()) {
        auto raw = json::array();
        for (const auto& piece : content)
          raw.push_back(text_member(piece, "text"));
        part.provider_details = json{{"raw_content", std::move(raw)}};
      }
      response.parts.emplace_back(std::move(part));
    }
  } else if (type == "function_call") {
    tool_call_part part;
    part.tool_name = text_member(item, "name");
    part.args = member(item, "arguments");
    part.tool_call_id = text_member(item, "call_id");
    part.id = id;
    part.provider_name = vendor;
    if (const auto space = string_member(item, "namespace"))
      part.provider_details = json{{"namespace", *space}};
    response.parts.emplace_back(std::move(part));
  } else {
    auto made = openai_responses::parts_of_item(item, vendor, false);
    if (made.call)
      response.parts.push_back(std::move(*made.call));
    for (auto& file : made.files)
      response.parts.emplace_back(std::move(file));
    if (made.result)
      response.parts.push_back(std::move(*made.result));
  }
}

std::map<std::string, std::string> names_of(const json& input) {
  std::map<std::string, std::string> names;
  if (input.is_array())
    for (const auto& item : input)
      if (text_member(item, "type") == "function_call")
        names[text_member(item, "call_id")] = text_member(item, "name");
  return names;
}

} // namespace

json canonical_input(const json& input) {
  auto items = json::array();
  if (input.is_string())
    items.push_back(canonical_item(json{{"role", "user"}, {"content", input}}));
  if (!input.is_array())
    return items;
  for (const auto& one : input) {
    auto item = canonical_item(one);
    // An answer of nothing says nothing.
    if (text_member(item, "role") == "assistant" && item["content"].empty())
      continue;
    items.push_back(std::move(item));
  }
  return items;
}

void canonical_responses_settings(json& body) {
  if (text_member(body, "instructions").empty())
    body.erase("instructions");
  if (member(body, "reasoning") == json::object())
    body.erase("reasoning");
}

void forgive_additions(const json& recorded, json& ours) {
  // Early recordings are older than the encrypted reasoning: to ask for it changes no answer.
  if (!recorded.contains("include") && member(ours, "include") == json::array({"reasoning.encrypted_content"}))
    ours.erase("include");
  // And older than the ids of messages and calls, which only tell the vendor what belongs together.
  const auto& items = member(recorded, "input");
  if (!items.is_array() || !ours.contains("input") || ours["input"].size() != items.size())
    return;
  for (size_t i = 0; i < items.size(); ++i) {
    const bool named = text_member(items[i], "type") == "function_call" || text_member(items[i], "role") == "assistant";
    if (named && !items[i].contains("id"))
      ours["input"][i].erase("id");
  }
}

bool is_answer_item(const json& item) {
  const auto role = text_member(item, "role");
  return role.empty() ? text_member(item, "type") != "function_call_output" : role == "assistant";
}

void append_input(const json& input, size_t from, const std::string& vendor, message_history& history) {
  if (input.is_string()) {
    model_request request;
    request.parts.push_back(message_part(json{{"role", "user"}, {"content", input}}, vendor));
    history.emplace_back(std::move(request));
    return;
  }
  const auto names = names_of(input);
  for (size_t i = from; i < input.size();) {
    if (is_answer_item(input[i])) {
      model_response response;
      response.provider_name = vendor;
      for (; i < input.size() && is_answer_item(input[i]); ++i)
        append_answer(input[i], vendor, response);
      history.emplace_back(std::move(response));
      continue;
    }
    model_request request;
    for (; i < input.size() && !is_answer_item(input[i]); ++i) {
      if (text_member(input[i], "type") == "function_call_output")
        request.parts.push_back(output_part(input[i], names, vendor));
      else
        request.parts.push_back(message_part(input[i], vendor));
    }
    history.emplace_back(std::move(request));
  }
}

void take_responses_settings(const json& body, model_query& query, json& extra) {
  static const std::set<std::string> ours
    = {"model",       "input", "instructions", "tools",   "tool_choice", "stream",       "max_output_tokens",
       "temperature", "top_p", "reasoning",    "include", "store",       "service_tier", "parallel_tool_calls"};
  query.settings = json{{"max_tokens", nullptr}, {"thinking", nullptr}};
  for (auto it = body.begin(); it != body.end(); ++it)
    if (!ours.count(it.key()))
      extra[it.key()] = it.value();
  const auto copy = [&](const char* from, const char* to) {
    if (body.contains(from))
      query.settings[to] = body[from];
  };
  copy("max_output_tokens", "max_tokens");
  for (const auto* name : {"temperature", "top_p", "stream", "service_tier", "parallel_tool_calls"})
    copy(name, name);
  query.settings["openai_store"] = member(body, "store");
  const auto& reasoning = member(body, "reasoning");
  query.settings["openai_reasoning_effort"] = member(reasoning, "effort");
  query.settings["openai_reasoning_summary"] = member(reasoning, "summary");
  for (const auto* name : {"mode", "context", "generate_summary"})
    if (!member(reasoning, name).is_null())
      extra["reasoning"] = reasoning; // settings that Varro does not have
  if (const auto& include = member(body, "include"); include.is_array() && include.size() > 1)
    extra["include"] = include;
  const auto& choice = member(body, "tool_choice");
  if (choice == "required" || choice == "none")
    query.settings["tool_choice"] = choice;
  else if (text_member(choice, "type") == "function")
    query.settings["tool_choice"] = json::array({text_member(choice, "name")});
  else if (choice.is_object())
    extra["tool_choice"] = choice;
  const auto& tools = member(body, "tools");
  if (!tools.is_array())
    return;
  for (const auto& tool : tools) {
    const auto& schema = member(tool, "parameters");
    if (text_member(tool, "type") != "function" || !schema.is_object() || tool.contains("defer_loading")) {
      extra["tools"] = tools; // a list with the vendor's own tools in it
      query.tools.clear();
      return;
    }
    query.tools.push_back({text_member(tool, "name"), text_member(tool, "description"), schema});
  }
}

} // namespace varro::test
