// Requests that do not fit into the model's context window.
//
// Pure functions, any thread.
#pragma once

#include "bench/wire.hpp"

#include <optional>

namespace varro::bench {

// About as many tokens as a vendor would count: a quarter of the characters of its texts, and a fixed number for each
// picture or document. What only the server reads (signatures, encrypted reasoning) does not count.
int64_t estimated_tokens(const json& body);

// What the vendor says to more tokens than `most`; nullopt when they fit, or `most` is 0.
std::optional<request_problem> check_context(vendor api, const json& body, int64_t most);

} // namespace varro::bench
