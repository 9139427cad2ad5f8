// The lists of models that vendors tell: GET /v1/models and its kin, asked and read.
//
// Sources: platform.claude.com/docs/en/api/models/list (lifecycle, retires_at, limits, capabilities; pages by
// after_id), developers.openai.com/api/reference/resources/models/methods/list (shutdown_date; one page),
// ai.google.dev/api/models (limits; pages by pageToken). Servers that speak chat completions add fields of their own:
// context_length, architecture and supported_parameters (OpenRouter), context_window and active (Groq), max_model_len
// (vLLM), capabilities and max_context_length (Mistral).
//
// Pure functions, any thread. Answers are untrusted: names, numbers and counts are bounded, other types are ignored.
#pragma once

#include "models/provider.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

inline constexpr size_t list_models_max = 5'000; // of one provider, on all pages together
inline constexpr size_t list_name_bytes_max = 200;
inline constexpr int64_t list_tokens_max = 1'000'000'000;

struct listed_model {
  enum class stage { active, deprecated, retired };
  std::string name;               // as requests name it
  std::string label;              // the vendor's, may be empty
  int64_t created_at = 0;         // Unix time in seconds; 0: not told
  int64_t context_tokens_max = 0; // 0: not told
  int64_t output_tokens_max = 0;
  std::optional<bool> vision;
  std::optional<bool> tools;
  stage lifecycle = stage::active;
  std::string retires_on; // "2026-11-30" or empty
  std::vector<std::string> thinking_types;
  std::vector<std::string> efforts;
};

struct list_page {
  std::vector<listed_model> models;
  std::string next; // what list_request() is given for the next page; empty: this was the last
};

// The request for a page; `cursor` is empty for the first.
http_request list_request(const provider_config& provider, const std::string& cursor);

// errc::model_malformed when the answer is no list. Entries without a usable name are left out.
caf::expected<list_page> read_list(provider_kind kind, std::string_view body);

// "2026-11-30" of a date or of an RFC 3339 time; empty for anything else.
std::string date_of(std::string_view text);

} // namespace varro
