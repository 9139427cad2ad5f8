// What rules look at in a request to OpenAI's Responses API, and what its response repeats of it.
#include "bench/request_facts.hpp"

#include "bench/model_names.hpp"

namespace varro::bench {

namespace {

// A response object repeats the request's settings, with the defaults where it has none:
// https://developers.openai.com/api/reference/resources/responses
json echo_of(const json& body) {
  json echo;
  auto repeat = [&](const char* key, json otherwise) {
    auto found = body.find(key);
    echo[key] = found == body.end() || found->is_null() ? std::move(otherwise) : *found;
  };
  repeat("instructions", nullptr);
  repeat("max_output_tokens", nullptr);
  repeat("max_tool_calls", nullptr);
  repeat("parallel_tool_calls", true);
  repeat("previous_response_id", nullptr);
  repeat("prompt_cache_key", nullptr);
  json reasoning{{"effort", nullptr}, {"summary", nullptr}};
  if (auto asked = body.find("reasoning"); asked != body.end() && asked->is_object())
    reasoning.update(*asked);
  if (reasoning["effort"].is_null())
    if (auto effort = openai_default_effort(string_at(body, "model")); !effort.empty())
      reasoning["effort"] = effort;
  echo["reasoning"] = std::move(reasoning);
  repeat("safety_identifier", nullptr);
  repeat("service_tier", "default");
  if (echo["service_tier"] == "auto")
    echo["service_tier"] = "default";
  repeat("store", true);
  repeat("temperature", 1.0);
  json text{{"format", {{"type", "text"}}}, {"verbosity", "medium"}};
  if (auto asked = body.find("text"); asked != body.end() && asked->is_object())
    text.update(*asked);
  echo["text"] = std::move(text);
  repeat("tool_choice", "auto");
  repeat("tools", json::array());
  repeat("top_logprobs", 0);
  repeat("top_p", 1.0);
  repeat("truncation", "disabled");
  repeat("user", nullptr);
  repeat("metadata", json::object());
  return echo;
}

// Reasoning, messages and calls that follow each other came in one response.
class input_reader {
public:
  explicit input_reader(request_facts& facts) : facts_(facts) {}

  void read(const json& item) {
    auto type = string_at(item, "type");
    if (type == "function_call_output") {
      ++facts_.tool_results;
      auto output = item.find("output");
      facts_.last_result = output == item.end() ? "" : text_of_content(*output);
      in_response_ = false;
      after_results_ = true;
    } else if ((type.empty() || type == "message") && string_at(item, "role") != "assistant") {
      in_response_ = false;
      auto content = item.find("content");
      auto text = content == item.end() ? "" : text_of_content(*content);
      if (string_at(item, "role") == "user" && !(after_results_ && is_file_message(text)))
        new_turn(facts_, std::move(text));
    } else {
      if (!in_response_)
        ++facts_.responses;
      in_response_ = true;
      after_results_ = false;
    }
  }

private:
  request_facts& facts_;
  bool in_response_ = false;
  bool after_results_ = false;
};

} // namespace

void read_responses(const json& body, request_facts& facts) {
  if (auto text = string_at(body, "input"); !text.empty())
    new_turn(facts, std::move(text));
  input_reader reader{facts};
  for (auto& item : list_at(body, "input"))
    reader.read(item);
  for (auto& tool : list_at(body, "tools"))
    facts.tools.insert(string_at(tool, "name"));
  auto& responses = facts.responses_wire;
  responses.echo = echo_of(body);
  responses.stored = responses.echo["store"] == true;
  for (auto& one : list_at(body, "include"))
    responses.encrypted = responses.encrypted || one == "reasoning.encrypted_content";
  if (auto options = body.find("stream_options"); options != body.end() && options->is_object())
    responses.obfuscated = options->value("include_obfuscation", true);
  auto& reasoning = responses.echo["reasoning"];
  facts.thoughts_shown = !string_at(reasoning, "summary").empty();
  facts.thinks = !openai_never_reasons(facts.model) && string_at(reasoning, "effort") != "none";
}

} // namespace varro::bench
