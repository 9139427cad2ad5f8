// Who may read /metrics, read and checked. Pure functions, any thread.
#pragma once

#include "base/address.hpp"
#include "config/proxy_checks.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace varro {

inline constexpr std::string_view metrics_token_variable = "VARRO_METRICS_TOKEN";
inline constexpr std::string_view metrics_token_file_variable = "VARRO_METRICS_TOKEN_FILE";

// Shorter ones could be guessed.
inline constexpr size_t metrics_token_bytes_min = 16;

// metrics.allowed_addresses. What is no range is left out: it was refused at the start (metrics_problem).
std::vector<address_range> metrics_ranges(const metrics_config& settings);

std::optional<key_problem> metrics_problem(const metrics_config& settings);

} // namespace varro
