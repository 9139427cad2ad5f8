#include "models/billing.hpp"

#include <algorithm>

namespace varro {

bool is_told(const token_usage& usage) {
  return usage.input_tokens > 0 || usage.output_tokens > 0;
}

billed_tokens billed(const token_usage& usage, std::string_view cache_lifetime) {
  const auto most
    = [](int64_t count, int64_t limit) { return std::clamp<int64_t>(count, 0, std::max<int64_t>(limit, 0)); };
  billed_tokens tokens;
  // input_tokens counts all of them; what is left over is neither.
  int64_t left = std::max<int64_t>(usage.input_tokens, 0);
  tokens.cache_read = most(usage.cache_read_tokens, left);
  left -= tokens.cache_read;
  const auto written = most(usage.cache_write_tokens, left);
  tokens.cache_write_1h = most(usage.cache_write_1h_tokens.value_or(cache_lifetime == "1h" ? written : 0), written);
  tokens.cache_write_5m = written - tokens.cache_write_1h;
  tokens.input = left - written;
  tokens.output = std::max<int64_t>(usage.output_tokens, 0);
  return tokens;
}

} // namespace varro
