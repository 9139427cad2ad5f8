// What becomes of an attempt that failed: whether it is repeated, how it is mended, what the user reads.
//
// Pure functions, any thread.
#pragma once

#include "actors/messages.hpp"
#include "config/config.hpp"

#include <chrono>
#include <optional>

namespace varro {

// The pause before the attempt after `attempts` (≥ 1) failed ones, for a jitter between 0 and 1.
std::chrono::milliseconds backoff(const model_client_config& limits, int attempts, double jitter);

// Whether a failed attempt may be repeated, by its nature (not by its count).
bool is_retryable(const attempt_outcome& outcome);

// The query that a remedy makes of one that was refused; nothing where it cannot help. One that needs to be shorter
// stays as it is: what was learned about its length makes it so.
std::optional<model_query> remedied(const model_query& query, const vendor_error& error);

// The answer comes as a whole then.
void ask_without_stream(model_query& query);

// What the user reads about a request that failed for good.
caf::error describe_failure(const model_config& model, const attempt_outcome& outcome, int attempts);

} // namespace varro
