// What Gemini counted, in the names of our own.
#pragma once

#include "models/message.hpp"

namespace varro::google {

// Puts a `usageMetadata` over what earlier chunks of the same answer reported: each report counts from the start, but
// one may leave out what an earlier one had. Pure function, any thread.
void add_usage(const json& metadata, token_usage& usage);

} // namespace varro::google
