#include "models/google_contents.hpp"

#include "base/base64.hpp"
#include "models/google.hpp"
#include "models/google_tools.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

namespace varro::google {

namespace {

// Ids that we or pydantic-ai made up; Google refuses a call of its own tools by an id that it never gave.
constexpr std::string_view made_id = "pyd_ai_";

// Source: ai.google.dev/gemini-api/docs, "image understanding", "document processing", "audio", "video understanding".
// What is not here (GIF, SVG, office files) is a 400.
constexpr std::array<std::string_view, 26> inline_types
  = {"image/png",  "image/jpeg", "image/webp",      "image/heic",  "image/heif", "application/pdf", "text/plain",
     "text/html",  "text/css",   "text/csv",        "text/xml",    "text/rtf",   "text/markdown",   "audio/wav",
     "audio/mp3",  "audio/mpeg", "audio/aiff",      "audio/aac",   "audio/ogg",  "audio/flac",      "video/mp4",
     "video/mpeg", "video/webm", "video/quicktime", "video/x-flv", "video/3gpp"};

// Source: …/function-calling#multimodal. The others follow the results as parts of their own.
constexpr std::array<std::string_view, 5> result_types
  = {"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"};

template <size_t Size>
bool contains(const std::array<std::string_view, Size>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// The type under which a file goes, or "" when it cannot: also a picture that is cut off is refused.
std::string sent_type(const std::string& media_type) {
  if (contains(inline_types, media_type))
    return media_type;
  return reads_as_text(media_type) ? "text/plain" : "";
}

std::string sent_type(const binary_content& file) {
  if (file.data.empty())
    return {};
  const bool told_by_bytes
    = is_image(file.media_type) && file.media_type != "image/heic" && file.media_type != "image/heif";
  return sent_type(told_by_bytes ? std::string(picture_type(file.data)) : file.media_type);
}

json text_part_of(std::string text) {
  return json{{"text", std::move(text)}};
}

class history_encoder {
public:
  history_encoder(const model_query& query, const gemini_traits& traits)
    : query_(query), traits_(traits), provider_(provider_name(query.model)),
      vision_(query.model.vision && !query.without_pictures) {}

  encoded_history encode();

private:
  void add_request(const model_request& request);
  void add_response(const model_response& response);
  void add_content(const char* role, json parts);
  json file_part_of(const user_content& file) const;
  void append_prompt(const user_prompt_part& part, json& parts) const;
  void append_result(const tool_return_part& part);
  json encode_part(const response_part& any_part) const;
  json call_part_of(const tool_call_part& part) const;
  json builtin_call(const builtin_tool_call_part& part) const;
  json builtin_return(const builtin_tool_return_part& part) const;
  bool can_echo(const std::string& call_id) const;

  const model_query& query_;
  const gemini_traits& traits_;
  std::string provider_;
  bool vision_;
  encoded_history encoded_;

  // Of the request that is being encoded: results, then the files that found no place in them.
  json results_ = json::array();
  json result_files_ = json::array();

  // Of the response that is being encoded.
  std::string pending_signature_; // of a thought, which belongs to the part after it
  bool has_call_ = false;
};

encoded_history history_encoder::encode() {
  for (const message& any_message : joined(*query_.history)) {
    if (const auto* request = std::get_if<model_request>(&any_message))
      add_request(*request);
    else
      add_response(std::get<model_response>(any_message));
  }
  // The API wants a user's turn first.
  auto& contents = encoded_.contents;
  if (!contents.empty() && contents.front()["role"] == "model")
    contents.insert(contents.begin(), json{{"role", "user"}, {"parts", json::array({text_part_of("")})}});
  return std::move(encoded_);
}

void history_encoder::add_content(const char* role, json parts) {
  if (!parts.empty())
    encoded_.contents.push_back(json{{"role", role}, {"parts", std::move(parts)}});
}

// --- requests --------------------------------------------------------------------------------------------------------

json history_encoder::file_part_of(const user_content& file) const {
  if (const auto* binary = std::get_if<binary_content>(&file)) {
    const auto type = sent_type(*binary);
    const bool readable = vision_ || starts_with(type, "text/");
    if (type.empty() || !readable)
      return text_part_of(file_note(file));
    json part = {{"inlineData", {{"mimeType", type}, {"data", base64_encode(binary->data)}}}};
    if (starts_with(type, "video/") && binary->vendor_metadata.is_object() && !binary->vendor_metadata.empty())
      part["videoMetadata"] = binary->vendor_metadata;
    return part;
  }
  if (!vision_)
    return text_part_of(file_note(file));
  if (const auto* url = std::get_if<url_content>(&file);
      url && traits_.url_files && !sent_type(url->media_type).empty())
    return json{{"fileData", {{"mimeType", url->media_type}, {"fileUri", url->url}}}};
  const auto* uploaded = std::get_if<uploaded_file>(&file);
  if (uploaded && is_same_provider(uploaded->provider_name, provider_))
    return json{{"fileData", {{"mimeType", uploaded->media_type}, {"fileUri", uploaded->file_id}}}};
  return text_part_of(file_note(file));
}

void history_encoder::append_prompt(const user_prompt_part& part, json& parts) const {
  if (const auto* text = std::get_if<std::string>(&part.content)) {
    parts.push_back(text_part_of(*text));
    return;
  }
  for (const auto& item : std::get<std::vector<user_content>>(part.content)) {
    if (const auto* text = std::get_if<std::string>(&item))
      parts.push_back(text_part_of(*text));
    else if (const auto* marked = std::get_if<text_content>(&item))
      parts.push_back(text_part_of(marked->content));
    else if (!std::holds_alternative<cache_point>(item)) // caches are made by requests of their own
      parts.push_back(file_part_of(item));
  }
}

json response_object(json value, const std::vector<std::string>& references) {
  json response = json::object();
  if (value.is_object())
    response = std::move(value);
  else if (!value.is_null())
    response["return_value"] = std::move(value);
  if (references.empty())
    return response;
  auto output = json::array({std::move(response)});
  for (const auto& reference : references)
    output.push_back(reference);
  return json{{"output", std::move(output)}};
}

// The data of a result without its files, as pydantic-ai unwraps it.
json result_value(const json& content, std::vector<user_content>& files) {
  if (!content.is_array()) {
    auto split = split_tool_content(content);
    if (split.files.empty())
      return content;
    files = std::move(split.files);
    const bool is_file = content.is_object() && files.size() == 1 && member(content, "kind").is_string();
    return is_file ? json(nullptr) : json(std::move(split.text));
  }
  auto values = json::array();
  for (const auto& item : content) {
    std::vector<user_content> inside;
    auto value = result_value(item, inside);
    if (inside.empty() || !value.is_null())
      values.push_back(std::move(value));
    files.insert(files.end(), inside.begin(), inside.end());
  }
  if (values.empty())
    return nullptr;
  return values.size() == 1 && !files.empty() ? json(values.front()) : values;
}

void history_encoder::append_result(const tool_return_part& part) {
  std::vector<user_content> files;
  auto value = result_value(part.content, files);
  auto inner = json::array();
  std::vector<std::string> references;
  for (const auto& file : files) {
    auto shown = file_part_of(file);
    const auto* binary = std::get_if<binary_content>(&file);
    if (shown.contains("text")) {
      references.push_back(shown["text"].get<std::string>()); // it cannot be shown: the words take its place
    } else if (binary && traits_.files_in_results && contains(result_types, sent_type(*binary))) {
      inner.push_back(std::move(shown));
    } else {
      const auto id = identifier_of(file);
      references.push_back("See file " + id + ".");
      result_files_.push_back(text_part_of("This is file " + id + ":"));
      result_files_.push_back(std::move(shown));
    }
  }
  json response = {{"name", accepted_tool_name(part.tool_name)},
                   {"response", response_object(std::move(value), references)},
                   {"id", part.tool_call_id}};
  if (!inner.empty())
    response["parts"] = std::move(inner);
  results_.push_back(json{{"functionResponse", std::move(response)}});
}

// Results stand in a content of their own, all that answer one turn together; other parts follow in the next.
void history_encoder::add_request(const model_request& request) {
  results_ = json::array();
  result_files_ = json::array();
  auto others = json::array();
  for (const auto& any_part : request.parts) {
    if (const auto* part = std::get_if<system_prompt_part>(&any_part)) {
      encoded_.system.push_back(part->content);
    } else if (const auto* part = std::get_if<user_prompt_part>(&any_part)) {
      append_prompt(*part, others);
    } else if (const auto* part = std::get_if<tool_return_part>(&any_part)) {
      append_result(*part);
    } else if (const auto* part = std::get_if<retry_prompt_part>(&any_part)) {
      if (part->tool_name)
        results_.push_back(json{{"functionResponse",
                                 {{"name", accepted_tool_name(*part->tool_name)},
                                  {"response", {{"error", retry_text(*part)}}},
                                  {"id", part->tool_call_id}}}});
      else
        others.push_back(text_part_of(retry_text(*part)));
    }
  }
  add_content("user", std::exchange(results_, json::array()));
  for (auto& part : others)
    result_files_.push_back(std::move(part));
  add_content("user", std::exchange(result_files_, json::array()));
}

// --- responses -------------------------------------------------------------------------------------------------------

bool history_encoder::can_echo(const std::string& call_id) const {
  return traits_.signatures && !starts_with(call_id, made_id);
}

json history_encoder::builtin_call(const builtin_tool_call_part& part) const {
  if (!is_same_provider(part.provider_name, provider_))
    return nullptr;
  if (part.tool_name == code_execution_tool)
    return json{{"executableCode", arguments_object(part.args)}};
  if (!can_echo(part.tool_call_id))
    return nullptr;
  return json{
    {"toolCall",
     {{"toolType", tool_type_of(part.tool_name)}, {"args", arguments_object(part.args)}, {"id", part.tool_call_id}}}};
}

json history_encoder::builtin_return(const builtin_tool_return_part& part) const {
  if (!is_same_provider(part.provider_name, provider_))
    return nullptr;
  if (part.tool_name == code_execution_tool)
    return part.content.is_object() ? json{{"codeExecutionResult", part.content}} : json(nullptr);
  if (!can_echo(part.tool_call_id))
    return nullptr;
  auto response = part.content.is_object() ? part.content : json{{"result", part.content}};
  return json{
    {"toolResponse",
     {{"toolType", tool_type_of(part.tool_name)}, {"response", std::move(response)}, {"id", part.tool_call_id}}}};
}

json history_encoder::call_part_of(const tool_call_part& part) const {
  return json{
    {"functionCall",
     {{"name", accepted_tool_name(part.tool_name)}, {"args", arguments_object(part.args)}, {"id", part.tool_call_id}}}};
}

// The part of the wire, or null for what has no place there.
json history_encoder::encode_part(const response_part& any_part) const {
  return std::visit(
    [&](const auto& part) -> json {
      using part_type = std::decay_t<decltype(part)>;
      if constexpr (std::is_same_v<part_type, text_part>) {
        return text_part_of(part.content);
      } else if constexpr (std::is_same_v<part_type, thinking_part>) {
        return part.content.empty() ? json(nullptr) : json{{"text", part.content}, {"thought", true}};
      } else if constexpr (std::is_same_v<part_type, tool_call_part>) {
        return call_part_of(part);
      } else if constexpr (std::is_same_v<part_type, builtin_tool_call_part>) {
        return builtin_call(part);
      } else if constexpr (std::is_same_v<part_type, builtin_tool_return_part>) {
        return builtin_return(part);
      } else if constexpr (std::is_same_v<part_type, file_part>) {
        const auto type = sent_type(part.content);
        if (type.empty() || !vision_)
          return nullptr;
        return json{{"inlineData", {{"mimeType", type}, {"data", base64_encode(part.content.data)}}}};
      } else {
        return nullptr; // other vendors' compactions, and parts of kinds that are not known here
      }
    },
    any_part);
}

// Which provider a part came from, and what it said besides.
std::pair<std::optional<std::string>, json> origin_of(const response_part& any_part) {
  return std::visit(
    [](const auto& part) -> std::pair<std::optional<std::string>, json> {
      if constexpr (requires { part.provider_name; })
        return {part.provider_name, part.provider_details};
      else
        return {};
    },
    any_part);
}

void history_encoder::add_response(const model_response& response) {
  pending_signature_.clear();
  has_call_ = false;
  auto parts = json::array();
  for (const auto& any_part : response.parts) {
    auto encoded = encode_part(any_part);
    std::string signature;
    const auto [provider, details] = origin_of(any_part);
    const bool ours = is_same_provider(provider, provider_) || is_same_provider(response.provider_name, provider_);
    if (auto own = ours ? signature_of(details) : std::nullopt)
      signature = std::move(*own);
    else
      signature = pending_signature_;
    pending_signature_.clear();
    if (const auto* thought = std::get_if<thinking_part>(&any_part);
        thought && thought->signature && is_same_provider(thought->provider_name, provider_))
      pending_signature_ = *thought->signature;
    const bool is_call = std::holds_alternative<tool_call_part>(any_part);
    if (query_.without_thinking)
      signature.clear(); // the vendor did not take them back
    if (signature.empty() && is_call && !has_call_ && traits_.signatures)
      signature = no_signature;
    has_call_ = has_call_ || is_call;
    if (encoded.is_null() || (encoded.contains("text") && encoded["text"] == "" && signature.empty()))
      continue;
    if (!signature.empty())
      encoded["thoughtSignature"] = signature;
    parts.push_back(std::move(encoded));
  }
  add_content("model", std::move(parts));
}

} // namespace

encoded_history encode_history(const model_query& query, const gemini_traits& traits) {
  return history_encoder(query, traits).encode();
}

std::optional<std::string> signature_of(const json& provider_details) {
  for (const auto* holder : {&provider_details, &member(member(provider_details, "extra_content"), "google")})
    if (auto signature = string_member(*holder, signature_detail); signature && !signature->empty())
      return signature;
  return std::nullopt;
}

bool is_same_provider(const std::optional<std::string>& name, const std::string& asked) {
  return name && (*name == asked || *name == "google" || *name == "google-gla");
}

} // namespace varro::google
