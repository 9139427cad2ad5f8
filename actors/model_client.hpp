// Requests to language models: encodes, sends through the transport, decodes on the transport's thread, tries again.
//
// What is retried: no connection, a dropped or silent connection before any content, HTTP 408, 409, 429, 5xx (529 too),
// and what the vendor calls overloaded inside a 200 stream, as long as no content arrived. Between attempts: the
// vendor's retry-after, else exponential back-off with jitter. Errors hold the vendor's words and never a key.
#pragma once

#include "actors/interfaces.hpp"
#include "config/config.hpp"
#include "models/transport.hpp"

#include <map>
#include <random>

namespace varro {

struct pending_query {
  model_query query;
  caf::typed_response_promise<model_response> promise;
  const model_provider* provider = nullptr;
  int64_t ticket = 0; // of the current attempt; what comes for an older one is dropped
  http_transport::request_id request = 0;
  int attempts = 0;
  bool in_flight = false; // an attempt is with the transport, and not between two of them
  bool cancelled = false; // the answer is what was received until then
};

struct model_client_state {
  static inline const char* name = "model_client";
  std::shared_ptr<const config> settings;
  std::shared_ptr<http_transport> transport;
  std::map<int64_t, pending_query> pending; // by run
  int64_t last_ticket = 0;
  std::mt19937 random{std::random_device{}()};
};

// The pause before the attempt after `attempts` (≥ 1) failed ones, for a jitter between 0 and 1.
std::chrono::milliseconds backoff(const model_client_config& limits, int attempts, double jitter);

// Whether a failed attempt may be repeated, by its nature (not by its count).
bool is_retryable(const attempt_outcome& outcome);

// What the user reads about a request that failed for good.
caf::error describe_failure(const model_config& model, const attempt_outcome& outcome, int attempts);

model_client_actor::behavior_type model_client(model_client_actor::stateful_pointer<model_client_state> self,
                                               std::shared_ptr<const config> settings,
                                               std::shared_ptr<http_transport> transport);

} // namespace varro
