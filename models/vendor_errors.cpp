#include "models/vendor_errors.hpp"

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "models/retry_after.hpp"
#include "models/vendor_json.hpp"

#include <algorithm>
#include <array>

namespace varro {

namespace {

struct error_words {
  std::string type;
  std::string message;
  int64_t code = 0; // a numeric code (OpenRouter, Google), else 0
  std::optional<std::chrono::milliseconds> retry_after;
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

// google.rpc.RetryInfo among the details of a google.rpc.Status: {"retryDelay": "34.07s"}.
std::optional<std::chrono::milliseconds> retry_delay(const json& details) {
  if (!details.is_array())
    return std::nullopt;
  for (const auto& detail : details)
    if (auto delay = text_member(detail, "retryDelay"); delay.size() > 1 && delay.back() == 's') {
      delay.pop_back();
      if (auto wait = parse_retry_after(delay, std::chrono::system_clock::now()))
        return wait;
    }
  return std::nullopt;
}

error_words read_words(const json& body) {
  error_words words;
  const json& root = body.is_array() && !body.empty() ? body.front() : body;
  const auto& inner = member(root, "error");
  const json& error = inner.is_object() ? inner : root;
  const auto& code = member(error, "code");
  const auto type = text_member(error, "type");
  const auto status = text_member(error, "status"); // of google.rpc.Status: the name of its code
  words.code = integer(code).value_or(0);
  words.retry_after = retry_delay(member(error, "details"));
  if (code.is_string() && !code.get_ref<const std::string&>().empty())
    words.type = code.get<std::string>();
  else if (!type.empty() && type != "error")
    words.type = type;
  else if (words.code != 0)
    words.type = status.empty() ? std::to_string(words.code) : status;
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

template <size_t Size>
bool says_any(std::string_view words, const std::array<std::string_view, Size>& phrases) {
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](auto phrase) { return words.find(phrase) != std::string_view::npos; });
}

// A request that is too long, in lower case and as each vendor says it.
constexpr std::array<std::string_view, 30> too_long = {
  "context_length_exceeded",                            // OpenAI, Groq, Azure, Cerebras: the code
  "exceeds the context window",                         // OpenAI, Responses
  "maximum context length",                             // OpenAI, vLLM, DeepSeek, Mistral, OpenRouter
  "prompt is too long",                                 // Anthropic
  "exceed context limit",                               // Anthropic: input length and `max_tokens`…
  "request_too_large",                                  // Anthropic: the type of a 413
  "exceeds the maximum number of tokens allowed",       // Gemini
  "exceed_context_size",                                // llama.cpp: the type
  "exceeds the available context size",                 // llama.cpp
  "exceeds the context length",                         // Ollama, LM Studio
  "prompt too long",                                    // Ollama
  "maximum prompt length",                              // xAI
  "reduce the length of the messages",                  // OpenAI, Groq, Cerebras
  "exceeded model token limit",                         // Moonshot
  "prompt exceeds max length",                          // Z.ai
  "max_new_tokens` must be <=",                         // Together, Hugging Face
  "input is too long for requested model",              // Bedrock
  "tokens to keep from the initial prompt is greater",  // LM Studio: …than the context length
  "model_context_window_exceeded",                      // a finish reason that some proxies turn into an error
  "total number of tokens in the prompt cannot exceed", // Cohere
  "string_above_max_length",                            // OpenAI: the code for one text beyond its limit
  "longer than the model's context length",             // SGLang
  "request entity too large",                           // a proxy before the server
  "tokens must be reduced",                             // OpenAI: a request beyond a whole minute's limit of tokens
  "longer than the maximum model length",               // vLLM
  "range of input length should be",                    // DashScope
  "model_max_prompt_tokens_exceeded",                   // GitHub Models, Copilot: the code
  "prompt token count of",                              // the same: …exceeds the limit of
  "context shift is disabled",                          // llama.cpp
  "request payload size exceeds",                       // Gemini
};

constexpr std::array<std::string_view, 6> responses_only = {
  "use /v1/responses", // OpenAI: function tools with reasoning_effort
  "please use the responses api",
  "only supported in v1/responses", // OpenAI: -pro, codex
  "only available in v1/responses",
  "supported in the responses api only",
  "not a chat model", // OpenAI
};

// Thinking that is sent back and that the vendor cannot read, or no longer finds.
constexpr std::array<std::string_view, 11> refused_thinking = {
  "invalid_encrypted_content",                     // OpenAI: the code
  "encrypted content for item",                    // OpenAI: …could not be verified
  "was provided without its required",             // OpenAI: reasoning without what followed it, or the reverse
  "item with id 'rs_",                             // OpenAI: …not found, items are not persisted
  "reasoning input items can only be provided",    // OpenAI: to a reasoning model
  "in `thinking` block",                           // Anthropic: invalid `signature`…
  "blocks in the latest assistant message cannot", // Anthropic: `thinking` or `redacted_thinking`… be modified
  "expected `thinking` or `redacted_thinking`",    // Anthropic
  "the block is bound to a different",             // Anthropic: conversation
  "thought signature",                             // Gemini: corrupted, not valid…
  "thought_signature",                             // Gemini: missing in functionCall parts
};

constexpr std::array<std::string_view, 18> refused_pictures = {
  "invalid_image", // OpenAI: codes that begin so, and…
  "invalid_base64_image",
  "image_parse_error",
  "image_too_large",
  "image_too_small",
  "image_file_too_large",
  "empty_image_file",
  "unsupported_image_media_type",
  "unsupported image",             // OpenAI, Groq
  "invalid image",                 // vLLM, Mistral
  "could not process image",       // Anthropic
  "image exceeds",                 // Anthropic: …5 MB maximum
  "image dimensions exceed",       // Anthropic
  "image input is not supported",  // llama.cpp
  "does not support image",        // several: this model…
  "support image input",           // OpenRouter: no endpoints found that…
  "pdf specified was not valid",   // Anthropic
  "unable to process input image", // Gemini
};

// Words that name the route as what is unknown.
constexpr std::array<std::string_view, 4> unknown_route
  = {"unknown request url", "invalid url", "unexpected endpoint", "no route matched"};

// Servers that nobody has heard of say it alike: "input length exceeds context length".
bool outgrows_context(std::string_view words) {
  static constexpr std::array<std::string_view, 6> outgrows
    = {"exceed", "too long", "too large", "longer than", "larger than", "greater than"};
  static constexpr std::array<std::string_view, 4> contexts
    = {"context length", "context window", "context size", "context limit"};
  return says_any(words, outgrows) && says_any(words, contexts);
}

vendor_error::remedy remedy_of(const error_words& words, int http_status) {
  const auto said = ascii_lower(words.type + " " + std::string(clip_utf8(words.message, vendor_message_bytes_max)));
  if (says_any(said, too_long) || outgrows_context(said) || http_status == 413)
    return vendor_error::remedy::shorter;
  if (says_any(said, responses_only))
    return vendor_error::remedy::responses_api;
  if (said.find("reasoning summar") != std::string::npos || said.find("'reasoning.summary'") != std::string::npos)
    return vendor_error::remedy::no_summary; // OpenAI: your organization must be verified to generate…
  if (said.find("must be verified to stream") != std::string::npos)
    return vendor_error::remedy::no_stream;
  if (says_any(said, refused_thinking))
    return vendor_error::remedy::no_thinking;
  if (says_any(said, refused_pictures))
    return vendor_error::remedy::no_pictures;
  if (says_any(said, unknown_route) && said.find("/responses") != std::string::npos)
    return vendor_error::remedy::chat_completions;
  return vendor_error::remedy::none;
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
  error.retry_after = words.retry_after;
  error.needs = remedy_of(words, http_status);
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
  error.retry_after = words.retry_after;
  error.needs = remedy_of(words, 0);
  error.retryable = is_passing(words);
  error.message = shown(std::move(words.message), secret);
  if (error.message.empty())
    error.message = "The server reported an error without words.";
  return error;
}

vendor_error read_unexpected_body(const json& body, std::string_view secret) {
  auto error = read_stream_error(body, secret);
  error.message = "The server's answer is none of a model: " + error.message;
  if (error.type.empty())
    error.type = "unexpected_answer";
  return error;
}

std::optional<vendor_error> read_unexpected_text(std::string_view text, std::string_view secret) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return std::nullopt;
  return read_unexpected_body(json{{"message", to_valid_utf8(text)}}, secret);
}

bool is_missing_route(const vendor_error& error) {
  if (error.http_status == 405 || error.http_status == 501)
    return true;
  if (error.http_status != 404)
    return false;
  // Also a model, a deployment or an item that is not there is a 404.
  static constexpr std::array<std::string_view, 6> things
    = {"model", "deployment", "item with id", "response with id", "file with id", "conversation"};
  return !says_any(ascii_lower(error.type + " " + error.message), things);
}

vendor_error connection_lost_error(bool had_content) {
  vendor_error error;
  error.type = connection_lost_type;
  error.message = had_content ? "The connection to the model broke off in the middle of its answer."
                              : "The connection to the model broke off before its answer.";
  error.retryable = true;
  return error;
}

vendor_error malformed_error(std::string_view what) {
  vendor_error error;
  error.type = malformed_type;
  error.message = "The model's answer could not be read: " + std::string(what);
  return error;
}

} // namespace varro
