// What rules look at in a request, found in the body that either vendor's client sends.
#include "bench/script.hpp"

#include <functional>

namespace varro::bench {

namespace {

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

// The text of a content that is a string or a list of blocks.
std::string text_of(const json& content) {
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

json content_of(const json& message) {
  auto found = message.is_object() ? message.find("content") : message.end();
  return found == message.end() ? json{} : *found;
}

void new_turn(request_facts& facts, std::string text) {
  facts.user_text = std::move(text);
  facts.responses = 0;
  facts.tool_results = 0;
  facts.last_result.clear();
}

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
        facts.last_result = text_of(content_of(block));
      }
    }
    if (auto text = text_of(content); !text.empty())
      new_turn(facts, std::move(text));
  }
  for (auto& tool : list_at(body, "tools"))
    facts.tools.insert(string_at(tool, "name"));
  if (auto thinking = body.find("thinking"); thinking != body.end())
    facts.thinking = string_at(*thinking, "type") == "enabled" || string_at(*thinking, "type") == "adaptive";
}

void read_openai(const json& body, request_facts& facts) {
  bool after_tools = false;
  for (auto& message : list_at(body, "messages")) {
    auto role = string_at(message, "role");
    auto text = text_of(content_of(message));
    if (role == "assistant") {
      ++facts.responses;
    } else if (role == "tool") {
      ++facts.tool_results;
      facts.last_result = text;
    } else if (role == "user" && !(after_tools && text.starts_with("This is file "))) {
      // A tool message cannot hold an image: clients send it in a user message of its own, which begins no turn.
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
}

} // namespace

request_facts facts_of(vendor api, const json& body, size_t body_bytes) {
  request_facts facts;
  facts.api = api;
  facts.body_bytes = body_bytes;
  facts.model = string_at(body, "model");
  if (auto stream = body.find("stream"); stream != body.end())
    facts.stream = *stream == true;
  if (api == vendor::anthropic)
    read_anthropic(body, facts);
  else
    read_openai(body, facts);
  facts.history_hash = std::hash<std::string>{}(dump_json(list_at(body, "messages")));
  return facts;
}

} // namespace varro::bench
