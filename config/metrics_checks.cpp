#include "config/metrics_checks.hpp"

#include <string>

namespace varro {

std::vector<address_range> metrics_ranges(const metrics_config& settings) {
  return ranges_of(settings.allowed_addresses);
}

std::optional<key_problem> metrics_problem(const metrics_config& settings) {
  for (const auto& text : settings.allowed_addresses)
    if (auto range = parse_range(text); !range)
      return key_problem{"metrics.allowed_addresses", text_of(range.error())};
  if (!settings.token.empty() && settings.token.size() < metrics_token_bytes_min)
    return key_problem{"metrics.token",
                       "expected " + std::to_string(metrics_token_bytes_min)
                         + " characters at least: shorter ones could be guessed"};
  return std::nullopt;
}

} // namespace varro
