#include "models/openai_chat.hpp"

#include "models/google_models.hpp"
#include "models/openai_chat_messages.hpp"
#include "models/openai_chat_quirks.hpp"
#include "models/openai_models.hpp"
#include "models/vendor_json.hpp"

#include <algorithm>
#include <set>

namespace varro::openai_chat {

namespace {

json encode_tool(const tool_definition& tool) {
  auto schema = tool.parameters.is_object() ? tool.parameters : json::object();
  if (!schema.contains("type"))
    schema["type"] = "object";
  if (!schema.contains("properties"))
    schema["properties"] = json::object(); // several vendors refuse an object schema without it
  return json{
    {"type", "function"},
    {"function", {{"name", tool.name}, {"description", tool.description}, {"parameters", std::move(schema)}}}};
}

// The tools and what is said about their use. `auto` is every vendor's default and not sent.
void add_tools(const model_query& query, const quirks& row, json& body) {
  const auto* setting = find_setting(query, "tool_choice");
  const json choice = setting ? *setting : json(nullptr);
  std::set<std::string> allowed;
  if (choice.is_array())
    for (const auto& name : choice)
      if (name.is_string())
        allowed.insert(name.get<std::string>());
  if (choice == "none" && !row.choice_none)
    return;
  auto tools = json::array();
  for (const auto& tool : query.tools)
    if (allowed.empty() || allowed.count(tool.name))
      tools.push_back(encode_tool(tool));
  if (tools.empty())
    return;
  body["tools"] = std::move(tools);
  const bool can_force = can_force_tools(query.model.provider, query.model.name);
  if (choice == "none")
    body["tool_choice"] = "none";
  else if (allowed.size() == 1 && can_force)
    body["tool_choice"] = row.required_choice == "any"
      ? json("any")
      : json{{"type", "function"}, {"function", {{"name", *allowed.begin()}}}};
  else if ((choice == "required" || !allowed.empty()) && can_force)
    body["tool_choice"] = row.required_choice;
  const auto* parallel = find_setting(query, "parallel_tool_calls");
  if (parallel && parallel->is_boolean() && row.parallel_setting)
    body["parallel_tool_calls"] = *parallel;
}

// The vendors' own limits are each model's highest, and a number that does not fit the model is refused; so only a
// number that somebody chose is sent.
void add_output_limit(const model_query& query, const quirks& row, json& body) {
  static const auto unchosen = model_config{}.output_tokens_max;
  const std::string field(row.max_tokens_field);
  if (const auto* setting = find_setting(query, "max_tokens")) {
    if (setting->is_number())
      body[field] = *setting;
  } else if (query.model.output_tokens_max != unchosen && query.model.output_tokens_max > 0) {
    body[field] = query.model.output_tokens_max;
  }
}

void add_sampling(const model_query& query, const quirks& row, json& body) {
  if (const auto* stop = find_setting(query, "stop_sequences"); stop && stop->is_array() && !stop->empty())
    body["stop"] = *stop;
  if (const auto* seed = find_setting(query, "seed"); seed && seed->is_number())
    body[std::string(row.seed_field)] = *seed;
  const auto effort = body.contains("reasoning_effort") ? body["reasoning_effort"].get<std::string>() : std::string{};
  if (is_openai(query.model) && !takes_sampling(traits_of_openai_model(query.model), effort))
    return;
  const auto* temperature = find_setting(query, "temperature");
  if (temperature ? temperature->is_number() : query.model.temperature.has_value())
    body["temperature"] = temperature ? *temperature : json(*query.model.temperature);
  for (const auto* name : {"top_p", "presence_penalty", "frequency_penalty"})
    if (const auto* value = find_setting(query, name); value && value->is_number())
      body[name] = *value;
  if (const auto* bias = find_setting(query, "logit_bias"); bias && bias->is_object())
    body["logit_bias"] = *bias;
}

// pydantic-ai's `thinking`: true, false, or "minimal" to "xhigh"; without it, what the model's configuration says.
struct thinking_wish {
  bool off = false;
  bool on = false;
  bool unsaid = false; // given as "leave it to the vendor"
  std::string effort;  // "" when no grade was named
};

thinking_wish wish_of(const model_query& query) {
  thinking_wish wish;
  const auto* setting = find_setting(query, "thinking");
  if (!setting) {
    wish.off = query.model.thinking == "off";
    wish.on = !wish.off && !query.model.effort.empty();
    wish.effort = wish.on ? query.model.effort : "";
    return wish;
  }
  wish.unsaid = setting->is_null();
  wish.off = *setting == json(false);
  wish.on = *setting == json(true) || setting->is_string();
  if (setting->is_string())
    wish.effort = setting->get<std::string>();
  return wish;
}

// The level to which a wish comes with such a model, "" to leave it to the model. Budgets have the names of levels
// here.
std::string gemini_effort(const model_query& query, const thinking_wish& wish) {
  const auto traits = google::traits_of_gemini(query.model.name);
  const auto wanted = wish.effort.empty() ? query.model.effort : wish.effort;
  if (traits.thinking == google::thinking_control::none)
    return {};
  if (traits.thinking == google::thinking_control::level)
    return wish.off    ? google::nearest_level(traits, "minimal")
      : wanted.empty() ? ""
                       : google::nearest_level(traits, wanted);
  if (wish.off)
    return traits.can_stop_thinking ? "none" : "low";
  return wanted == "xhigh" || wanted == "max" ? "high" : wanted;
}

// OpenAI's own models: what they know. Those that take tools here only without reasoning get "none", also unasked.
void add_openai_effort(const model_query& query, const thinking_wish& wish, json& body) {
  const auto& traits = traits_of_openai_model(query.model);
  const auto effort = wish.off ? std::string("none") : wish.effort.empty() ? std::string("medium") : wish.effort;
  const bool reasons = wish.on || (!wish.off && traits.reasons_by_default);
  if (traits.family.empty()) {
    if (wish.on)
      body["reasoning_effort"] = effort; // in Azure's cloud names are the user's own
  } else if (traits.needs_responses == responses_need::reasoning_tools && body.contains("tools") && reasons
             && traits.can_stop_reasoning()) {
    body["reasoning_effort"] = "none";
  } else if (traits.reasons() && (wish.on || wish.off)) {
    body["reasoning_effort"] = nearest_effort(traits, effort);
  }
}

void add_thinking(const model_query& query, const quirks& row, json& body) {
  const auto wish = wish_of(query);
  const auto& name = query.model.name;
  const auto effort = wish.effort.empty() ? std::string("medium") : wish.effort;
  if (wish.unsaid)
    return;
  switch (row.request) {
  case thinking_request::none:
    // What somebody has chosen for a server that nobody here knows. Most such servers take OpenAI's word for it.
    if (!find_setting(query, "thinking") && wish.on)
      body["reasoning_effort"] = effort;
    return;
  case thinking_request::reasoning_effort:
    if (is_openai(query.model))
      add_openai_effort(query, wish, body);
    else if (wish.on)
      body["reasoning_effort"] = effort;
    return;
  case thinking_request::groq:
    if (!wish.on)
      return;
    body["reasoning_format"] = "parsed";
    if (name.find("gpt-oss") != std::string::npos)
      body["reasoning_effort"] = effort == "minimal" ? "low" : effort == "xhigh" || effort == "max" ? "high" : effort;
    return;
  case thinking_request::reasoning_object:
    if (wish.on)
      body["reasoning"] = json{{"effort", effort}};
    else if (wish.off && row.downstream_details)
      body["reasoning"] = json{{"effort", "none"}};
    // OpenRouter has routes that reason only when told so besides the effort.
    if (wish.on && row.downstream_details)
      body["reasoning"]["enabled"] = true;
    return;
  case thinking_request::gemini:
    if (const auto level = gemini_effort(query, wish); !level.empty())
      body["reasoning_effort"] = level;
    return;
  case thinking_request::thinking_object: {
    // Models since GLM 4.5 think; their earlier thoughts are sent back and shall not be thrown away there.
    const bool can_think
      = name.compare(0, 6, "glm-4.") == 0 ? name.size() > 6 && name[6] >= '5' : name.compare(0, 5, "glm-5") == 0;
    if (wish.off)
      body["thinking"] = json{{"type", "disabled"}};
    else if (can_think || wish.on)
      body["thinking"] = json{{"type", "enabled"}, {"clear_thinking", false}};
    return;
  }
  }
}

} // namespace

std::string provider_name(const model_config& model) {
  return model.provider.empty() ? "openai" : model.provider;
}

json encode_body(const model_query& query) {
  const auto& row = quirks_of(query.model);
  json body = {{"model", query.model.name}, {"messages", encode_messages(query, row)}};
  add_tools(query, row, body);
  add_output_limit(query, row, body);
  add_thinking(query, row, body);
  add_sampling(query, row, body); // goes by the effort
  if (!query.model.service_tier.empty())
    body["service_tier"] = query.model.service_tier;
  const auto* stream = find_setting(query, "stream");
  const bool streams = !stream || *stream != json(false);
  body["stream"] = streams;
  if (streams && row.stream_options)
    body["stream_options"] = json{{"include_usage", true}};
  apply_extra_body(query, body);
  return body;
}

http_request request_to(const model_config& model, std::string_view path, const json& body) {
  http_request request;
  // Some base URLs carry a query (Azure's api-version); the path goes before it.
  const auto& base = model.base_url;
  const auto mark = std::min(base.find('?'), base.size());
  request.url = base.substr(0, mark).append(path) + base.substr(mark);
  request.body = dump_json(body);
  request.headers = {{"content-type", "application/json"},
                     {"accept", body["stream"] == json(true) ? "text/event-stream" : "application/json"}};
  if (!model.api_key.empty()) {
    // Azure knows keys by a header of its own.
    if (quirks_of(model).provider == "azure")
      request.headers.emplace_back("api-key", model.api_key);
    else
      request.headers.emplace_back("authorization", "Bearer " + model.api_key);
  }
  return request;
}

caf::expected<http_request> encode(const model_query& query) {
  const auto body = encode_body(query);
  if (!body["messages"].is_array() || body["messages"].empty())
    return fail(errc::invalid_input, "There is no message that could be sent to the model.");
  return request_to(query.model, "/chat/completions", body);
}

} // namespace varro::openai_chat
