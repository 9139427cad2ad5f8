// The name of one request, by which its answer, its lines of the log and what a proxy says of it are brought together.
// Pure functions but for drawing one; any thread.
#pragma once

#include "http/exchange.hpp"

#include <string>

namespace varro {

// Of one that a proxy says.
inline constexpr size_t request_id_bytes_max = 64;

// Sixteen hexadecimal digits that no other request of late has. Not a secret.
std::string new_request_id();

// What a trusted proxy says in X-Request-Id, where that is one to request_id_bytes_max letters, digits, '.', '_' and
// '-'; else a new one. REQUIRES: take_forwarded has seen the request.
std::string request_id_of(const received_request& request);

} // namespace varro
