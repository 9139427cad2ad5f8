// What of a usage is billed at which price. Pure functions, any thread.
#pragma once

#include "config/price_table.hpp"
#include "models/message.hpp"

#include <string_view>

namespace varro {

// Whether the vendor told anything.
bool is_told(const token_usage& usage);

// The tokens in their classes. Where the vendor does not tell for how long a cache holds what was written to it, it is
// for what the request asked for: `cache_lifetime`, as in model_config. Audio is in input and output.
billed_tokens billed(const token_usage& usage, std::string_view cache_lifetime);

} // namespace varro
