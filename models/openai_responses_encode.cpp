#include "base/text.hpp"
#include "models/openai_chat.hpp"
#include "models/openai_chat_quirks.hpp"
#include "models/openai_models.hpp"
#include "models/openai_responses.hpp"
#include "models/openai_responses_input.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <set>

namespace varro::openai_responses {

namespace {

constexpr size_t cache_key_bytes_max = 64; // the vendor's limit

// Without `strict` the vendor rewrites a schema so that every argument is required.
// https://developers.openai.com/api/docs/guides/function-calling
json encode_tool(const tool_definition& tool) {
  auto schema = tool.parameters.is_object() ? tool.parameters : json::object();
  if (!schema.contains("type"))
    schema["type"] = "object";
  if (!schema.contains("properties"))
    schema["properties"] = json::object();
  return json{{"type", "function"},
              {"name", tool.name},
              {"description", tool.description},
              {"parameters", std::move(schema)},
              {"strict", false}};
}

// `auto` is the default and not sent. All tools are sent whatever is allowed now: a list that changes is not cached.
json encode_tool_choice(const json& choice, bool can_force) {
  if (choice == "none")
    return "none";
  if (choice == "required")
    return can_force ? json("required") : json(nullptr);
  if (!choice.is_array())
    return nullptr;
  auto allowed = json::array();
  for (const auto& name : choice)
    if (name.is_string())
      allowed.push_back(json{{"type", "function"}, {"name", name}});
  if (allowed.empty())
    return nullptr;
  if (allowed.size() == 1 && can_force)
    return allowed.front();
  return json{{"type", "allowed_tools"}, {"mode", can_force ? "required" : "auto"}, {"tools", std::move(allowed)}};
}

void add_tools(const model_query& query, json& body) {
  if (query.tools.empty())
    return;
  auto& tools = body["tools"] = json::array();
  for (const auto& tool : query.tools)
    tools.push_back(encode_tool(tool));
  if (const auto* setting = find_setting(query, "tool_choice")) {
    const bool can_force = openai_chat::can_force_tools(query.model.provider, query.model.name);
    if (auto choice = encode_tool_choice(*setting, can_force); !choice.is_null())
      body["tool_choice"] = std::move(choice);
  }
  const auto* parallel = find_setting(query, "parallel_tool_calls");
  if (parallel && parallel->is_boolean())
    body["parallel_tool_calls"] = *parallel;
}

// The effort that a query asks for, "" for the vendor's default. An exact one is the vendor's to judge.
std::string wanted_effort(const model_query& query, const openai_traits& traits) {
  if (const auto* exact = find_setting(query, "openai_reasoning_effort"))
    return exact->is_string() ? exact->get<std::string>() : "";
  const auto* setting = find_setting(query, "thinking");
  if (!setting)
    return configured_effort(traits, query.model);
  if (setting->is_null())
    return "";
  if (setting->is_boolean() && !traits.reasons())
    return "";
  const auto word = setting->is_string() ? setting->get<std::string>() : *setting == json(true) ? "medium" : "none";
  return nearest_effort(traits, word);
}

// The summary is all that a user sees of the reasoning. A setting that leaves `thinking` to the vendor leaves that too.
json wanted_summary(const model_query& query, const openai_traits& traits, const std::string& effort) {
  if (const auto* exact = find_setting(query, "openai_reasoning_summary"))
    return *exact;
  const auto* thinking = find_setting(query, "thinking");
  const bool unsaid = query.without_summary || (thinking && thinking->is_null());
  return traits.reasons() && effort != "none" && !unsaid ? json("auto") : json(nullptr);
}

void add_reasoning(const model_query& query, const openai_traits& traits, const std::string& effort, json& body) {
  if (traits.reasons())
    body["include"] = json::array({"reasoning.encrypted_content"});
  auto reasoning = json::object();
  if (!effort.empty())
    reasoning["effort"] = effort;
  if (auto summary = wanted_summary(query, traits, effort); !summary.is_null())
    reasoning["summary"] = std::move(summary);
  if (!reasoning.empty())
    body["reasoning"] = std::move(reasoning);
}

// The vendor's own limit is the model's highest, so only a number that somebody chose is sent.
void add_output_limit(const model_query& query, json& body) {
  static const auto unchosen = model_config{}.output_tokens_max;
  if (const auto* setting = find_setting(query, "max_tokens")) {
    if (setting->is_number())
      body["max_output_tokens"] = *setting;
  } else if (query.model.output_tokens_max != unchosen && query.model.output_tokens_max > 0) {
    body["max_output_tokens"] = query.model.output_tokens_max;
  }
}

void add_sampling(const model_query& query, const openai_traits& traits, const std::string& effort, json& body) {
  if (!takes_sampling(traits, effort))
    return;
  const auto* temperature = find_setting(query, "temperature");
  if (temperature ? temperature->is_number() : query.model.temperature.has_value())
    body["temperature"] = temperature ? *temperature : json(*query.model.temperature);
  if (const auto* top_p = find_setting(query, "top_p"); top_p && top_p->is_number())
    body["top_p"] = *top_p;
}

void add_service_tier(const model_query& query, json& body) {
  const auto* setting = find_setting(query, "service_tier");
  if (setting && setting->is_string())
    body["service_tier"] = *setting;
  else if (!setting && !query.model.service_tier.empty())
    body["service_tier"] = query.model.service_tier;
}

// Whether the vendor keeps the answer. It need not: what it would keep stands in the history. pydantic-ai's setting,
// null leaves it to the vendor, whose default is true.
json wanted_store(const model_query& query) {
  const auto* setting = find_setting(query, "openai_store");
  return setting ? *setting : json(false);
}

} // namespace

std::string provider_name(const model_config& model) {
  return openai_chat::provider_name(model);
}

json encode_body(const model_query& query) {
  const auto& traits = traits_of_openai_model(query.model);
  const bool at_openai = is_openai(query.model);
  const auto store = wanted_store(query);
  const input_rules rules{traits, store != json(false), at_openai || openai_chat::quirks_of(query.model).documents};
  const auto effort = wanted_effort(query, traits);
  json body = {{"model", query.model.name}};
  const auto instructions = instructions_of(query);
  if (!is_blank(instructions))
    body["instructions"] = instructions;
  auto input = encode_input(query, rules);
  if (input.empty() && !is_blank(instructions))
    input.push_back(json{{"role", "user"}, {"content", ""}}); // instructions alone are refused
  body["input"] = std::move(input);
  add_tools(query, body);
  add_reasoning(query, traits, effort, body);
  add_output_limit(query, body);
  add_sampling(query, traits, effort, body);
  add_service_tier(query, body);
  if (!store.is_null())
    body["store"] = store;
  // Requests of one conversation find the machine that has its beginning in the cache.
  // https://developers.openai.com/api/docs/guides/prompt-caching
  if (at_openai && !query.conversation_id.empty() && query.conversation_id.size() <= cache_key_bytes_max)
    body["prompt_cache_key"] = query.conversation_id;
  const auto* stream = find_setting(query, "stream");
  body["stream"] = !stream || *stream != json(false);
  apply_extra_body(query, body);
  return body;
}

caf::expected<http_request> encode(const model_query& query) {
  const auto body = encode_body(query);
  if (body["input"].empty())
    return fail(errc::invalid_input, "There is no message that could be sent to the model.");
  return openai_chat::request_to(query.model, "/responses", body);
}

} // namespace varro::openai_responses
