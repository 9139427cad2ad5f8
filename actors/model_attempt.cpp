#include "actors/model_attempt.hpp"

#include "models/billing.hpp"
#include "models/context_window.hpp"
#include "models/vendor_errors.hpp"

#include <algorithm>

namespace varro {

namespace {

using reason = transport_end::reason;

void note_received(attempt_outcome& result, const model_response& received) {
  result.spent = received.usage;
  result.received_tokens = received.parts.empty() ? 0 : estimated_tokens(message{received});
  result.vendor_id = received.provider_response_id.value_or("");
}

// In the vendor's own words, and not because what came could not be read.
bool is_refusal(const attempt_outcome& outcome) {
  const auto& error = outcome.decoded.error;
  if (!error || outcome.had_content || is_told(outcome.spent))
    return false;
  // Time was up for somebody in between: the model may have worked.
  if (error->http_status == 408 || error->http_status == 504)
    return false;
  return error->http_status >= 400
    || (outcome.ended_well && error->type != malformed_type && error->type != connection_lost_type);
}

const char* outcome_name(const sent_request& request, const attempt_outcome& outcome) {
  if (outcome.unsent)
    return usage_outcome::unsent;
  const auto& response = outcome.decoded.response;
  if (response && response->state != "interrupted")
    return usage_outcome::answered;
  if (request.stopped)
    return usage_outcome::stopped;
  return is_refusal(outcome) ? usage_outcome::refused : usage_outcome::broken;
}

} // namespace

attempt_outcome conclude(response_decoder* decoder, const transport_end& end) {
  attempt_outcome result;
  result.timed_out = end.why == reason::timed_out;
  result.ended_well = end.why == reason::complete;
  result.unsent = end.unsent;
  result.unanswered = end.unanswered;
  if (end.why == reason::cancelled && decoder && end.http_status >= 200 && end.http_status < 300) {
    result.decoded.response = decoder->partial();
    note_received(result, *result.decoded.response);
    return result;
  }
  if (decoder) {
    result.had_content = decoder->has_content();
    if (end.why == reason::complete || !result.had_content || end.why == reason::dropped)
      result.decoded = decoder->finish(end.why != reason::complete);
  }
  if (end.why != reason::complete && !result.decoded.response && !result.decoded.error) {
    vendor_error error;
    error.http_status = end.http_status;
    error.message = end.detail;
    error.retryable = end.why != reason::too_large && end.why != reason::cancelled;
    result.decoded.error = std::move(error);
  }
  if (!result.decoded.response && !result.decoded.error)
    result.decoded.error = vendor_error{end.http_status, "", "the answer was empty", true, {}, {}};
  if (!result.decoded.error) {
    note_received(result, *result.decoded.response);
    return result;
  }
  auto& error = *result.decoded.error;
  if (!error.retry_after)
    error.retry_after = end.retry_after;
  // An error that came inside an answer was no failure to connect.
  if (error.http_status == 0)
    error.http_status = end.http_status;
  if (decoder)
    note_received(result, decoder->partial());
  return result;
}

usage_row usage_of(const sent_request& request, const attempt_outcome& outcome) {
  usage_row row;
  row.at = request.at;
  row.outcome = outcome_name(request, outcome);
  row.model = request.model.id;
  row.provider = request.model.provider;
  row.vendor_id = outcome.vendor_id;
  if (row.outcome == usage_outcome::unsent || row.outcome == usage_outcome::refused)
    return row;
  row.tokens = billed(outcome.spent, request.model.cache_lifetime);
  row.estimated = row.outcome != usage_outcome::answered || !is_told(outcome.spent);
  if (!row.estimated)
    return row;
  if (outcome.spent.input_tokens <= 0)
    row.tokens.input = request.tokens;
  row.tokens.output = std::max(row.tokens.output, outcome.received_tokens);
  return row;
}

usage_row usage_of_unanswered(const sent_request& request) {
  usage_row row;
  row.at = request.at;
  row.outcome = usage_outcome::broken;
  row.model = request.model.id;
  row.provider = request.model.provider;
  row.tokens.input = request.tokens;
  row.estimated = true;
  return row;
}

} // namespace varro
