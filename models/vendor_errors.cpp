#include "models/vendor_errors.hpp"

#include "models/vendor_json.hpp"

#include <array>

namespace varro {

namespace {

struct error_words {
  std::string type;
  std::string message;
  int64_t code = 0; // a numeric code (OpenRouter, Google), else 0
};

// A validation error of FastAPI servers (Mistral, vLLM): a list of {loc, msg}.
std::string joined_details(const json& details) {
  std::string text;
  for (const auto& detail : details) {
    auto one = detail.is_string() ? detail.get<std::string>() : text_member(detail, "msg");
    if (const auto& loc = member(detail, "loc"); !one.empty() && loc.is_array() && !loc.empty())
      one += " (" + (loc.back().is_string() ? loc.back().get<std::string>() : dump_json(loc.back())) + ")";
    if (!one.empty())
      text += (text.empty() ? "" : "; ") + one;
  }
  return text;
}

std::string message_text(const json& value) {
  if (value.is_string())
    return value.get<std::string>();
  if (value.is_array())
    return joined_details(value);
  if (value.is_object()) {
    for (const auto* key : {"message", "detail", "error", "msg"})
      if (auto text = message_text(member(value, key)); !text.empty())
        return text;
    return dump_json(value);
  }
  return {};
}

error_words read_words(const json& body) {
  error_words words;
  const json& root = body.is_array() && !body.empty() ? body.front() : body;
  const auto& inner = member(root, "error");
  const json& error = inner.is_object() ? inner : root;
  const auto& code = member(error, "code");
  const auto type = text_member(error, "type");
  words.code = integer(code).value_or(0);
  if (code.is_string() && !code.get_ref<const std::string&>().empty())
    words.type = code.get<std::string>();
  else if (!type.empty() && type != "error")
    words.type = type;
  else if (words.code != 0)
    words.type = std::to_string(words.code);
  words.message = inner.is_string() ? inner.get<std::string>() : message_text(error);
  // OpenRouter wraps what the model's own vendor said.
  const auto& metadata = member(error, "metadata");
  if (const auto raw = text_member(metadata, "raw"); !raw.empty() && raw != words.message)
    words.message += ": " + raw;
  return words;
}

// Types that mean "not now" rather than "not so", also when the status does not tell.
bool is_passing(const error_words& words) {
  if (words.type == "insufficient_quota") // comes with status 429, and stays until somebody pays
    return false;
  static constexpr std::array<std::string_view, 14> types = {"overloaded_error",
                                                             "rate_limit_error",
                                                             "rate_limit_exceeded",
                                                             "api_error",
                                                             "timeout_error",
                                                             "server_error",
                                                             "service_unavailable",
                                                             "internal_error",
                                                             "engine_overloaded",
                                                             "overloaded",
                                                             "timeout",
                                                             "upstream_error",
                                                             "bad_gateway",
                                                             "internal_server_error"};
  const auto code = words.code;
  return std::find(types.begin(), types.end(), words.type) != types.end() || code == 408 || code == 409 || code == 429
    || (code >= 500 && code <= 599);
}

std::string without_secret(std::string text, std::string_view secret) {
  if (secret.size() < 4)
    return text;
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
    text.replace(at, secret.size(), "***");
  return text;
}

std::string shown(std::string text, std::string_view secret) {
  return std::string(clip_utf8(to_valid_utf8(without_secret(std::move(text), secret)), vendor_message_bytes_max));
}

} // namespace

vendor_error read_error_body(int http_status, std::string_view body, std::string_view secret) {
  vendor_error error;
  error.http_status = http_status;
  error_words words;
  if (const auto value = parse_vendor_json(body); value && value->is_structured())
    words = read_words(*value);
  else if (body.find('<') == std::string_view::npos)
    words.message = std::string(clip_utf8(body, vendor_message_bytes_max)); // an HTML page tells a reader nothing
  error.type = words.type;
  words.code = http_status;
  error.retryable = is_passing(words);
  error.message = shown(std::move(words.message), secret);
  if (error.message.empty())
    error.message = "The server answered with HTTP status " + std::to_string(http_status) + ".";
  return error;
}

vendor_error read_stream_error(const json& value, std::string_view secret) {
  auto words = read_words(value);
  vendor_error error;
  error.type = words.type;
  error.retryable = is_passing(words);
  error.message = shown(std::move(words.message), secret);
  if (error.message.empty())
    error.message = "The server reported an error without words.";
  return error;
}

vendor_error connection_lost_error(bool had_content) {
  vendor_error error;
  error.type = "connection_lost";
  error.message = had_content ? "The connection to the model broke off in the middle of its answer."
                              : "The connection to the model broke off before its answer.";
  error.retryable = !had_content;
  return error;
}

vendor_error malformed_error(std::string_view what) {
  vendor_error error;
  error.type = "malformed_response";
  error.message = "The model's answer could not be read: " + std::string(what);
  return error;
}

} // namespace varro
