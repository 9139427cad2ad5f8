// The limits of a user that have a number, as programs see them: what there is, what is left, and until when. Pure
// functions, any thread.
#pragma once

#include "actors/allowances.hpp"
#include "base/json.hpp"
#include "http/reply.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace varro {

struct known_limit {
  std::string_view name; // as in [limits] of the configuration
  std::string_view unit; // "requests", "tokens", "seconds", "bytes", "chats", "runs", "shells"
  double most = 0;
  std::optional<double> used = {};         // nothing: it holds at each moment
  std::optional<int64_t> window_s = {};    // nothing: it does not begin anew
  std::optional<int64_t> resets_in_s = {}; // the same
};
std::vector<known_limit> known_limits(const user_allowance& allowance);

json json_of(const user_allowance& allowance);

// RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10) of those that begin anew and count what
// sends use; no field where there is no such limit.
void tell_limits(reply& to, const user_allowance& allowance);

} // namespace varro
