#include "actors/model_client.hpp"

#include "actors/model_attempt.hpp"
#include "actors/model_failures.hpp"
#include "actors/run_spans.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "models/anthropic.hpp"
#include "models/history.hpp"
#include "models/offline/offline.hpp"
#include "models/openai_models.hpp"

#include <algorithm>
#include <limits>

namespace varro {

namespace {

using self_pointer = model_client_actor::stateful_pointer<model_client_state>;

// What the callbacks of one attempt share. Only the transport's thread touches it.
struct attempt {
  const model_provider* provider;
  model_query query;
  std::unique_ptr<response_decoder> decoder;
};

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

// What an attempt used is told before the answer, so that the run's usage holds it whatever comes.
void tell_used(self_pointer self, int64_t run, const pending_query& entry, const attempt_outcome& outcome,
               bool is_answer) {
  const sent_request sent{entry.sent.model, entry.sent_at, entry.fitted.tokens, entry.cancelled};
  for (int i = 0; entry.asker && i < outcome.unanswered; ++i)
    self->send(entry.asker, usage_atom_v, usage_of_unanswered(sent), token_usage{});
  auto row = usage_of(sent, outcome);
  // It is asked for again: nobody gets what came.
  if (!is_answer && row.outcome == usage_outcome::answered)
    row.outcome = usage_outcome::broken;
  process_metrics().note_model_request(entry.sent.model.provider, row.outcome,
                                       std::chrono::microseconds{now_us() - entry.sent_at});
  note_attempt(run, entry.query.trace_span, entry.traced, row, entry.attempts);
  if (entry.asker)
    self->send(entry.asker, usage_atom_v, std::move(row), is_answer ? token_usage{} : outcome.spent);
}

// It was not the length of the request.
void forget_guess(model_client_state& state, const pending_query& entry) {
  if (entry.guessed_length)
    state.learned_estimates.erase({entry.query.model.id, entry.query.conversation_id});
}

void give_up(self_pointer self, int64_t run, caf::error error) {
  auto& pending = self->state.pending;
  auto found = pending.find(run);
  if (found == pending.end())
    return;
  forget_guess(self->state, found->second);
  auto promise = std::move(found->second.promise);
  pending.erase(found);
  promise.deliver(std::move(error));
}

void start_attempt(self_pointer self, int64_t run) {
  auto& state = self->state;
  auto& entry = state.pending[run];
  auto request = entry.provider->encode(entry.sent);
  if (!request) {
    give_up(self, run, request.error());
    return;
  }
  ++entry.attempts;
  entry.ticket = ++state.last_ticket;
  entry.in_flight = true;
  entry.sent_at = now_us();
  entry.traced = process_traces().open();
  auto shared = std::make_shared<attempt>(attempt{entry.provider, entry.sent, nullptr});
  transport_callbacks callbacks;
  callbacks.on_head = [shared](int status, std::string_view content_type) {
    shared->decoder = shared->provider->decoder(shared->query, status, content_type);
  };
  callbacks.on_bytes = [shared](std::string_view bytes) { shared->decoder->feed(bytes); };
  callbacks.on_end = [shared, run, ticket = entry.ticket, to = model_client_actor{self}](const transport_end& end) {
    auto result = std::make_shared<attempt_outcome>(conclude(shared->decoder.get(), end));
    caf::anon_send(to, ended_atom_v, run, ticket, attempt_result{std::move(result)});
  };
  entry.request = state.transport->start(std::move(*request), limits_of(state.settings->model_client), callbacks);
}

int64_t files_in(const message_list& history);
void prepare(self_pointer self, int64_t run);

// What is too large may be the newest turn's own pictures.
void leave_pictures_or_give_up(self_pointer self, int64_t run) {
  auto& entry = self->state.pending[run];
  if (entry.sent.without_pictures || files_in(entry.sent.history) == 0) {
    give_up(self, run, entry.refusal);
    return;
  }
  entry.query.without_pictures = true;
  entry.refused_tokens = 0;
  prepare(self, run);
}

// Its pictures fit the model; now the rest.
void fit_and_start(self_pointer self, int64_t run) {
  auto& state = self->state;
  auto& entry = state.pending[run];
  constexpr auto unlimited = std::numeric_limits<int64_t>::max() / 8;
  const auto learned = state.learned_estimates.find({entry.query.model.id, entry.query.conversation_id});
  entry.fitted = fit_context(entry.sent, entry.tokens_max > 0 ? entry.tokens_max : unlimited,
                             learned == state.learned_estimates.end() ? 0 : learned->second);
  if (entry.refused_tokens > 0 && entry.fitted.tokens >= entry.refused_tokens) { // no words could be left out
    leave_pictures_or_give_up(self, run);
    return;
  }
  entry.sent.history = entry.fitted.history;
  // Such a request cannot say that thinking which no longer matches what stands before it shall be dropped.
  if (entry.sent.history != entry.query.history && anthropic::binds_without_controls(entry.sent.model))
    entry.sent.without_thinking = true;
  entry.provider = &provider_for(entry.sent.model.kind);
  start_attempt(self, run);
}

// Makes what is sent out of what was asked.
void prepare(self_pointer self, int64_t run) {
  auto& state = self->state;
  auto& entry = state.pending[run];
  entry.sent = entry.query;
  entry.sent.history = without_refused(entry.query.history);
  if (!state.pictures || entry.sent.without_pictures) {
    fit_and_start(self, run);
    return;
  }
  auto go_on = [=, ticket = entry.ticket = ++state.last_ticket](message_list fitted) {
    auto found = self->state.pending.find(run);
    if (found == self->state.pending.end() || found->second.ticket != ticket)
      return; // stopped meanwhile
    // What nobody could look at may be what the vendor refuses: it is told in words.
    found->second.sent.without_pictures = !fitted;
    if (fitted)
      found->second.sent.history = std::move(fitted);
    fit_and_start(self, run);
  };
  self->request(state.pictures, caf::infinite, fit_atom_v, entry.sent.history, picture_limits_of(entry.sent.model))
    .then([=](const message_list& fitted) { go_on(fitted); },
          [=](const caf::error& error) {
            log(log_level::error, "pictures could not be fitted to a model: " + text_of(error));
            go_on(nullptr);
          });
}

int64_t files_in(const message_list& history) {
  int64_t files = 0;
  for (const message& content : *history) {
    const auto* request = std::get_if<model_request>(&content);
    for (size_t i = 0; request && i < request->parts.size(); ++i) {
      if (const auto* result = std::get_if<tool_return_part>(&request->parts[i]); result && result->content.is_array())
        files += static_cast<int64_t>(split_tool_content(result->content).files.size());
      const auto* prompt = std::get_if<user_prompt_part>(&request->parts[i]);
      if (const auto* items = prompt ? std::get_if<std::vector<user_content>>(&prompt->content) : nullptr)
        files += std::count_if(items->begin(), items->end(), [](const user_content& item) {
          return !std::holds_alternative<std::string>(item) && !std::holds_alternative<text_content>(item);
        });
    }
  }
  return files;
}

// The wire that answered is the one to begin with.
void learn_kind(model_client_state& state, const pending_query& entry) {
  if (entry.query.model.kind == entry.usual_kind)
    state.learned_kinds.erase(entry.query.model.id);
  else
    state.learned_kinds[entry.query.model.id] = entry.query.model.kind;
}

void deliver(self_pointer self, int64_t run, model_response response) {
  auto found = self->state.pending.find(run);
  auto& entry = found->second;
  auto without = entry.fitted.without;
  if (entry.sent.without_pictures)
    without.pictures += files_in(entry.sent.history);
  note_left_out(without, entry.fitted.tokens, told_left_out(*entry.query.history), response.metadata);
  learn_kind(self->state, entry);
  auto promise = std::move(entry.promise);
  self->state.pending.erase(found);
  promise.deliver(std::move(response));
}

// Our count may be far from the vendor's: what was sent was too much, whatever we took it for.
void learn_length(model_client_state& state, pending_query& entry, const vendor_error& error) {
  const auto& model = entry.query.model;
  if (state.learned_estimates.size() >= learned_estimates_max)
    state.learned_estimates.clear();
  state.learned_estimates[{model.id, entry.query.conversation_id}] = shorter_than(entry.fitted.tokens, error.message);
  if (const auto told = context_limit_told(error.message)) {
    state.learned_limits[model.id] = *told;
    entry.tokens_max = entry.tokens_max > 0 ? std::min(entry.tokens_max, *told) : *told;
  }
}

// What the refusal asks for. Vendors have many words for a picture or document that they do not take, and for a history
// that is too long; what is refused for ever would end the chat, so words that nobody knows are taken for the one, and
// then for the other.
vendor_error::remedy remedy_for(pending_query& entry, const vendor_error& error) {
  const bool unknown = error.needs == vendor_error::remedy::none
    && (error.http_status == 400 || error.http_status == 415 || error.http_status == 422);
  if (!unknown)
    return error.needs;
  if (!entry.sent.without_pictures && files_in(entry.sent.history) != 0)
    return vendor_error::remedy::no_pictures;
  if (entry.guessed_length || entry.fitted.tokens < guessed_length_min || entry.shortenings > 0)
    return error.needs;
  entry.guessed_length = true;
  return vendor_error::remedy::shorter;
}

// Asks once more in the way that the refusal names. False when there is no such way, or it was tried.
bool mend(self_pointer self, int64_t run, const vendor_error& error, const caf::error& failure) {
  auto& state = self->state;
  auto& entry = state.pending[run];
  const bool too_long = error.needs == vendor_error::remedy::shorter;
  if (too_long)
    learn_length(state, entry, error);
  const bool again = too_long && ++entry.shortenings <= shortenings_max;
  if (error.needs == vendor_error::remedy::none || (!entry.remedies.insert(error.needs).second && !again))
    return false;
  entry.refused_tokens = too_long ? entry.fitted.tokens : 0;
  entry.refusal = failure;
  auto query = remedied(entry.query, error);
  if (!query)
    return false;
  if (error.needs == vendor_error::remedy::no_stream)
    state.without_streams.insert(query->model.id);
  if (query->without_summary)
    state.without_summaries.insert(query->model.provider);
  entry.query = std::move(*query);
  prepare(self, run);
  return true;
}

void pause_and_retry(self_pointer self, int64_t run, std::chrono::milliseconds at_least) {
  auto& state = self->state;
  auto& entry = state.pending[run];
  auto jitter = std::uniform_real_distribution<>{0.0, 1.0}(state.random);
  auto pause = std::max(backoff(state.settings->model_client, entry.attempts, jitter), at_least);
  self->delayed_send(model_client_actor{self}, pause, retry_atom_v, run, entry.ticket);
}

// An answer that stopped without a sign of its end may have been cut off, by a proxy for example.
bool is_asked_again(model_client_state& state, pending_query& entry, const attempt_outcome& outcome) {
  const auto& model = entry.query.model.id;
  if (entry.cancelled)
    return false;
  if (!outcome.decoded.unmarked_end) {
    state.without_end_marks.erase(model);
    return false;
  }
  if (++entry.unmarked_ends > 1)
    state.without_end_marks.insert(model);
  return state.without_end_marks.count(model) == 0 && entry.attempts <= state.settings->model_client.retries_max;
}

void on_ended(self_pointer self, int64_t run, int64_t ticket, const attempt_outcome& outcome) {
  auto& state = self->state;
  auto found = state.pending.find(run);
  if (found == state.pending.end() || found->second.ticket != ticket)
    return;
  auto& entry = found->second;
  entry.in_flight = false;
  if (const auto& response = outcome.decoded.response) {
    const bool again = is_asked_again(state, entry, outcome);
    tell_used(self, run, entry, outcome, !again);
    if (!again) {
      deliver(self, run, *response);
      return;
    }
    pause_and_retry(self, run, {});
    return;
  }
  tell_used(self, run, entry, outcome, false);
  entry.timeouts += outcome.timed_out ? 1 : 0;
  if (entry.cancelled) {
    give_up(self, run, request_stopped());
    return;
  }
  const auto failure = describe_failure(entry.query.model, outcome, entry.attempts);
  auto refusal = *outcome.decoded.error;
  refusal.needs = remedy_for(entry, refusal);
  if (mend(self, run, refusal, failure))
    return;
  const auto& limits = state.settings->model_client;
  const auto& wait = outcome.decoded.error->retry_after;
  bool patient = !wait || *wait <= limits.retry_after_max;
  if (!is_retryable(outcome) || entry.attempts > limits.retries_max || entry.timeouts > limits.timeouts_max
      || !patient) {
    give_up(self, run, failure);
    return;
  }
  pause_and_retry(self, run, wait.value_or(std::chrono::milliseconds{0}));
}

void take_configuration(model_client_state& state) {
  auto now = state.in_force->now();
  if (now == state.settings)
    return;
  state.settings = std::move(now);
  state.learned_kinds.clear();
  state.learned_limits.clear();
  state.learned_estimates.clear();
  state.without_end_marks.clear();
  state.without_streams.clear();
  state.without_summaries.clear();
}

} // namespace

model_client_actor::behavior_type model_client(self_pointer self, std::shared_ptr<const config_in_force> in_force,
                                               std::shared_ptr<http_transport> transport,
                                               picture_scaler_actor pictures) {
  self->state.pictures = std::move(pictures);
  self->state.in_force = std::move(in_force);
  self->state.settings = self->state.in_force->now();
  self->state.transport = std::move(transport);
  return {
    [=](ask_atom, int64_t run, const model_query& query) -> caf::result<model_response> {
      if (query.model.kind == provider_kind::offline)
        return offline_answer(query);
      if (self->state.pending.count(run) != 0)
        return fail(errc::invalid_input, "this run has a model request already");
      take_configuration(self->state);
      pending_query entry;
      entry.query = query;
      entry.usual_kind = wire_of(query.model);
      entry.query.model.kind = entry.usual_kind;
      if (auto learned = self->state.learned_kinds.find(query.model.id); learned != self->state.learned_kinds.end()) {
        entry.query.model.kind = learned->second;
        entry.query.model.either_openai_api = true; // back, when that is refused by now
      }
      if (self->state.without_streams.count(query.model.id) > 0)
        ask_without_stream(entry.query);
      entry.query.without_summary = self->state.without_summaries.count(query.model.provider) > 0;
      entry.tokens_max = request_tokens_max(query.model);
      if (auto limit = self->state.learned_limits.find(query.model.id); limit != self->state.learned_limits.end())
        entry.tokens_max = entry.tokens_max > 0 ? std::min(entry.tokens_max, limit->second) : limit->second;
      entry.asker = caf::actor_cast<agent_run_actor>(self->current_sender());
      entry.promise = self->make_response_promise<model_response>();
      auto promise = entry.promise;
      self->state.pending.emplace(run, std::move(entry));
      prepare(self, run);
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
