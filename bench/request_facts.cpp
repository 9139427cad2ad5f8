// What rules look at in a request: Anthropic's messages and chat completions.
#include "bench/request_facts.hpp"

#include "bench/model_names.hpp"

#include <functional>

namespace varro::bench {

std::string string_at(const json& value, const char* key) {
  if (!value.is_object())
    return {};
  auto found = value.find(key);
  return found != value.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

const json& list_at(const json& value, const char* key) {
  static const json none = json::array();
  if (!value.is_object())
    return none;
  auto found = value.find(key);
  return found != value.end() && found->is_array() ? *found : none;
}

std::string text_of_content(const json& content) {
  if (content.is_string())
    return content.get<std::string>();
  std::string text;
  if (content.is_array()) {
    for (auto& block : content) {
      auto one = string_at(block, "text");
      if (!text.empty() && !one.empty())
        text += '\n';
      text += one;
    }
  }
  return text;
}

void new_turn(request_facts& facts, std::string text) {
  facts.user_text = std::move(text);
  facts.responses = 0;
  facts.tool_results = 0;
  facts.last_result.clear();
}

bool is_file_message(const std::string& text) {
  return text.starts_with("This is file ");
}

namespace {

json content_of(const json& message) {
  auto found = message.is_object() ? message.find("content") : message.end();
  return found == message.end() ? json{} : *found;
}

} // namespace

void read_anthropic(const json& body, request_facts& facts) {
  for (auto& message : list_at(body, "messages")) {
    auto content = content_of(message);
    if (string_at(message, "role") == "assistant") {
      ++facts.responses;
      continue;
    }
    if (content.is_array()) {
      for (auto& block : content) {
        if (string_at(block, "type") != "tool_result")
          continue;
        ++facts.tool_results;
        facts.last_result = text_of_content(content_of(block));
      }
    }
    if (auto text = text_of_content(content); !text.empty())
      new_turn(facts, std::move(text));
  }
  for (auto& tool : list_at(body, "tools"))
    facts.tools.insert(string_at(tool, "name"));
  auto thinking = body.find("thinking");
  auto type = thinking == body.end() ? "" : string_at(*thinking, "type");
  auto display = thinking == body.end() ? "" : string_at(*thinking, "display");
  facts.thinking = type == "enabled" || type == "adaptive";
  facts.thinks = type.empty() ? claude_thinks_unasked(facts.model)
    : type == "between_tools" ? facts.responses > 0
                              : facts.thinking;
  facts.thoughts_shown = claude_hides_thinking(facts.model) ? display == "summarized" : display != "omitted";
}

void read_openai(const json& body, request_facts& facts) {
  bool after_tools = false;
  for (auto& message : list_at(body, "messages")) {
    auto role = string_at(message, "role");
    auto text = text_of_content(content_of(message));
    if (role == "assistant") {
      ++facts.responses;
    } else if (role == "tool") {
      ++facts.tool_results;
      facts.last_result = text;
    } else if (role == "user" && !(after_tools && is_file_message(text))) {
      new_turn(facts, text);
    }
    after_tools = role == "tool" || (after_tools && role == "user");
  }
  for (auto& tool : list_at(body, "tools"))
    if (auto function = tool.find("function"); function != tool.end())
      facts.tools.insert(string_at(*function, "name"));
  facts.include_usage = false;
  if (auto options = body.find("stream_options"); options != body.end() && options->is_object())
    facts.include_usage = options->value("include_usage", false);
  facts.thinks = string_at(body, "reasoning_effort") != "none"; // compatible servers give names as they like
}

request_facts facts_of(vendor api, const json& body, size_t body_bytes, const std::string& path_model,
                       bool path_streams) {
  request_facts facts;
  facts.api = api;
  facts.body_bytes = body_bytes;
  facts.model = path_model.empty() ? string_at(body, "model") : path_model;
  facts.stream = path_streams;
  if (auto stream = body.find("stream"); stream != body.end())
    facts.stream = *stream == true;
  switch (api) {
  case vendor::anthropic:
    read_anthropic(body, facts);
    break;
  case vendor::openai_responses:
    read_responses(body, facts);
    break;
  case vendor::google:
    read_google(body, facts);
    break;
  case vendor::openai:
    read_openai(body, facts);
  }
  auto history = body.find(api == vendor::openai_responses ? "input" : api == vendor::google ? "contents" : "messages");
  facts.history_hash = std::hash<std::string>{}(history == body.end() ? "" : dump_json(*history));
  return facts;
}

} // namespace varro::bench
