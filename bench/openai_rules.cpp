#include "bench/openai_rules.hpp"

#include "bench/model_names.hpp"
#include "bench/pictures.hpp"

#include <algorithm>

namespace varro::bench {

void refuse_unknown(const json& value, const std::set<std::string>& known, const std::string& where) {
  for (auto& [key, unused] : value.items())
    if (!known.contains(key))
      refuse("Unknown parameter: '" + where + key + "'.", where + key, "unknown_parameter");
}

void refuse_missing(const std::string& param) {
  refuse("Missing required parameter: '" + param + "'.", param, "missing_required_parameter");
}

void refuse_type(const std::string& param, const std::string& expected) {
  refuse("Invalid type for '" + param + "': expected " + expected + ".", param, "invalid_type");
}

const json& needed(const json& value, const char* key, const std::string& where) {
  auto* found = member(value, key);
  if (!found || found->is_null())
    refuse_missing(where + "." + key);
  return *found;
}

std::string needed_text(const json& value, const char* key, const std::string& where) {
  auto& found = needed(value, key, where);
  if (!found.is_string())
    refuse_type(where + "." + key, "a string");
  return found.get<std::string>();
}

std::string quoted_words(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0)
      text += words.size() == 2 ? " and " : i + 1 == words.size() ? ", and " : ", ";
    text += "'" + words[i] + "'";
  }
  return text;
}

void check_effort(const std::string& model, const std::string& effort, const std::string& param, bool responses_api) {
  if (effort.empty())
    return;
  if (openai_never_reasons(model))
    refuse("Unsupported parameter: '" + param + "' is not supported with this model.", param, "unsupported_parameter");
  static const std::vector<std::string> all{"none", "minimal", "low", "medium", "high", "xhigh", "max"};
  auto known = openai_efforts(model, responses_api);
  if (std::find(all.begin(), all.end(), effort) == all.end())
    refuse("Invalid value: '" + effort + "'. Supported values are: " + quoted_words(all) + ".", param, "invalid_value");
  if (!known.empty() && std::find(known.begin(), known.end(), effort) == known.end())
    refuse("Unsupported value: '" + effort + "' is not supported with the '" + model
             + "' model. Supported values are: " + quoted_words(known) + ".",
           param, "unsupported_value");
}

void check_sampling(const json& body, const std::string& model, const std::string& effort) {
  bool reasons = !openai_efforts(model, true).empty() && effort != "none";
  for (auto* key : {"temperature", "top_p"}) {
    auto* value = member(body, key);
    if (!value || value->is_null())
      continue;
    if (!value->is_number())
      refuse("Invalid type for '" + std::string{key} + "': expected a decimal.", key, "invalid_type");
    if (reasons && value->get<double>() != 1.0)
      refuse("Unsupported parameter: '" + std::string{key} + "' is not supported with this model.", key,
             "unsupported_parameter");
    if (value->get<double>() < 0)
      refuse("Invalid '" + std::string{key} + "': decimal below minimum value. Expected a value >= 0, but got "
               + dump_json(*value) + " instead.",
             key, "decimal_below_min_value");
  }
}

void check_image_url(const std::string& url, const std::string& param) {
  if (url.starts_with("https://") || url.starts_with("http://"))
    return;
  auto data = split_data_url(url);
  if (!data)
    refuse("Invalid '" + param + "'. Expected a valid URL, but got a value with an invalid format.", param,
           "invalid_value");
  static const std::vector<std::string> kinds{"image/png", "image/jpeg", "image/gif", "image/webp"};
  auto found = is_base64(data->base64) ? read_picture(data->base64) : std::nullopt;
  if (std::find(kinds.begin(), kinds.end(), data->media_type) == kinds.end() || !found)
    refuse("The image data you provided does not represent a valid image. Please check your input and try again with "
           "one of the supported image formats: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'].",
           param, "invalid_image");
}

} // namespace varro::bench
