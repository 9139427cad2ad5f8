#include "models/google_usage.hpp"

#include "base/text.hpp"
#include "models/vendor_json.hpp"

#include <algorithm>
#include <array>

namespace varro::google {

namespace {

constexpr int64_t tokens_max = int64_t{1} << 50;
constexpr size_t modality_bytes_max = 64;

int64_t count(const json& metadata, std::string_view key) {
  return std::clamp<int64_t>(integer_member(metadata, key).value_or(0), 0, tokens_max);
}

// A list of {modality, tokenCount}; the names are pydantic-ai's ("text_prompt_tokens").
struct breakdown {
  const char* field;
  const char* suffix;
};
constexpr std::array<breakdown, 4> breakdowns = {{
  {"promptTokensDetails", "_prompt_tokens"},
  {"cacheTokensDetails", "_cache_tokens"},
  {"candidatesTokensDetails", "_candidates_tokens"},
  {"toolUsePromptTokensDetails", "_tool_use_prompt_tokens"},
}};

void add_details(const json& metadata, json& details) {
  const auto set = [&](const char* name, const char* field) {
    if (const auto tokens = count(metadata, field); tokens > 0)
      details[name] = tokens;
  };
  set("cached_content_tokens", "cachedContentTokenCount");
  set("thoughts_tokens", "thoughtsTokenCount");
  set("tool_use_prompt_tokens", "toolUsePromptTokenCount");
  for (const auto& one : breakdowns) {
    const auto& list = member(metadata, one.field);
    if (!list.is_array())
      continue;
    for (const auto& detail : list) {
      const auto modality = text_member(detail, "modality");
      const auto tokens = count(detail, "tokenCount");
      if (!modality.empty() && modality.size() <= modality_bytes_max && tokens > 0)
        details[ascii_lower(modality) + one.suffix] = tokens;
    }
  }
}

int64_t audio_tokens(const json& metadata, const char* field) {
  const auto& list = member(metadata, field);
  if (list.is_array())
    for (const auto& detail : list)
      if (text_member(detail, "modality") == "AUDIO")
        return count(detail, "tokenCount");
  return 0;
}

} // namespace

void add_usage(const json& metadata, token_usage& usage) {
  if (!metadata.is_object())
    return;
  const auto set = [](int64_t tokens, int64_t& to) {
    if (tokens > 0)
      to = tokens;
  };
  // What Google's own tools read is a prompt too; thinking is counted beside the answer, and is output.
  set(count(metadata, "promptTokenCount") + count(metadata, "toolUsePromptTokenCount"), usage.input_tokens);
  set(count(metadata, "candidatesTokenCount") + count(metadata, "thoughtsTokenCount"), usage.output_tokens);
  set(count(metadata, "cachedContentTokenCount"), usage.cache_read_tokens);
  set(audio_tokens(metadata, "promptTokensDetails"), usage.input_audio_tokens);
  set(audio_tokens(metadata, "cacheTokensDetails"), usage.cache_audio_read_tokens);
  set(audio_tokens(metadata, "candidatesTokensDetails"), usage.output_audio_tokens);
  add_details(metadata, usage.details);
}

} // namespace varro::google
