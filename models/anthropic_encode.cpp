#include "base/text.hpp"
#include "models/anthropic.hpp"

#include "models/anthropic_messages.hpp"
#include "models/anthropic_models.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <algorithm>
#include <set>

namespace varro::anthropic {

namespace {

constexpr int64_t thinking_budget_min = 1'024;   // the vendor's own lower limit
constexpr int64_t answer_tokens_min = 1'024;     // of max_tokens, kept free of thinking
constexpr int64_t output_tokens_default = 4'096; // max_tokens is required; when a setting says null
constexpr int cache_breakpoints_max = 4;

// Dropping bound thinking instead of being refused needs this word in the header; see claude_traits::bound_thinking.
constexpr std::string_view binding_beta = "thinking-binding-controls-2026-08-01";

// --- prompt caching --------------------------------------------------------------------------------------------------

bool takes_cache_mark(const json& block) {
  static const std::set<std::string> types = {"text", "tool_use", "tool_result", "image", "document"};
  return types.count(text_member(block, "type")) > 0;
}

bool mark_last_block(json& blocks, const json& mark) {
  for (auto it = blocks.rbegin(); it != blocks.rend(); ++it)
    if (takes_cache_mark(*it)) {
      (*it)["cache_control"] = mark;
      return true;
    }
  return false;
}

// Tools, system and messages are one prefix in this order. The end of the stable head is marked, and the ends of the
// newest user messages: the newest is written, those before it are read.
void mark_cache_breakpoints(const model_config& model, json& body) {
  if (model.cache_lifetime == "off")
    return;
  // Five minutes is the vendor's default and not said.
  json mark = {{"type", "ephemeral"}};
  if (model.cache_lifetime == "1h")
    mark["ttl"] = "1h";
  int left = cache_breakpoints_max;
  if (body.contains("system"))
    left -= mark_last_block(body["system"], mark) ? 1 : 0;
  else if (body.contains("tools") && body["tools"].is_array() && !body["tools"].empty()) {
    body["tools"].back()["cache_control"] = mark;
    --left;
  }
  auto& messages = body["messages"];
  for (auto it = messages.rbegin(); it != messages.rend() && left > 1; ++it)
    if ((*it)["role"] == "user" && mark_last_block((*it)["content"], mark))
      --left;
}

// --- settings --------------------------------------------------------------------------------------------------------

std::string wanted_thinking(const model_query& query) {
  const auto* setting = find_setting(query, "thinking");
  if (!setting)
    return query.model.thinking;
  if (setting->is_boolean())
    return setting->get<bool>() ? "auto" : "off";
  return setting->is_null() ? "off" : "auto";
}

int64_t output_tokens(const model_query& query, const claude_traits& traits) {
  int64_t wanted = query.model.output_tokens_max;
  if (const auto* setting = find_setting(query, "max_tokens"))
    wanted = integer(*setting).value_or(output_tokens_default);
  wanted = std::max<int64_t>(wanted, 1);
  return traits.output_tokens_max ? std::min(wanted, traits.output_tokens_max) : wanted;
}

json encode_thinking(const model_query& query, const claude_traits& traits, int64_t max_tokens) {
  if (const auto* exact = find_setting(query, "anthropic_thinking"))
    return *exact;
  json thinking;
  switch (resolve_thinking(wanted_thinking(query), traits)) {
  case thinking_mode::adaptive:
    thinking = json{{"type", "adaptive"}};
    // Such models send the thought's signature only, unless they are asked for its words.
    if (traits.hides_thinking)
      thinking["display"] = "summarized";
    // A request that changes what stood before some thinking (other instructions, pictures that a model cannot see,
    // results that were left out) is then answered without that thinking instead of never again.
    if (traits.bound_thinking)
      thinking["block_binding"] = json{{"prefix_mismatch_behavior", "drop_block"}};
    return thinking;
  case thinking_mode::budget: {
    const auto budget
      = std::min(std::max(query.model.thinking_budget_tokens, thinking_budget_min), max_tokens - answer_tokens_min);
    if (budget < thinking_budget_min)
      return nullptr;
    return json{{"type", "enabled"}, {"budget_tokens", budget}};
  }
  case thinking_mode::disabled:
    return json{{"type", "disabled"}};
  case thinking_mode::between_tools:
    return json{{"type", "between_tools"}}; // which takes neither display nor block_binding
  case thinking_mode::none:
    break;
  }
  return nullptr;
}

json encode_tools(const model_query& query) {
  auto tools = json::array();
  for (const auto& tool : query.tools) {
    auto schema = tool.parameters.is_object() ? tool.parameters : json::object();
    if (!schema.contains("type"))
      schema["type"] = "object";
    tools.push_back(json{{"name", tool.name}, {"description", tool.description}, {"input_schema", std::move(schema)}});
  }
  return tools;
}

// `auto` is the vendor's default and not sent.
json encode_tool_choice(const model_query& query, bool can_force) {
  json choice;
  if (const auto* setting = find_setting(query, "tool_choice")) {
    if (*setting == "none")
      return json{{"type", "none"}};
    if (*setting == "required" && can_force)
      choice = json{{"type", "any"}};
    else if (setting->is_array() && setting->size() == 1 && setting->front().is_string() && can_force)
      choice = json{{"type", "tool"}, {"name", setting->front()}};
    else if (setting->is_array() && setting->size() > 1 && can_force)
      choice = json{{"type", "any"}};
  }
  const auto* parallel = find_setting(query, "parallel_tool_calls");
  if (parallel && parallel->is_boolean()) {
    if (choice.is_null())
      choice = json{{"type", "auto"}};
    choice["disable_parallel_tool_use"] = !parallel->get<bool>();
  }
  return choice;
}

void add_sampling(const model_query& query, const claude_traits& traits, bool thinks, json& body) {
  if (const auto* stop = find_setting(query, "stop_sequences"); stop && stop->is_array() && !stop->empty())
    body["stop_sequences"] = *stop;
  // With thinking the vendor accepts no temperature but 1, and newer models accept none at all.
  if (thinks || !traits.sampling)
    return;
  const auto* temperature = find_setting(query, "temperature");
  if (temperature ? temperature->is_number() : query.model.temperature.has_value())
    body["temperature"] = temperature ? *temperature : json(*query.model.temperature);
  for (const auto* name : {"top_p", "top_k"})
    if (const auto* value = find_setting(query, name); value && value->is_number())
      body[name] = *value;
}

// The container of the vendor's code execution goes on where the last answer left it.
std::optional<std::string> container_of(const model_query& query) {
  const auto provider = provider_name(query.model);
  for (auto it = query.history->rbegin(); it != query.history->rend(); ++it)
    if (const auto* response = it->as<model_response>(); response && response->provider_name == provider)
      if (auto id = string_member(response->provider_details, "container_id"))
        return id;
  return std::nullopt;
}

template <class Part>
bool has_part(const model_query& query) {
  for (const message& any_message : *query.history)
    if (const auto* response = std::get_if<model_response>(&any_message))
      for (const auto& part : response->parts)
        if (std::holds_alternative<Part>(part))
          return true;
  return false;
}

std::string beta_header(const model_query& query, const json& body_json, const std::string& body) {
  std::set<std::string> betas;
  if (member(member(body_json, "thinking"), "block_binding").is_object())
    betas.insert(std::string(binding_beta));
  if (const auto* setting = find_setting(query, "anthropic_betas"); setting && setting->is_array())
    for (const auto& beta : *setting)
      if (beta.is_string())
        betas.insert(beta.get<std::string>());
  if (body.find(R"("file_id":)") != std::string::npos)
    betas.insert("files-api-2025-04-14");
  if (has_part<compaction_part>(query))
    betas.insert("compact-2026-01-12");
  std::string header;
  for (const auto& beta : betas)
    header += (header.empty() ? "" : ",") + beta;
  return header;
}

} // namespace

std::string provider_name(const model_config& model) {
  return model.provider.empty() ? "anthropic" : model.provider;
}

bool binds_without_controls(const model_config& model) {
  const auto traits = traits_of_claude(model);
  return model.kind == provider_kind::anthropic && traits.bound_thinking
    && resolve_thinking(model.thinking, traits) == thinking_mode::between_tools;
}

json encode_body(const model_query& query) {
  const auto traits = traits_of_claude(query.model);
  const auto max_tokens = output_tokens(query, traits);
  json body = {{"model", query.model.name}, {"max_tokens", max_tokens}};
  std::vector<std::string> system;
  // Who sets the field exactly keeps the thinking that is there.
  const auto mode = find_setting(query, "anthropic_thinking") ? thinking_mode::adaptive
                                                              : resolve_thinking(wanted_thinking(query), traits);
  auto messages = encode_messages(query, mode, system);
  if (auto instructions = instructions_of(query); !is_blank(instructions))
    system.push_back(std::move(instructions));
  for (auto& text : system)
    body["system"].push_back(json{{"type", "text"}, {"text", std::move(text)}});
  if (auto tools = encode_tools(query); !tools.empty())
    body["tools"] = std::move(tools);
  body["messages"] = std::move(messages);
  const auto thinking = encode_thinking(query, traits, max_tokens);
  const bool thinks = thinking.is_object() && text_member(thinking, "type") != "disabled";
  if (!thinking.is_null())
    body["thinking"] = thinking;
  if (const auto effort = resolve_effort(query.model.effort, wanted_thinking(query), traits); !effort.empty())
    body["output_config"] = json{{"effort", effort}};
  if (!query.model.service_tier.empty())
    body["service_tier"] = query.model.service_tier;
  if (body.contains("tools"))
    if (auto choice = encode_tool_choice(query, traits.forced_tools && !thinks); !choice.is_null())
      body["tool_choice"] = std::move(choice);
  add_sampling(query, traits, thinks, body);
  if (auto container = container_of(query))
    body["container"] = *container;
  if (has_part<compaction_part>(query))
    body["context_management"] = json{{"edits", json::array({json{{"type", "compact_20260112"}}})}};
  mark_cache_breakpoints(query.model, body);
  const auto* stream = find_setting(query, "stream");
  body["stream"] = !stream || *stream != json(false);
  apply_extra_body(query, body);
  return body;
}

caf::expected<http_request> encode(const model_query& query) {
  const auto body = encode_body(query);
  if (!body["messages"].is_array() || body["messages"].empty())
    return fail(errc::invalid_input, "There is no message that could be sent to the model.");
  http_request request;
  request.url = query.model.base_url + "/v1/messages";
  request.body = dump_json(body);
  request.headers = {{"content-type", "application/json"},
                     {"accept", body["stream"] == json(true) ? "text/event-stream" : "application/json"},
                     {"anthropic-version", "2023-06-01"}};
  if (!query.model.api_key.empty())
    request.headers.emplace_back("x-api-key", query.model.api_key);
  if (auto betas = beta_header(query, body, request.body); !betas.empty())
    request.headers.emplace_back("anthropic-beta", std::move(betas));
  return request;
}

} // namespace varro::anthropic
