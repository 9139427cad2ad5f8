// The step between a chat's session and its viewers: what the session tells becomes events, once for all viewers.
//
// It runs on the scheduler, because making HTML may wait for Markdown, for which neither the I/O thread nor the session
// shall. Everything that a chat's viewers get passes through its presenter in the order in which the session told it,
// so that a replay followed by what comes after is as gapless as the session made it.
#pragma once

#include "actors/interfaces.hpp"
#include "http/type_ids.hpp"
#include "render/presenter.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace varro {

// Where the events go; http_gateway is one.
using event_sink_actor = caf::typed_actor<
  // The events that a viewer has not seen; `follow`: the run goes on, else the stream ends after them.
  caf::reacts_to<replay_atom, uint64_t /*viewer*/, std::vector<stream_event>, bool /*follow*/>,
  // Further events for every viewer of the chat that follows; after `done` their streams end.
  caf::reacts_to<publish_atom, int64_t /*chat*/, std::vector<stream_event>>>;

// Who watches one run as a response of Open Responses; http_gateway takes them.
using response_viewers_actor = caf::typed_actor<
  // Takes over a connected socket whose request asked for this response; `after`: the seq before its message. `fields`:
  // further lines of the answer's head.
  caf::reacts_to<adopt_atom, response_view, int /*fd*/, int64_t /*after*/, viewed_chat_actor, std::string /*login*/,
                 std::string /*request's id*/, std::string /*fields*/>>;

struct chat_presenter_state {
  static inline const char* name = "chat_presenter";

  int64_t chat = 0;
  presenter_source source;
  event_sink_actor sink;
  // Has passed the rows of the newest turn; null while nobody can follow, since what is told then is in the replay of
  // whoever comes.
  std::unique_ptr<presenter> live;
};

// Ends by an exit message, or when nobody holds it any more.
chat_presenter_actor::behavior_type chat_presenter(chat_presenter_actor::stateful_pointer<chat_presenter_state> self,
                                                   int64_t chat, presenter_source source, event_sink_actor sink);

} // namespace varro
