#include "actors/model_client.hpp"

#include "models/offline.hpp"

namespace varro {

namespace {

using self_pointer = model_client_actor::stateful_pointer<model_client_state>;

// What the callbacks of one attempt share. Only the transport's thread touches it.
struct attempt {
  const model_provider* provider;
  model_query query;
  std::unique_ptr<response_decoder> decoder;
};

attempt_outcome conclude(attempt& a, const transport_end& end) {
  using reason = transport_end::reason;
  attempt_outcome result;
  result.timed_out = end.why == reason::timed_out;
  if (end.why == reason::cancelled && a.decoder && end.http_status >= 200 && end.http_status < 300) {
    result.decoded.response = a.decoder->partial();
    return result;
  }
  if (a.decoder) {
    result.had_content = a.decoder->has_content();
    if (end.why == reason::complete || !result.had_content || end.why == reason::dropped)
      result.decoded = a.decoder->finish(end.why != reason::complete);
  }
  if (end.why != reason::complete && !result.decoded.response && !result.decoded.error) {
    vendor_error error;
    error.http_status = end.http_status;
    error.message = end.detail;
    error.retryable = end.why != reason::too_large && end.why != reason::cancelled;
    result.decoded.error = std::move(error);
  }
  if (!result.decoded.response && !result.decoded.error)
    result.decoded.error = vendor_error{end.http_status, "", "the answer was empty", true, {}};
  if (result.decoded.error && !result.decoded.error->retry_after)
    result.decoded.error->retry_after = end.retry_after;
  return result;
}

transport_limits limits_of(const model_client_config& settings) {
  transport_limits limits;
  limits.connect_max = settings.connect_max;
  limits.first_byte_max = settings.first_byte_max;
  limits.silence_max = settings.silence_max;
  limits.response_bytes_max = settings.response_bytes_max;
  return limits;
}

caf::error request_stopped() {
  return fail(errc::cancelled, "The request to the model was stopped.");
}

void give_up(self_pointer self, int64_t run, caf::error error) {
  auto& pending = self->state.pending;
  auto found = pending.find(run);
  if (found == pending.end())
    return;
  auto promise = std::move(found->second.promise);
  pending.erase(found);
  promise.deliver(std::move(error));
}

void start_attempt(self_pointer self, int64_t run) {
  auto& state = self->state;
  auto& entry = state.pending[run];
  auto request = entry.provider->encode(entry.query);
  if (!request) {
    give_up(self, run, request.error());
    return;
  }
  ++entry.attempts;
  entry.ticket = ++state.last_ticket;
  entry.in_flight = true;
  auto shared = std::make_shared<attempt>(attempt{entry.provider, entry.query, nullptr});
  transport_callbacks callbacks;
  callbacks.on_head = [shared](int status, std::string_view content_type) {
    shared->decoder = shared->provider->decoder(shared->query, status, content_type);
  };
  callbacks.on_bytes = [shared](std::string_view bytes) { shared->decoder->feed(bytes); };
  callbacks.on_end = [shared, run, ticket = entry.ticket, to = model_client_actor{self}](const transport_end& end) {
    auto result = std::make_shared<attempt_outcome>(conclude(*shared, end));
    caf::anon_send(to, ended_atom_v, run, ticket, attempt_result{std::move(result)});
  };
  entry.request = state.transport->start(std::move(*request), limits_of(state.settings->model_client), callbacks);
}

void on_ended(self_pointer self, int64_t run, int64_t ticket, const attempt_outcome& outcome) {
  auto& state = self->state;
  auto found = state.pending.find(run);
  if (found == state.pending.end() || found->second.ticket != ticket)
    return;
  auto& entry = found->second;
  entry.in_flight = false;
  if (outcome.decoded.response) {
    auto promise = std::move(entry.promise);
    auto response = *outcome.decoded.response;
    state.pending.erase(found);
    promise.deliver(std::move(response));
    return;
  }
  if (entry.cancelled) {
    give_up(self, run, request_stopped());
    return;
  }
  const auto& limits = state.settings->model_client;
  const auto& wait = outcome.decoded.error->retry_after;
  bool patient = !wait || *wait <= limits.retry_after_max;
  if (!is_retryable(outcome) || entry.attempts > limits.retries_max || !patient) {
    give_up(self, run, describe_failure(entry.query.model, outcome, entry.attempts));
    return;
  }
  auto jitter = std::uniform_real_distribution<>{0.0, 1.0}(state.random);
  auto pause = std::max(backoff(limits, entry.attempts, jitter), wait.value_or(std::chrono::milliseconds{0}));
  self->delayed_send(model_client_actor{self}, pause, retry_atom_v, run, ticket);
}

} // namespace

std::chrono::milliseconds backoff(const model_client_config& limits, int attempts, double jitter) {
  auto exponent = std::clamp(attempts - 1, 0, 20);
  auto ceiling = std::min<double>(limits.backoff_max.count(), limits.backoff_first.count() * double(1 << exponent));
  // "Equal jitter": at least half of the ceiling, so that a vendor in trouble is never asked again at once.
  return std::chrono::milliseconds{static_cast<int64_t>(ceiling * (0.5 + 0.5 * jitter))};
}

bool is_retryable(const attempt_outcome& outcome) {
  if (outcome.had_content || !outcome.decoded.error)
    return false;
  const auto& error = *outcome.decoded.error;
  auto status = error.http_status;
  if (status == 0 || (status >= 200 && status < 300))
    return error.retryable;
  // Some are final whatever their status says: an account without credit answers 429.
  return error.retryable && (status == 408 || status == 409 || status == 429 || status >= 500);
}

caf::error describe_failure(const model_config& model, const attempt_outcome& outcome, int attempts) {
  const auto& error = *outcome.decoded.error;
  auto words = error.message; // the decoders took the key out of it
  auto tries = attempts > 1 ? " (tried " + std::to_string(attempts) + " times)" : std::string{};
  auto who = model.provider + " (" + model.name + ")";
  if (outcome.timed_out)
    return fail(errc::model_unreachable, who + " did not answer in time" + tries + ": " + words);
  if (outcome.had_content)
    return fail(errc::model_unreachable, who + " broke off in the middle of its answer: " + words);
  if (error.http_status == 0)
    return fail(errc::model_unreachable, who + " could not be reached" + tries + ": " + words);
  if (error.http_status >= 200 && error.http_status < 300)
    return fail(error.retryable ? errc::model_unreachable : errc::model_malformed,
                who + " reported an error" + tries + ": " + words);
  auto code = error.http_status == 429 || error.http_status >= 500 ? errc::model_unreachable : errc::model_rejected;
  auto verb = code == errc::model_rejected ? " refused the request" : " is unavailable";
  if (error.http_status == 401 || error.http_status == 403)
    words += " Check the API key that is configured for " + model.provider + ".";
  return fail(code,
              who + verb + tries + ": HTTP " + std::to_string(error.http_status) + (words.empty() ? "" : ", " + words));
}

model_client_actor::behavior_type model_client(self_pointer self, std::shared_ptr<const config> settings,
                                               std::shared_ptr<http_transport> transport) {
  self->state.settings = std::move(settings);
  self->state.transport = std::move(transport);
  return {
    [=](ask_atom, int64_t run, const model_query& query) -> caf::result<model_response> {
      if (query.model.kind == provider_kind::offline)
        return offline_answer(query);
      if (self->state.pending.count(run) != 0)
        return fail(errc::invalid_input, "this run has a model request already");
      pending_query entry;
      entry.query = query;
      entry.promise = self->make_response_promise<model_response>();
      entry.provider = &provider_for(query.model.kind);
      auto promise = entry.promise;
      self->state.pending.emplace(run, std::move(entry));
      start_attempt(self, run);
      return promise;
    },
    [=](cancel_atom, int64_t run) {
      auto found = self->state.pending.find(run);
      if (found == self->state.pending.end())
        return;
      if (!found->second.in_flight) {
        give_up(self, run, request_stopped());
        return;
      }
      // Its end follows at once, with what was received and used until now.
      found->second.cancelled = true;
      self->state.transport->cancel(found->second.request);
    },
    [=](retry_atom, int64_t run, int64_t ticket) {
      auto found = self->state.pending.find(run);
      if (found != self->state.pending.end() && found->second.ticket == ticket)
        start_attempt(self, run);
    },
    [=](ended_atom, int64_t run, int64_t ticket, const attempt_result& outcome) {
      on_ended(self, run, ticket, *outcome);
    },
  };
}

} // namespace varro
