#include "models/google.hpp"

#include "base/text.hpp"
#include "models/google_contents.hpp"
#include "models/google_models.hpp"
#include "models/google_tools.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <algorithm>
#include <array>

namespace varro::google {

namespace {

struct setting_row {
  const char* setting; // pydantic-ai's name
  const char* field;
  bool sampling; // newer models ignore or refuse it
};
constexpr std::array<setting_row, 6> number_settings = {{
  {"temperature", "temperature", true},
  {"top_p", "topP", true},
  {"top_k", "topK", true},
  {"seed", "seed", false},
  {"presence_penalty", "presencePenalty", true},
  {"frequency_penalty", "frequencyPenalty", true},
}};

// A number that somebody chose: each model's highest is the vendor's default, and thinking counts into it.
void add_output_limit(const model_query& query, json& config) {
  static const auto unchosen = model_config{}.output_tokens_max;
  if (const auto* setting = find_setting(query, "max_tokens")) {
    if (setting->is_number())
      config["maxOutputTokens"] = *setting;
  } else if (query.model.output_tokens_max != unchosen && query.model.output_tokens_max > 0) {
    config["maxOutputTokens"] = query.model.output_tokens_max;
  }
}

void add_sampling(const model_query& query, const gemini_traits& traits, json& config) {
  for (const auto& row : number_settings) {
    if (row.sampling && !traits.sampling)
      continue;
    if (const auto* setting = find_setting(query, row.setting)) {
      if (setting->is_number())
        config[row.field] = *setting;
    } else if (row.setting == std::string_view("temperature") && query.model.temperature) {
      config[row.field] = *query.model.temperature;
    }
  }
  if (const auto* stop = find_setting(query, "stop_sequences"); stop && stop->is_array() && !stop->empty())
    config["stopSequences"] = *stop;
}

json encode_thinking(const model_query& query, const gemini_traits& traits) {
  if (const auto* exact = find_setting(query, "google_thinking_config"))
    return *exact;
  std::string wanted = query.model.thinking;
  std::string effort = query.model.effort;
  // pydantic-ai's `thinking`: true, false, or "minimal" to "xhigh"; null leaves it to the vendor.
  if (const auto* setting = find_setting(query, "thinking")) {
    if (setting->is_null())
      return nullptr;
    wanted = *setting == json(false) ? "off" : "auto";
    effort = setting->is_string() ? setting->get<std::string>() : "";
  }
  const auto choice = resolve_thinking(traits, wanted, effort, query.model.thinking_budget_tokens);
  if (!choice.asked)
    return nullptr;
  json config = json::object();
  if (choice.include_thoughts)
    config["includeThoughts"] = true;
  if (choice.budgeted)
    config["thinkingBudget"] = choice.budget_tokens;
  else if (!choice.level.empty())
    config["thinkingLevel"] = choice.level;
  return config;
}

// "standard", "flex" or "priority" (ai.google.dev/gemini-api/docs/optimization); other vendors say "default", and
// "auto" leaves it to the server.
std::string service_tier(const model_query& query) {
  const auto* setting = find_setting(query, "service_tier");
  auto tier = setting && setting->is_string() ? setting->get<std::string>() : query.model.service_tier;
  if (tier == "auto")
    return {};
  return tier == "default" ? "standard" : tier;
}

// Puts `extra` over `body`; objects that both have are put over each other, so that one field of generationConfig can
// be given alone.
void put_over(const json& extra, json& body) {
  for (auto it = extra.begin(); it != extra.end(); ++it) {
    if (it.value().is_object() && body.contains(it.key()) && body[it.key()].is_object())
      put_over(it.value(), body[it.key()]);
    else
      body[it.key()] = it.value();
  }
}

void put_extra_body_over(const model_query& query, json& body) {
  if (const auto own = parse_json(query.model.extra_body.text); own && own->is_object())
    put_over(*own, body);
  if (const auto* extra = find_setting(query, "extra_body"); extra && extra->is_object())
    put_over(*extra, body);
}

bool streams(const model_query& query) {
  const auto* stream = find_setting(query, "stream");
  return !stream || *stream != json(false);
}

std::string url_of(const model_query& query) {
  const auto& base = query.model.base_url;
  const auto mark = std::min(base.find('?'), base.size());
  // Tuned models stand in a collection of their own and are configured with it: "tunedModels/NAME".
  const bool whole = query.model.name.find('/') != std::string::npos;
  auto url = base.substr(0, mark) + (whole ? "/" : "/models/") + percent_encode(query.model.name, "/:@");
  url += streams(query) ? ":streamGenerateContent?alt=sse" : ":generateContent";
  if (mark < base.size())
    url += (streams(query) ? "&" : "?") + base.substr(mark + 1);
  return url;
}

} // namespace

std::string provider_name(const model_config& model) {
  return model.provider.empty() ? "google" : model.provider;
}

json encode_body(const model_query& query) {
  const auto traits = traits_of_gemini(query.model.name);
  auto history = encode_history(query, traits);
  if (auto instructions = instructions_of(query); !is_blank(instructions))
    history.system.push_back(std::move(instructions));
  json body = json::object();
  auto system = json::array();
  for (auto& text : history.system)
    if (!is_blank(text))
      system.push_back(json{{"text", std::move(text)}});
  if (!system.empty()) {
    body["systemInstruction"] = json{{"role", "user"}, {"parts", std::move(system)}};
    // Instructions alone are a question too, but the API wants a turn of the user.
    if (history.contents.empty())
      history.contents.push_back(json{{"role", "user"}, {"parts", json::array({json{{"text", ""}}})}});
  }
  body["contents"] = std::move(history.contents);
  add_tools(query, body);
  json config = json::object();
  add_output_limit(query, config);
  add_sampling(query, traits, config);
  if (auto thinking = encode_thinking(query, traits); !thinking.is_null())
    config["thinkingConfig"] = std::move(thinking);
  if (!config.empty())
    body["generationConfig"] = std::move(config);
  if (auto tier = service_tier(query); !tier.empty())
    body["service_tier"] = std::move(tier);
  put_extra_body_over(query, body);
  return body;
}

caf::expected<http_request> encode(const model_query& query) {
  const auto body = encode_body(query);
  if (!body["contents"].is_array() || body["contents"].empty())
    return fail(errc::invalid_input, "There is no message that could be sent to the model.");
  http_request request;
  request.url = url_of(query);
  request.body = dump_json(body);
  request.headers
    = {{"content-type", "application/json"}, {"accept", streams(query) ? "text/event-stream" : "application/json"}};
  if (!query.model.api_key.empty())
    request.headers.emplace_back("x-goog-api-key", query.model.api_key);
  return request;
}

} // namespace varro::google
