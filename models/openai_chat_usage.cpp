#include "models/openai_chat_usage.hpp"

#include "models/vendor_json.hpp"

#include <algorithm>
#include <array>

namespace varro::openai_chat {

namespace {

constexpr int64_t tokens_max = int64_t{1} << 50;

std::optional<int64_t> count(const json& value, std::string_view key) {
  const auto number = integer_member(value, key);
  if (!number)
    return std::nullopt;
  return std::min(std::max<int64_t>(*number, 0), tokens_max);
}

// `cost` is money, and the others stand in fields of their own.
bool is_detail(std::string_view key) {
  static constexpr std::array<std::string_view, 6> others
    = {"prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "cost"};
  return std::find(others.begin(), others.end(), key) == others.end();
}

void add_details(const json& from, json& details) {
  if (!from.is_object())
    return;
  for (auto it = from.begin(); it != from.end(); ++it)
    if (is_detail(it.key()) && (it.value().is_number_integer() || it.value().is_boolean()))
      details[it.key()] = std::min(*integer(it.value()), tokens_max);
}

} // namespace

token_usage read_usage(const json& usage) {
  token_usage counted;
  const auto& prompt = member(usage, "prompt_tokens_details");
  const auto& completion = member(usage, "completion_tokens_details");
  // prompt_tokens includes what came from a cache, as input_tokens does.
  counted.input_tokens = count(usage, "prompt_tokens").value_or(0);
  counted.output_tokens = count(usage, "completion_tokens").value_or(0);
  counted.cache_write_tokens = count(prompt, "cache_write_tokens").value_or(0);
  counted.input_audio_tokens = count(prompt, "audio_tokens").value_or(0);
  counted.output_audio_tokens = count(completion, "audio_tokens").value_or(0);
  if (const auto cached = count(prompt, "cached_tokens"))
    counted.cache_read_tokens = *cached;
  else
    for (const auto* key : {"prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens"})
      if (const auto other = count(usage, key); other && counted.cache_read_tokens == 0)
        counted.cache_read_tokens = *other;
  add_details(usage, counted.details);
  add_details(completion, counted.details);
  return counted;
}

} // namespace varro::openai_chat
