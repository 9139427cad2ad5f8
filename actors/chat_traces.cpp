#include "actors/chat_parts.hpp"
#include "actors/run_spans.hpp"

#include <utility>

namespace varro {

void begin_trace(chat_session_state& state, const run_record& run, const model_config& model) {
  auto origin = std::exchange(state.origin, {});
  const auto committing_since = std::exchange(state.committing_since, {});
  auto& traces = process_traces();
  if (!traces.wanted())
    return;
  const auto& chat = state.history.chat();
  traces.begin_run(
    {run.id, chat.id, chat.user_id, model.id, provider_words(model), attribute_text(model.name), run.resumes}, origin);
  state.queued_since = trace_clock::now();
  if (committing_since == trace_clock::time_point{}) // it is taken up again: nobody has just asked for it
    return;
  const auto accepted = new_span_id();
  span commit{span_name::commit, 0, accepted, committing_since, state.committed_at};
  commit.attributes.push_back({"varro.commit", "message"});
  traces.note(run.id, std::move(commit));
  const auto asked_at = origin.asked_at == trace_clock::time_point{} ? committing_since : origin.asked_at;
  traces.note(run.id, {span_name::accept, accepted, 0, asked_at, state.queued_since});
}

void trace_queue(chat_session_state& state, int64_t run) {
  process_traces().note(run, {span_name::queue, 0, 0, std::exchange(state.queued_since, {})});
}

void trace_publishing(int64_t run, trace_clock::time_point since) {
  process_traces().note(run, {span_name::publish, 0, 0, since});
}

void end_trace(const run_record& run) {
  process_traces().end_run(run.id, run.status, run.usage.input_tokens, run.usage.output_tokens);
}

} // namespace varro
