#include "models/listed_model.hpp"

#include "base/day.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "models/vendor_json.hpp"

#include <algorithm>

namespace varro {

namespace {

constexpr size_t words_max = 16; // thinking types, efforts
constexpr size_t word_bytes_max = 40;
constexpr size_t cursor_bytes_max = 2'000;
constexpr int page_models = 1'000; // the most that Anthropic and Google give at once

// A name goes into URLs, forms and pages: visible and not long.
bool is_model_name(std::string_view name) {
  return !name.empty() && name.size() <= list_name_bytes_max
    && std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
}

std::string label_member(const json& entry, std::string_view key) {
  auto text = text_member(entry, key);
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return std::string{clip_utf8(text, list_name_bytes_max)};
}

int64_t tokens_member(const json& entry, std::string_view key) {
  auto value = integer_member(entry, key).value_or(0);
  return value > 0 && value <= list_tokens_max ? value : 0;
}

std::optional<bool> bool_member(const json& entry, std::string_view key) {
  const auto& value = member(entry, key);
  return value.is_boolean() ? std::optional{value.get<bool>()} : std::nullopt;
}

bool holds(const json& list, std::string_view word) {
  return list.is_array() && std::any_of(list.begin(), list.end(), [&](const json& x) {
           return x.is_string() && x.get_ref<const std::string&>() == word;
         });
}

// The names of those members whose `supported` is true.
std::vector<std::string> supported_members(const json& object) {
  std::vector<std::string> names;
  if (object.is_object())
    for (const auto& [name, support] : object.items())
      if (names.size() < words_max && name.size() <= word_bytes_max
          && bool_member(support, "supported").value_or(false))
        names.push_back(name);
  return names;
}

std::optional<listed_model> read_anthropic(const json& entry) {
  listed_model model;
  model.name = text_member(entry, "id");
  model.label = label_member(entry, "display_name");
  if (auto days = days_of(date_of(text_member(entry, "created_at"))))
    model.created_at = *days * 86'400;
  model.context_tokens_max = tokens_member(entry, "max_input_tokens");
  model.output_tokens_max = tokens_member(entry, "max_tokens");
  auto stage = text_member(entry, "lifecycle");
  if (stage == "deprecated")
    model.lifecycle = listed_model::stage::deprecated;
  else if (stage == "retired")
    model.lifecycle = listed_model::stage::retired;
  model.retires_on = date_of(text_member(entry, "retires_at"));
  const auto& capabilities = member(entry, "capabilities");
  model.vision = bool_member(member(capabilities, "image_input"), "supported");
  model.thinking_types = supported_members(member(member(capabilities, "thinking"), "types"));
  model.efforts = supported_members(member(capabilities, "effort"));
  return model;
}

// `type` of those servers that list all kinds of models together.
bool is_other_kind(const json& entry) {
  auto type = text_member(entry, "type");
  for (std::string_view kind : {"embedding", "image", "audio", "moderation", "rerank", "transcribe", "video"})
    if (type == kind)
      return true;
  return false;
}

std::optional<listed_model> read_openai(const json& entry) {
  listed_model model;
  model.name = text_member(entry, "id");
  model.label = label_member(entry, "display_name");
  if (model.label.empty())
    model.label = label_member(entry, "name");
  model.created_at = std::max<int64_t>(integer_member(entry, "created").value_or(0), 0);
  for (auto key : {"context_length", "context_window", "max_model_len", "max_context_length"})
    if (model.context_tokens_max == 0)
      model.context_tokens_max = tokens_member(entry, key);
  model.output_tokens_max = tokens_member(entry, "max_completion_tokens");
  if (model.output_tokens_max == 0)
    model.output_tokens_max = tokens_member(member(entry, "top_provider"), "max_completion_tokens");
  const auto& inputs = member(member(entry, "architecture"), "input_modalities");
  if (inputs.is_array())
    model.vision = holds(inputs, "image");
  const auto& parameters = member(entry, "supported_parameters");
  if (parameters.is_array())
    model.tools = holds(parameters, "tools");
  const auto& capabilities = member(entry, "capabilities");
  if (auto sees = bool_member(capabilities, "vision"))
    model.vision = sees;
  if (auto calls = bool_member(capabilities, "function_calling"))
    model.tools = calls;
  const auto& outputs = member(member(entry, "architecture"), "output_modalities");
  if ((outputs.is_array() && !holds(outputs, "text")) || is_other_kind(entry)
      || !bool_member(entry, "active").value_or(true))
    return std::nullopt;
  for (auto key : {"shutdown_date", "expiration_date", "deprecation"})
    if (model.retires_on.empty())
      model.retires_on = date_of(text_member(entry, key));
  if (!model.retires_on.empty())
    model.lifecycle = listed_model::stage::deprecated;
  return model;
}

std::optional<listed_model> read_google(const json& entry) {
  constexpr std::string_view prefix = "models/";
  if (!holds(member(entry, "supportedGenerationMethods"), "generateContent"))
    return std::nullopt;
  listed_model model;
  model.name = text_member(entry, "name");
  if (model.name.starts_with(prefix))
    model.name.erase(0, prefix.size());
  model.label = label_member(entry, "displayName");
  model.context_tokens_max = tokens_member(entry, "inputTokenLimit");
  model.output_tokens_max = tokens_member(entry, "outputTokenLimit");
  return model;
}

} // namespace

http_request list_request(const provider_config& provider, const std::string& cursor) {
  http_request request;
  request.method = "GET";
  auto limit = std::to_string(page_models);
  switch (provider.kind) {
  case provider_kind::anthropic:
    request.url = provider.base_url + "/v1/models?limit=" + limit;
    if (!cursor.empty())
      request.url += "&after_id=" + percent_encode(cursor);
    request.headers.emplace_back("anthropic-version", "2023-06-01");
    if (!provider.api_key.empty())
      request.headers.emplace_back("x-api-key", provider.api_key);
    break;
  case provider_kind::google:
    request.url = provider.base_url + "/models?pageSize=" + limit;
    if (!cursor.empty())
      request.url += "&pageToken=" + percent_encode(cursor);
    if (!provider.api_key.empty())
      request.headers.emplace_back("x-goog-api-key", provider.api_key);
    break;
  default:
    request.url = provider.base_url + "/models";
    if (!provider.api_key.empty())
      request.headers.emplace_back("Authorization", "Bearer " + provider.api_key);
  }
  return request;
}

caf::expected<list_page> read_list(provider_kind kind, std::string_view body) {
  auto document = parse_vendor_json(body);
  const auto google = kind == provider_kind::google;
  // Together answers with the array alone.
  const auto& list = document && document->is_array() ? *document
    : document                                        ? member(*document, google ? "models" : "data")
                                                      : member(json{}, "");
  // Google leaves out what is empty.
  if (google && document && document->is_object() && list.is_null())
    return list_page{};
  if (!list.is_array())
    return fail(errc::model_malformed, "the answer is not a list of models");
  list_page page;
  for (const auto& entry : list) {
    if (page.models.size() == list_models_max)
      break;
    auto model = kind == provider_kind::anthropic ? read_anthropic(entry)
      : google                                    ? read_google(entry)
                                                  : read_openai(entry);
    if (model && is_model_name(model->name))
      page.models.push_back(std::move(*model));
  }
  if (kind == provider_kind::anthropic && bool_member(*document, "has_more").value_or(false))
    page.next = text_member(*document, "last_id");
  if (google)
    page.next = text_member(*document, "nextPageToken");
  if (page.next.size() > cursor_bytes_max)
    page.next.clear();
  return page;
}

std::string date_of(std::string_view text) {
  auto date = text.substr(0, 10);
  if (!days_of(date) || (text.size() > 10 && text[10] != 'T' && text[10] != ' '))
    return {};
  return std::string{date};
}

} // namespace varro
