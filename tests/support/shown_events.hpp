// What a page shows of what a session tells.
#pragma once

#include "actors/messages.hpp"
#include "actors/transcript.hpp"
#include "render/presenter.hpp"

#include <memory>
#include <string>
#include <vector>

namespace varro::test {

inline std::vector<stream_event> html_events(const chat_replay& unseen) {
  html_presenter fresh{unseen.history.chat.id, unseen.history.alternatives};
  return events_of(fresh, unseen);
}

// What a viewer who has seen `after` gets.
inline std::vector<stream_event> events_after(const transcript& history, int64_t after) {
  return html_events(history.replay_after(after));
}

// Of who has looked from the beginning of this chat's newest turn on.
inline std::unique_ptr<presenter> live_presenter(const chat_contents& contents) {
  return presenter_after(transcript{contents}.replay_after(0), html_presenters());
}

inline std::vector<block> blocks_of(const transcript_view& page) {
  return render_chat(page.history);
}

inline std::string user_block_of(const turn_started& turn) {
  block_renderer renderer{turn.chat.id, {{turn.run_id, turn.alternatives}}};
  std::string html;
  for (const auto& each : renderer.render(turn.row))
    html += each.html.str();
  return html;
}

} // namespace varro::test
