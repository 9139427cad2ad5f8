#include "bench/google_rules.hpp"

#include "bench/google_fields.hpp"
#include "bench/model_names.hpp"
#include "bench/pictures.hpp"

#include <algorithm>

namespace varro::bench {

namespace {

using names = std::set<std::string>;

constexpr int64_t output_tokens_min = 1;

void check_thinking_config(const json& thinking, const std::string& model) {
  static const names keys{"includeThoughts", "thinkingBudget", "thinkingLevel"};
  refuse_unknown_fields(thinking, keys, "generation_config.thinking_config");
  auto* budget = google_field(thinking, "thinkingBudget");
  auto* level = google_field(thinking, "thinkingLevel");
  if (budget && level)
    refuse_google("You can only set only one of thinking budget and thinking level.");
  if (budget) {
    auto range = gemini_budgets(model);
    auto tokens = budget->is_number_integer() ? budget->get<int64_t>() : -2;
    bool off = tokens == 0 && range.may_be_off;
    if (tokens == 0 && !range.may_be_off)
      refuse_google("Budget 0 is invalid. This model only works in thinking mode.");
    if (!off && tokens != -1 && (tokens < range.least || tokens > range.most)) // -1: the model decides
      refuse_google("The thinking budget (" + dump_json(*budget) + ") is invalid. Please choose a value between "
                    + std::to_string(range.least) + " and " + std::to_string(range.most) + ".");
  }
  if (level) {
    auto levels = gemini_levels(model);
    auto word = level->is_string() ? level->get<std::string>() : dump_json(*level);
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::toupper(c); });
    if (levels.empty())
      refuse_google("Thinking level is not supported for this model.");
    if (std::find(levels.begin(), levels.end(), word) == levels.end())
      refuse_google("Thinking level " + word + " is not supported for this model.");
  }
}

// Google's own kind of schema has fewer fields than JSON Schema; that goes into parametersJsonSchema.
void check_schema(const json& schema, const std::string& where, int depth = 0) {
  static const names keys{"type",      "format",    "title",      "description", "nullable",      "enum",
                          "maxItems",  "minItems",  "properties", "required",    "minProperties", "maxProperties",
                          "minLength", "maxLength", "pattern",    "example",     "anyOf",         "propertyOrdering",
                          "default",   "items",     "minimum",    "maximum"};
  if (!schema.is_object() || depth > 32)
    refuse_google("Invalid value at '" + where + "' (type.googleapis.com/google.ai.generativelanguage.v1beta.Schema)");
  refuse_unknown_fields(schema, keys, where);
  if (auto* properties = google_field(schema, "properties"); properties && properties->is_object())
    for (auto& [name, inner] : properties->items())
      check_schema(inner, where + ".properties[" + name + "]", depth + 1);
  if (auto* items = google_field(schema, "items"))
    check_schema(*items, where + ".items", depth + 1);
}

void check_function(const json& function, names& known, const std::string& where) {
  static const names keys{"name",     "description",        "parameters", "parametersJsonSchema",
                          "response", "responseJsonSchema", "behavior"};
  if (!function.is_object())
    refuse_google("Invalid value at '" + where + "'");
  refuse_unknown_fields(function, keys, where);
  auto name = google_text(function, "name");
  auto allowed = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.' || c == ':' || c == '-'; };
  bool fits = !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), allowed)
    && (std::isalpha(static_cast<unsigned char>(name[0])) || name[0] == '_');
  if (!fits)
    refuse_google(
      "* GenerateContentRequest." + where
      + ".name: Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, "
        "0-9), underscores (_), dots (.), colons (:) or dashes (-), with a maximum length of 64.\n");
  if (!known.insert(name).second)
    refuse_google("Duplicate function declaration found: " + name);
  auto* schema = google_field(function, "parameters");
  if (schema && google_field(function, "parametersJsonSchema"))
    refuse_google("Only one of parameters or parameters_json_schema may be set for function " + name + ".");
  if (schema)
    check_schema(*schema, where + ".parameters");
}

} // namespace

void refuse_google(std::string message) {
  throw request_problem{400, "INVALID_ARGUMENT", std::move(message), "", ""};
}

void refuse_unknown_fields(const json& value, const names& known, const std::string& where) {
  for (auto& [key, unused] : value.items())
    if (!known.contains(key) && !known.contains(camel_name(key)))
      refuse_google("Invalid JSON payload received. Unknown name \"" + key + "\""
                    + (where.empty() ? "" : " at '" + where + "'") + ": Cannot find field.");
}

void check_generation_config(const json& body, const std::string& model) {
  auto* config = google_field(body, "generationConfig");
  if (!config)
    return;
  static const names keys{"candidateCount",
                          "stopSequences",
                          "maxOutputTokens",
                          "temperature",
                          "topP",
                          "topK",
                          "seed",
                          "responseMimeType",
                          "responseSchema",
                          "responseJsonSchema",
                          "responseModalities",
                          "thinkingConfig",
                          "presencePenalty",
                          "frequencyPenalty",
                          "responseLogprobs",
                          "logprobs",
                          "speechConfig",
                          "mediaResolution",
                          "imageConfig",
                          "audioTimestamp",
                          "responseFormat",
                          "enableEnhancedCivicAnswers"};
  if (!config->is_object())
    refuse_google("Invalid value at 'generation_config'");
  refuse_unknown_fields(*config, keys, "generation_config");
  if (auto* most = google_field(*config, "maxOutputTokens");
      most && (!most->is_number_integer() || most->get<int64_t>() < output_tokens_min))
    refuse_google(
      "* GenerateContentRequest.generation_config.max_output_tokens: max_output_tokens must be positive.\n");
  if (auto* heat = google_field(*config, "temperature");
      heat && (!heat->is_number() || heat->get<double>() < 0 || heat->get<double>() > 2))
    refuse_google(
      "* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].\n");
  if (auto* thinking = google_field(*config, "thinkingConfig"); thinking && thinking->is_object())
    check_thinking_config(*thinking, model);
}

void check_google_tools(const json& body) {
  static const names kinds{"functionDeclarations", "googleSearch", "googleSearchRetrieval",
                           "codeExecution",        "urlContext",   "computerUse",
                           "googleMaps",           "fileSearch",   "mcpServers"};
  names known;
  if (auto* tools = google_field(body, "tools"); tools && tools->is_array()) {
    for (size_t i = 0; i < tools->size(); ++i) {
      auto where = "tools[" + std::to_string(i) + "]";
      if (!(*tools)[i].is_object())
        refuse_google("Invalid value at '" + where + "'");
      refuse_unknown_fields((*tools)[i], kinds, where);
      auto* functions = google_field((*tools)[i], "functionDeclarations");
      for (size_t k = 0; functions && functions->is_array() && k < functions->size(); ++k)
        check_function((*functions)[k], known, where + ".function_declarations[" + std::to_string(k) + "]");
    }
  }
  auto* config = google_field(body, "toolConfig");
  auto* calling = config ? google_field(*config, "functionCallingConfig") : nullptr;
  if (!calling)
    return;
  static const names modes{"AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED", ""};
  if (auto mode = google_text(*calling, "mode"); !modes.contains(mode))
    refuse_google("Invalid value at 'tool_config.function_calling_config.mode' (type.googleapis.com/"
                  "google.ai.generativelanguage.v1beta.FunctionCallingConfig.Mode), \""
                  + mode + "\"");
  auto* allowed = google_field(*calling, "allowedFunctionNames");
  for (size_t i = 0; allowed && allowed->is_array() && i < allowed->size(); ++i)
    if (!(*allowed)[i].is_string() || !known.contains((*allowed)[i].get<std::string>()))
      refuse_google("* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: "
                    "allowed_function_names should be a subset of the function declarations.\n");
}

void check_inline_data(const json& blob, const std::string& where) {
  static const names keys{"mimeType", "data", "displayName"};
  if (!blob.is_object())
    refuse_google("Invalid value at '" + where + "'");
  refuse_unknown_fields(blob, keys, where);
  auto type = google_text(blob, "mimeType");
  auto data = google_text(blob, "data");
  std::replace(data.begin(), data.end(), '-', '+');
  std::replace(data.begin(), data.end(), '_', '/');
  while (data.size() % 4 != 0)
    data += '=';
  if (!is_base64(data))
    refuse_google("Invalid value at '" + where + ".data' (TYPE_BYTES), Base64 decoding failed for \""
                  + data.substr(0, 32) + "\"");
  static const names images{"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"};
  static const names others{"application/pdf", "text/plain", "audio/wav", "audio/mp3", "audio/mpeg", "video/mp4"};
  if (!images.contains(type) && !others.contains(type))
    refuse_google("Unsupported MIME type: " + type);
  bool read_here = type != "image/heic" && type != "image/heif";
  auto found = images.contains(type) && read_here ? read_picture(data) : std::nullopt;
  if (images.contains(type) && read_here && (!found || found->media_type != type))
    refuse_google("Provided image is not valid.");
  if (type == "application/pdf" && !is_pdf(data))
    refuse_google("The document has no pages.");
}

void check_thought_signature(const std::string& signature) {
  // Two values stand for none, for histories that another model made.
  if (signature == "context_engineering_is_the_way_to_go" || signature == "skip_thought_signature_validator")
    return;
  if (!signature.starts_with(scripted_seal) && !is_sealed(signature, thought_seal))
    refuse_google("Corrupted thought signature.");
}

std::string missing_signature(const std::string& function, size_t position) {
  return "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
         "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
         "call `default_api:"
    + function + "` , position " + std::to_string(position)
    + ". Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.";
}

} // namespace varro::bench
