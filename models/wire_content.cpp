#include "models/wire_content.hpp"

#include "base/base64.hpp"
#include "models/history.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/tool_arguments.hpp"
#include "models/vendor_json.hpp"

#include <algorithm>
#include <array>

namespace varro {

namespace {

constexpr std::string_view fix_and_retry = "\n\nFix the errors and try again.";

uint64_t fnv1a(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const unsigned char c : text)
    hash = (hash ^ c) * 1099511628211u;
  return hash;
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

json shown_error(const json& error, bool of_tool_call) {
  json shown = json::object();
  // The input of a top-level error repeats what the model just said when it was no tool call.
  const auto& loc = member(error, "loc");
  const bool top_level = !loc.is_array() || loc.size() <= 1;
  for (auto it = error.begin(); it != error.end(); ++it)
    if (it.key() != "ctx" && (it.key() != "input" || of_tool_call || !top_level))
      shown[it.key()] = it.value();
  return shown;
}

} // namespace

std::string retry_text(const retry_prompt_part& part) {
  const bool of_tool_call = part.tool_name.has_value();
  if (part.content.is_string()) {
    const auto text = part.content.get<std::string>();
    return (of_tool_call ? text : "Validation feedback:\n" + text) + std::string(fix_and_retry);
  }
  auto errors = json::array();
  if (part.content.is_array())
    for (const auto& error : part.content)
      errors.push_back(error.is_object() ? shown_error(error, of_tool_call) : error);
  return std::to_string(errors.size()) + (errors.size() == 1 ? " validation error:\n" : " validation errors:\n")
    + "```json\n" + errors.dump(2, ' ', false, json::error_handler_t::replace) + "\n```" + std::string(fix_and_retry);
}

json arguments_object(const json& args) {
  if (auto value = read_arguments(args); value && value->is_object())
    return std::move(*value);
  return json{{"INVALID_JSON", args.is_string() ? args.get<std::string>() : dump_json(args)}};
}

std::string arguments_text(const json& args) {
  // Only what is strictly JSON goes as it came.
  if (args.is_string()) {
    const auto& text = args.get_ref<const std::string&>();
    if (auto value = parse_json(text); value && value->is_object())
      return text;
  }
  return dump_json(arguments_object(args));
}

std::vector<tool_content_item> tool_content_items(const json& content) {
  std::vector<tool_content_item> items;
  const auto add = [&items](const json& item) {
    auto split = split_tool_content(item);
    const bool is_file = split.files.size() == 1 && item.is_object() && member(item, "kind").is_string();
    if (!is_file)
      items.emplace_back(std::move(split.text));
    for (auto& file : split.files)
      items.emplace_back(std::move(file));
  };
  if (content.is_array())
    for (const auto& item : content)
      add(item);
  else
    add(content);
  return items;
}

std::string instructions_of(const model_query& query) {
  if (!query.instructions.empty())
    return query.instructions;
  for (auto it = query.history->rbegin(); it != query.history->rend(); ++it)
    if (const auto* request = it->as<model_request>())
      return request->instructions.value_or("");
  return {};
}

const json* find_setting(const model_query& query, std::string_view name) {
  if (!query.settings.is_object())
    return nullptr;
  for (auto it = query.settings.begin(); it != query.settings.end(); ++it)
    if (it.key() == name)
      return &it.value();
  return nullptr;
}

void apply_extra_body(const model_query& query, json& body) {
  const auto put = [&body](const json& extra) {
    if (extra.is_object())
      for (auto it = extra.begin(); it != extra.end(); ++it)
        body[it.key()] = it.value();
  };
  if (const auto configured = parse_json(query.model.extra_body.text))
    put(*configured);
  if (const auto* extra = find_setting(query, "extra_body"))
    put(*extra);
}

std::string data_url(const binary_content& file, std::string_view media_type) {
  return "data:" + (media_type.empty() ? file.media_type : std::string(media_type)) + ";base64,"
    + base64_encode(file.data);
}

bool is_image(std::string_view media_type) {
  return media_type.substr(0, 6) == "image/";
}

namespace {

// Four bytes of a PNG or WebP as a number, most or least significant first.
uint32_t number_at(std::string_view bytes, size_t at, bool big_endian) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + (big_endian ? i : 3 - i)]);
  return value;
}

bool has_at(std::string_view bytes, size_t at, std::string_view expected) {
  return bytes.size() >= at + expected.size() && bytes.substr(at, expected.size()) == expected;
}

// IHDR with a size, and an end.
bool is_png(std::string_view bytes) {
  return has_at(bytes, 0, "\x89PNG\r\n\x1a\n") && has_at(bytes, 12, "IHDR") && bytes.size() >= 45
    && number_at(bytes, 16, true) > 0 && number_at(bytes, 20, true) > 0
    && bytes.rfind("IEND") != std::string_view::npos;
}

bool is_jpeg(std::string_view bytes) {
  return has_at(bytes, 0, "\xFF\xD8\xFF") && bytes.rfind("\xFF\xD9") != std::string_view::npos;
}

bool is_gif(std::string_view bytes) {
  return (has_at(bytes, 0, "GIF87a") || has_at(bytes, 0, "GIF89a")) && bytes.size() > 13
    && bytes.rfind('\x3B') != std::string_view::npos;
}

bool is_webp(std::string_view bytes) {
  return has_at(bytes, 0, "RIFF") && has_at(bytes, 8, "WEBPVP8") && number_at(bytes, 4, false) <= bytes.size() - 8;
}

} // namespace

std::string_view picture_type(std::string_view bytes) {
  if (is_png(bytes))
    return "image/png";
  if (is_jpeg(bytes))
    return "image/jpeg";
  if (is_gif(bytes))
    return "image/gif";
  return is_webp(bytes) ? "image/webp" : "";
}

bool reads_as_text(std::string_view media_type) {
  return media_type.substr(0, 5) == "text/" || media_type == "application/json" || media_type == "application/xml"
    || media_type == "application/yaml" || media_type == "application/x-yaml";
}

std::string inlined_file(const binary_content& file) {
  const auto id = identifier_of(file);
  return "-----BEGIN FILE id=\"" + id + "\" type=\"" + file.media_type + "\"-----\n" + to_valid_utf8(file.data)
    + "\n-----END FILE id=\"" + id + "\"-----";
}

std::string identifier_of(const user_content& file) {
  if (const auto* binary = std::get_if<binary_content>(&file))
    return binary->identifier.empty() ? content_identifier(binary->data) : binary->identifier;
  if (const auto* url = std::get_if<url_content>(&file))
    return url->identifier.empty() ? content_identifier(url->url) : url->identifier;
  if (const auto* uploaded = std::get_if<uploaded_file>(&file))
    return uploaded->identifier.empty() ? content_identifier(uploaded->file_id) : uploaded->identifier;
  return {};
}

std::string file_note(const user_content& file) {
  const auto head = "[file " + identifier_of(file) + ": ";
  if (const auto* binary = std::get_if<binary_content>(&file))
    return head + binary->media_type + ", " + std::to_string(binary->data.size()) + " bytes]";
  if (const auto* url = std::get_if<url_content>(&file))
    return head + url->url + "]";
  if (const auto* uploaded = std::get_if<uploaded_file>(&file))
    return head + uploaded->media_type + "]";
  return {};
}

std::string accepted_call_id(const std::string& id, const call_id_rule& rule) {
  const auto accepted
    = [&rule](char c) { return is_alphanumeric(c) || (!rule.alphanumeric && (c == '-' || c == '_')); };
  const bool length_fits
    = rule.length_exact ? id.size() == rule.length_exact : !id.empty() && id.size() <= rule.length_max;
  if (length_fits && std::all_of(id.begin(), id.end(), accepted))
    return id;
  static constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyz";
  const size_t length = rule.length_exact ? rule.length_exact : std::min<size_t>(rule.length_max, 24);
  std::string made;
  for (auto hash = fnv1a(id); made.size() < length; hash = fnv1a(id + made))
    for (int i = 0; i < 9 && made.size() < length; ++i, hash /= digits.size())
      made += digits[hash % digits.size()];
  return made;
}

std::string accepted_tool_name(std::string name) {
  constexpr size_t length_max = 64;
  for (auto& c : name)
    if (!is_alphanumeric(c) && c != '_' && c != '-')
      c = '_';
  name.resize(std::min(name.size(), length_max));
  return name.empty() ? "unnamed" : name;
}

} // namespace varro
