// What rules look at in a request to Google's generateContent.
#include "bench/google_fields.hpp"
#include "bench/request_facts.hpp"

namespace varro::bench {

namespace {

const json& parts_of(const json& content) {
  static const json none = json::array();
  auto* parts = google_field(content, "parts");
  return parts && parts->is_array() ? *parts : none;
}

// The one text of a result, under whatever name the client put it; else the whole object.
std::string result_text(const json& response) {
  if (response.is_object() && response.size() == 1 && response.front().is_string())
    return response.front().get<std::string>();
  for (auto* key : {"output", "result", "return_value", "error"})
    if (auto text = string_at(response, key); !text.empty())
      return text;
  return dump_json(response);
}

} // namespace

void read_google(const json& body, request_facts& facts) {
  bool after_results = false;
  for (auto& content : list_at(body, "contents")) {
    if (string_at(content, "role") == "model") {
      ++facts.responses;
      after_results = false;
      continue;
    }
    for (auto& part : parts_of(content)) {
      auto* response = google_field(part, "functionResponse");
      if (!response)
        continue;
      ++facts.tool_results;
      auto* value = google_field(*response, "response");
      facts.last_result = value ? result_text(*value) : "";
      after_results = true;
    }
    auto text = text_of_content(parts_of(content));
    if (!text.empty() && !(after_results && is_file_message(text)))
      new_turn(facts, std::move(text));
  }
  for (auto& tool : list_at(body, "tools"))
    if (auto* functions = google_field(tool, "functionDeclarations"); functions && functions->is_array())
      for (auto& function : *functions)
        facts.tools.insert(string_at(function, "name"));
  facts.thoughts_shown = false;
  auto* config = google_field(body, "generationConfig");
  auto* thinking = config ? google_field(*config, "thinkingConfig") : nullptr;
  if (!thinking)
    return;
  auto* shown = google_field(*thinking, "includeThoughts");
  facts.thoughts_shown = shown && *shown == true;
  auto* budget = google_field(*thinking, "thinkingBudget");
  facts.thinks = !budget || *budget != 0;
}

} // namespace varro::bench
