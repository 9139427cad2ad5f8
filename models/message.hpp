// Messages and their parts: the native form of pydantic-ai v2.9's ModelMessage.
//
// Field names, meanings and defaults are those of pydantic_ai/messages.py (v2.9.1); message_json.hpp reads and writes
// the JSON form. What later releases added is kept as it came: fields in `newer` (an object, or null when there are
// none), parts of new kinds as other_part. Values only, no behaviour; copy and move freely, share between threads as
// const.
#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace varro {

// RFC 3339 text as it is written: "2026-01-31T12:00:00.123456Z". Empty stands for null where null is allowed.
using timestamp_text = std::string;

// --- what a user prompt or a tool's content may hold -----------------------------------------------------------------

struct text_content {
  std::string content;
  json metadata = nullptr;
  json newer = nullptr; // of a "structured-content": its kind, value, tag and description
};

struct url_content {
  std::string kind; // "image-url" | "audio-url" | "video-url" | "document-url"
  std::string url;
  json force_download = false; // false | true | "allow-local"
  json vendor_metadata = nullptr;
  std::string media_type;
  std::string identifier;
};

struct binary_content {
  std::string data; // raw bytes, not base64
  std::string media_type;
  json vendor_metadata = nullptr;
  std::string identifier; // first 6 hex digits of SHA-1(data) unless set
};

struct uploaded_file {
  std::string file_id;
  std::string provider_name;
  json vendor_metadata = nullptr;
  std::string media_type;
  std::string identifier;
};

struct cache_point {
  std::string ttl = "5m"; // "5m" | "1h"
};

using user_content = std::variant<std::string, text_content, url_content, binary_content, uploaded_file, cache_point>;

// A part of a kind that releases after v2.9 added ("speech", "retry-feedback"…), whole. spoken() in models/history.hpp
// says what it means for a model.
struct other_part {
  json value;
};

// --- parts of a request ----------------------------------------------------------------------------------------------

struct system_prompt_part {
  std::string content;
  timestamp_text timestamp;
  std::optional<std::string> dynamic_ref;
  json newer = nullptr; // context_id, scope, metadata
};

struct user_prompt_part {
  std::variant<std::string, std::vector<user_content>> content;
  timestamp_text timestamp;
};

struct tool_return_part {
  std::string tool_name;
  json content = nullptr; // any JSON; file objects inside it are in their written form (see tool_content.hpp)
  std::string tool_call_id;
  std::optional<std::string> tool_kind;
  json metadata = nullptr; // not sent to the model; Varro keeps a cell's outputs here (models/cell.hpp)
  timestamp_text timestamp;
  std::string outcome = "success"; // "success" | "failed" | "denied"; of later releases "interrupted" | "retried"
  json newer = nullptr;            // retry
};

struct retry_prompt_part {
  json content = ""; // a string, or a list of validation errors {type, msg, loc, input}
  std::optional<std::string> tool_name;
  std::string tool_call_id;
  timestamp_text timestamp;
};

using request_part
  = std::variant<system_prompt_part, user_prompt_part, tool_return_part, retry_prompt_part, other_part>;

// --- parts of a response ---------------------------------------------------------------------------------------------

struct text_part {
  std::string content;
  std::optional<std::string> id;
  std::optional<std::string> provider_name;
  json provider_details = nullptr;
  json newer = nullptr; // citations
};

struct thinking_part {
  std::string content;
  std::optional<std::string> id; // "redacted_thinking", or the JSON field that the text came from
  std::optional<std::string> signature;
  std::optional<std::string> provider_name;
  json provider_details = nullptr;
};

struct tool_call_part {
  std::string tool_name;
  json args = nullptr; // a string as it arrived (maybe invalid JSON), an object, or null
  std::string tool_call_id;
  std::optional<std::string> tool_kind;
  std::optional<std::string> id;
  std::optional<std::string> provider_name;
  json provider_details = nullptr;
};

// The vendor ran this tool itself ("builtin-tool-call").
struct builtin_tool_call_part : tool_call_part {};

struct builtin_tool_return_part {
  std::string tool_name;
  json content = nullptr;
  std::string tool_call_id;
  std::optional<std::string> tool_kind;
  json metadata = nullptr;
  timestamp_text timestamp;
  std::string outcome = "success";
  std::optional<std::string> provider_name;
  json provider_details = nullptr;
};

struct compaction_part {
  std::optional<std::string> content;
  std::optional<std::string> id;
  std::optional<std::string> provider_name;
  json provider_details = nullptr;
  json newer = nullptr; // metadata
};

struct file_part {
  binary_content content;
  std::optional<std::string> id;
  std::optional<std::string> provider_name;
  json provider_details = nullptr;
};

using response_part = std::variant<text_part, thinking_part, tool_call_part, builtin_tool_call_part,
                                   builtin_tool_return_part, compaction_part, file_part, other_part>;

// --- messages --------------------------------------------------------------------------------------------------------

// Tokens as the vendor counted them; input_tokens includes the cached ones, as in pydantic-ai.
struct token_usage {
  int64_t input_tokens = 0;
  int64_t cache_write_tokens = 0;
  int64_t cache_read_tokens = 0;
  int64_t output_tokens = 0;
  int64_t input_audio_tokens = 0;
  int64_t cache_audio_read_tokens = 0;
  int64_t output_audio_tokens = 0;
  json details = json::object(); // name → int
  json newer = nullptr;          // cost, output_reasoning_tokens, audio_seconds, unmeasured_requests
  // Of cache_write_tokens: for caches that hold them for an hour; nothing where the vendor did not tell. Only of what a
  // vendor has just told: neither the JSON form nor a sum has it.
  std::optional<int64_t> cache_write_1h_tokens = {};

  token_usage& operator+=(const token_usage& other);
};

struct model_request {
  std::vector<request_part> parts;
  timestamp_text timestamp;
  std::optional<std::string> instructions;
  std::optional<std::string> run_id;
  std::optional<std::string> conversation_id;
  json metadata = nullptr;
  std::string state = "complete"; // "complete" | "interrupted"
};

struct model_response {
  std::vector<response_part> parts;
  token_usage usage;
  std::optional<std::string> model_name;
  timestamp_text timestamp;
  std::optional<std::string> provider_name;
  std::optional<std::string> provider_url;
  json provider_details = nullptr;
  std::optional<std::string> provider_response_id;
  std::optional<std::string> finish_reason; // "stop" | "length" | "content_filter" | "tool_call" | "error"
  std::optional<std::string> run_id;
  std::optional<std::string> conversation_id;
  json metadata = nullptr;
  std::string state = "complete"; // "complete" | "incomplete" | "interrupted"; of later releases "suspended"
  json newer = nullptr;           // model_id, canonical_system, workspace_ref, history_digest, failed_attempts
};

using message = std::variant<model_request, model_response>;

// A message of a history: one for all that hold it, which nobody changes. Never null; a copy of it copies no message.
class shared_message {
public:
  shared_message() : shared_message(message{}) {}
  shared_message(message value) : value_(std::make_shared<const message>(std::move(value))) {}
  shared_message(model_request value) : shared_message(message{std::move(value)}) {}
  shared_message(model_response value) : shared_message(message{std::move(value)}) {}

  const message& operator*() const noexcept {
    return *value_;
  }
  operator const message&() const noexcept {
    return *value_;
  }
  // A request or a response; null when it is the other kind.
  template <class Kind>
  const Kind* as() const noexcept {
    return std::get_if<Kind>(value_.get());
  }
  bool is_same_as(const shared_message& other) const noexcept {
    return value_ == other.value_;
  }

private:
  std::shared_ptr<const message> value_;
};

using message_history = std::vector<shared_message>;

// A history that actors hand to each other.
using message_list = std::shared_ptr<const message_history>;

} // namespace varro
