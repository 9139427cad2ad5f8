// Who may read /metrics: whoever connects from one of metrics.allowed_addresses, or sends metrics.token. Pure
// functions, any thread.
//
// What comes through a proxy has the proxy's address, which is loopback's as a rule. So an address counts only without
// any sign of a proxy: the connection is no trusted proxy's, and no header field says that the request was passed on.
#pragma once

#include "config/config.hpp"
#include "http/exchange.hpp"

namespace varro {

enum class metrics_right {
  granted,
  wrong_token, // from an address that does not do, with a token that does not either
  refused,     // from such an address without one
};

metrics_right right_to_metrics(const received_request& request, const metrics_config& settings);

} // namespace varro
