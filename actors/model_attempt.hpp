// One attempt of a request to a model: what came of it, and what it used.
//
// Pure functions, any thread.
#pragma once

#include "actors/messages.hpp"
#include "models/transport.hpp"

namespace varro {

// What came of it, when the transport has ended it so. `decoder` has been fed what arrived; null when no head did.
attempt_outcome conclude(response_decoder* decoder, const transport_end& end);

// What the ledger needs to know of a request besides what came of it.
struct sent_request {
  const model_config& model;
  unix_us at = 0;       // when the attempt was sent
  int64_t tokens = 0;   // of the request, estimated
  bool stopped = false; // the user stopped it
};

// The attempt's row of the ledger, without owner, message and cost. Where the vendor did not tell what it used, or not
// to the end, the request is taken at its estimate and the answer as far as it was received; calls of tools that were
// cut off are not counted. A refusal, and what was never sent, is billed nothing.
usage_row usage_of(const sent_request& request, const attempt_outcome& outcome);

// The row of one of its attempt_outcome::unanswered: an estimate of the request.
usage_row usage_of_unanswered(const sent_request& request);

} // namespace varro
