#include "models/content_json.hpp"

#include "base/base64.hpp"
#include "models/identifiers.hpp"
#include "models/media_type.hpp"
#include "models/message_json.hpp"

#include <algorithm>
#include <cctype>

namespace varro {

namespace {

bool is_url_kind(std::string_view kind) {
  return kind == "image-url" || kind == "audio-url" || kind == "video-url" || kind == "document-url";
}

bool is_file_kind(std::string_view kind) {
  return is_url_kind(kind) || kind == "binary" || kind == "uploaded-file";
}

constexpr std::string_view uploading_providers[]
  = {"anthropic", "openai", "google", "google-cloud", "google-gla", "google-vertex", "bedrock", "xai"};

// The words that pydantic takes for booleans.
std::optional<bool> read_flag(const json& value) {
  if (value.is_boolean())
    return value.get<bool>();
  if (value.is_number()) {
    if (value == 0)
      return false;
    return value == 1 ? std::optional{true} : std::nullopt;
  }
  if (!value.is_string())
    return std::nullopt;
  auto word = value.get<std::string>();
  for (auto& c : word)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const auto* yes : {"1", "on", "t", "true", "y", "yes"})
    if (word == yes)
      return true;
  for (const auto* no : {"0", "off", "f", "false", "n", "no"})
    if (word == no)
      return false;
  return std::nullopt;
}

void read_force_download(json_fields& fields, json& out) {
  const auto* field = fields.find("force_download");
  if (!field)
    return;
  if (*field == "allow-local")
    out = "allow-local";
  else if (const auto flag = read_flag(*field))
    out = *flag;
  else
    fields.fail_at("force_download", "true, false or \"allow-local\"");
}

url_content read_url(json_fields& fields, const std::string& kind) {
  url_content file;
  file.kind = kind;
  fields.text("url", file.url);
  read_force_download(fields, file.force_download);
  fields.object_or_null("vendor_metadata", file.vendor_metadata);
  std::optional<std::string> media_type;
  std::optional<std::string> identifier;
  fields.text_or_null("media_type", media_type);
  fields.text_or_null("identifier", identifier);
  if (fields.reading().failed)
    return file;
  file.media_type = media_type && !media_type->empty() ? *media_type : media_type_of_url(kind, file.url);
  file.identifier = identifier && !identifier->empty() ? *identifier : content_identifier(file.url);
  return file;
}

// Releases 0.0.26 to 0.0.36 wrote bytes as text instead of base64, in objects of just these three fields.
bool is_plain_text_data(const json_fields& fields, const binary_content& file) {
  return fields.value().size() == 3 && file.media_type.rfind("text/", 0) == 0;
}

binary_content read_binary(json_fields& fields) {
  binary_content file;
  std::string data;
  fields.text("data", data);
  fields.text("media_type", file.media_type);
  fields.object_or_null("vendor_metadata", file.vendor_metadata);
  std::optional<std::string> identifier;
  fields.text_or_null("identifier", identifier);
  if (fields.reading().failed)
    return file;
  if (auto bytes = base64_decode(data))
    file.data = std::move(*bytes);
  else if (is_plain_text_data(fields, file))
    file.data = std::move(data);
  else
    fields.fail_at("data", "base64");
  file.identifier = identifier && !identifier->empty() ? *identifier : content_identifier(file.data);
  return file;
}

uploaded_file read_uploaded(json_fields& fields) {
  uploaded_file file;
  fields.text("file_id", file.file_id);
  fields.text("provider_name", file.provider_name);
  fields.object_or_null("vendor_metadata", file.vendor_metadata);
  std::optional<std::string> media_type;
  std::optional<std::string> identifier;
  fields.text_or_null("media_type", media_type);
  fields.text_or_null("identifier", identifier);
  if (fields.reading().failed)
    return file;
  if (std::find(std::begin(uploading_providers), std::end(uploading_providers), file.provider_name)
      == std::end(uploading_providers))
    fields.fail_at("provider_name", "a provider that stores files");
  file.media_type = media_type ? *media_type : media_type_of_file_id(file.file_id);
  file.identifier = identifier && !identifier->empty() ? *identifier : content_identifier(file.file_id);
  return file;
}

user_content read_kind(json_fields& fields, const std::string& kind) {
  if (is_url_kind(kind))
    return read_url(fields, kind);
  if (kind == "binary")
    return read_binary(fields);
  if (kind == "uploaded-file")
    return read_uploaded(fields);
  // Later releases keep a value beside the text that was made of it.
  if (kind == "text-content" || kind == "structured-content") {
    text_content text;
    fields.text("content", text.content);
    fields.any("metadata", text.metadata);
    if (kind == "structured-content")
      fields.newer({"kind", "value", "tag", "description"}, text.newer);
    return text;
  }
  if (kind == "cache-point") {
    cache_point point;
    fields.one_of("ttl", point.ttl, {"5m", "1h"});
    return point;
  }
  fields.fail_at("kind", "a kind of content");
  return {};
}

// Whether an object asks to be a file; one that then cannot be read as one is kept whole, inside too.
bool claims_to_be_file(const json& value) {
  const auto kind = value.find("kind");
  return kind != value.end() && kind->is_string() && is_file_kind(kind->get_ref<const std::string&>())
    && (value.contains("url") || value.contains("media_type") || value.contains("file_id"));
}

void normalize_files(json& value) {
  if (value.is_object() && claims_to_be_file(value)) {
    if (const auto file = read_tool_file(value))
      value = to_json(*file);
    return;
  }
  if (value.is_structured())
    for (auto& child : value)
      normalize_files(child);
}

// pydantic-ai tries the kinds whose every field but `kind` it finds; a cache point needs none.
std::string_view unnamed_kind(const json_fields& fields) {
  if (fields.has("data"))
    return "binary";
  return fields.has("content") ? "text-content" : "cache-point";
}

struct content_writer {
  json operator()(const std::string& value) const {
    return value;
  }

  json operator()(const text_content& value) const {
    json out = json::object();
    out["content"] = value.content;
    out["metadata"] = value.metadata;
    out["kind"] = "text-content";
    if (value.newer.is_object())
      for (auto it = value.newer.begin(); it != value.newer.end(); ++it)
        out[it.key()] = it.value();
    return out;
  }

  json operator()(const url_content& value) const {
    json out = json::object();
    out["url"] = value.url;
    out["force_download"] = value.force_download;
    out["vendor_metadata"] = value.vendor_metadata;
    out["kind"] = value.kind;
    out["media_type"] = value.media_type.empty() ? media_type_of_url(value.kind, value.url) : value.media_type;
    out["identifier"] = value.identifier.empty() ? content_identifier(value.url) : value.identifier;
    return out;
  }

  json operator()(const binary_content& value) const {
    return to_json(value);
  }

  json operator()(const uploaded_file& value) const {
    json out = json::object();
    out["file_id"] = value.file_id;
    out["provider_name"] = value.provider_name;
    out["vendor_metadata"] = value.vendor_metadata;
    out["kind"] = "uploaded-file";
    out["media_type"] = value.media_type;
    out["identifier"] = value.identifier.empty() ? content_identifier(value.file_id) : value.identifier;
    return out;
  }

  json operator()(const cache_point& value) const {
    json out = json::object();
    out["kind"] = "cache-point";
    out["ttl"] = value.ttl;
    return out;
  }
};

} // namespace

std::optional<user_content> read_user_content(const json& value, const json_place& place, message_reading& reading) {
  if (value.is_string())
    return value.get<std::string>();
  json_fields fields{value, place, reading};
  std::string kind;
  if (fields.has("kind"))
    fields.text("kind", kind);
  else
    kind = unnamed_kind(fields);
  auto content = read_kind(fields, kind);
  if (reading.failed)
    return std::nullopt;
  return content;
}

std::optional<binary_content> read_binary_content(const json& value, const json_place& place,
                                                  message_reading& reading) {
  json_fields fields{value, place, reading};
  std::string kind = "binary";
  fields.one_of("kind", kind, {"binary"});
  auto file = read_binary(fields);
  if (reading.failed)
    return std::nullopt;
  return file;
}

json to_json(const user_content& value) {
  return std::visit(content_writer{}, value);
}

json to_json(const binary_content& value) {
  json out = json::object();
  out["data"] = base64url_encode(value.data);
  out["media_type"] = value.media_type;
  out["vendor_metadata"] = value.vendor_metadata;
  out["kind"] = "binary";
  out["identifier"] = value.identifier.empty() ? content_identifier(value.data) : value.identifier;
  return out;
}

std::optional<user_content> read_tool_file(const json& value) {
  if (!value.is_object() || !claims_to_be_file(value))
    return std::nullopt;
  message_reading reading;
  return read_user_content(value, {}, reading);
}

json normalized_tool_content(const json& content) {
  json out = content;
  normalize_files(out);
  return out;
}

} // namespace varro
