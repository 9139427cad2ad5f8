#include "http/chat_presenter.hpp"

#include "base/metrics.hpp"
#include "base/run_traces.hpp"

#include <chrono>
#include <utility>
#include <variant>

namespace varro {

namespace {

using pointer = chat_presenter_actor::stateful_pointer<chat_presenter_state>;

void replay(pointer self, uint64_t viewer, const chat_replay& unseen) {
  auto& state = self->state;
  auto fresh = state.source(state.chat, unseen.history.alternatives);
  auto events = events_of(*fresh, unseen);
  // Also where there is one: the session may be another than the one that told of the rows which that one has seen.
  state.live = unseen.follow ? presenter_after(unseen, state.source) : nullptr;
  self->send(state.sink, replay_atom_v, viewer, std::move(events), unseen.follow);
}

void publish(pointer self, const chat_event& event) {
  auto& state = self->state;
  if (!state.live)
    return;
  const auto begin = std::chrono::steady_clock::now();
  auto events = state.live->show(event);
  if (std::holds_alternative<message_row>(event))
    process_metrics().note_rendering(std::chrono::steady_clock::now() - begin);
  if (!events.empty())
    self->send(state.sink, publish_atom_v, state.chat, std::move(events));
  if (const auto* row = std::get_if<message_row>(&event))
    process_traces().note(row->run_id, {span_name::render, 0, 0, begin});
  if (std::holds_alternative<stream_over>(event))
    state.live.reset();
}

} // namespace

chat_presenter_actor::behavior_type chat_presenter(pointer self, int64_t chat, presenter_source source,
                                                   event_sink_actor sink) {
  auto& state = self->state;
  state.chat = chat;
  state.source = std::move(source);
  state.sink = std::move(sink);
  return {
    [self](replay_atom, uint64_t viewer, const chat_replay& unseen) { replay(self, viewer, unseen); },
    [self](publish_atom, const chat_event& event) { publish(self, event); },
    [](flush_atom) { return done_atom_v; },
  };
}

} // namespace varro
