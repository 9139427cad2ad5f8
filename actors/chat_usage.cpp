#include "actors/chat_parts.hpp"
#include "actors/usage_log.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace varro {

namespace {

// Their message may not be there, so that they stand for themselves.
void owe(chat_session_state& state, std::vector<usage_row> rows) {
  for (auto& row : rows) {
    row.seq = 0;
    state.owed_usage.push_back(std::move(row));
  }
}

// The model may be gone from the configuration since the run began.
model_config model_of_run(const chat_session_state& state) {
  if (auto model = model_for(state, ""))
    return std::move(*model);
  model_config gone;
  gone.id = state.history.chat().model;
  gone.provider = gone.id.substr(0, gone.id.find(':'));
  gone.kind = provider_kind::openai; // any that has a wire
  return gone;
}

} // namespace

std::shared_ptr<const price_table> prices_of(const chat_session_state& state) {
  const auto settings = state.services.settings_now();
  return {settings, &settings->prices};
}

void write(chat_session_pointer self, write_batch batch, const continuation& then, const error_handler& otherwise) {
  auto& state = self->state;
  const bool ours = batch.chat_id == state.history.chat().id; // a fork's batch is another chat's
  if (ours)
    std::ranges::move(std::exchange(state.owed_usage, {}), std::back_inserter(batch.usage));
  auto usage = batch.usage;
  self->request(state.services.store, caf::infinite, commit_atom_v, std::move(batch))
    .then(
      [=](done_atom) {
        then();
        note_size(self);
      },
      [=, usage = std::move(usage)](caf::error& error) {
        owe(self->state, usage);
        otherwise(error);
      });
}

void note_usage(chat_session_pointer self, std::vector<usage_row> rows) {
  if (rows.empty())
    return;
  self->request(self->state.services.store, caf::infinite, usage_atom_v, rows)
    .then([](done_atom) {},
          [=](caf::error& error) {
            log(log_level::error, "what a request used could not be noted yet: " + text_of(error));
            owe(self->state, rows);
          });
}

void note_request(chat_session_pointer self, int64_t run, std::vector<usage_row> rows) {
  const auto& state = self->state;
  note_usage(self, charged(std::move(rows), {state.history.chat(), run, *prices_of(state)}));
}

std::vector<usage_row> usage_of_halted_run(const chat_session_state& state, const std::vector<open_call>& calls,
                                           const char* outcome) {
  if (state.turn.waits() || state.halted_while_waiting)
    return {};
  return usage_under_way(state.history, calls, model_of_run(state), outcome, *prices_of(state));
}

void log_run(const chat_session_state& state, const run_record& run, std::string_view what) {
  const auto& chat = state.history.chat();
  log_about about{"", chat.user_id, chat.id, run.id, {{"status", run.status}}};
  if (run.ended_at != 0) {
    constexpr int64_t us_per_ms = 1'000;
    about.more.emplace_back("ms", std::to_string((run.ended_at - run.started_at) / us_per_ms));
    about.more.emplace_back("model_requests", std::to_string(run.model_requests));
  }
  log(log_level::info, what, about);
}

void measure_node(chat_session_state& state, std::chrono::steady_clock::time_point finished_at) {
  const auto now = std::chrono::steady_clock::now();
  process_metrics().note_node(now - finished_at);
  if (auto asked_at = std::exchange(state.asked_at, std::nullopt))
    process_metrics().note_first_node(now - *asked_at);
}

} // namespace varro
