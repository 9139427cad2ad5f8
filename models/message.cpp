#include "models/message.hpp"

#include <limits>

namespace varro {

namespace {

// Vendors' counts are untrusted numbers: a sum stops at the ends of the range instead of wrapping around.
int64_t saturated_sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    return b > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
  return sum;
}

int64_t count_of(const json& value) {
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return std::numeric_limits<int64_t>::max();
  return value.get<int64_t>();
}

} // namespace

token_usage& token_usage::operator+=(const token_usage& other) {
  input_tokens = saturated_sum(input_tokens, other.input_tokens);
  cache_write_tokens = saturated_sum(cache_write_tokens, other.cache_write_tokens);
  cache_read_tokens = saturated_sum(cache_read_tokens, other.cache_read_tokens);
  output_tokens = saturated_sum(output_tokens, other.output_tokens);
  input_audio_tokens = saturated_sum(input_audio_tokens, other.input_audio_tokens);
  cache_audio_read_tokens = saturated_sum(cache_audio_read_tokens, other.cache_audio_read_tokens);
  output_audio_tokens = saturated_sum(output_audio_tokens, other.output_audio_tokens);
  if (!other.details.is_object())
    return *this;
  if (!details.is_object())
    details = json::object();
  // A copy, so that adding a usage to itself does not change what is iterated.
  const json added = other.details;
  for (const auto& [name, value] : added.items()) {
    if (!value.is_number_integer())
      continue;
    const auto found = details.find(name);
    const int64_t before = found != details.end() && found->is_number_integer() ? count_of(*found) : 0;
    details[name] = saturated_sum(before, count_of(value));
  }
  return *this;
}

} // namespace varro
