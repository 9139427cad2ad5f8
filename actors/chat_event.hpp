// What a chat's session tells those who show the chat. Values, never HTML: presenters (render/presenter.hpp) make of
// them what a client reads.
//
// Messages are shared (message_row::content), so a copy of any of these copies no message. No actor is named here; any
// thread.
#pragma once

#include "storage/records.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace varro {

// What the run is doing, in words for people: "Thinking…", "Running tools…".
struct run_phase {
  std::string text;
};

// The history has how this run ended. REQUIRES: run.end_seq is not 0.
struct run_ended {
  run_record run;
};

// Nothing follows until another turn begins: streams end. Of a chat that was deleted the run has only its chat_id and
// its status.
struct stream_over {
  run_record run;
  std::string unstored = {}; // why the history does not have this end; empty: it does
};

// In the order in which a session tells them: what was committed, and what its run is doing.
using chat_event = std::variant<message_row, run_ended, run_phase, stream_over>;

// What a viewer has not seen, as of a moment: what the session tells after it follows without a gap.
struct chat_replay {
  int64_t after = 0;              // seq of the newest thing that the viewer has seen
  chat_contents history;          // whole turns, from that of `after` on; without snapshots and prefix
  std::optional<run_phase> phase; // of the run that is on
  std::optional<stream_over> over;
  bool follow = false; // a run is on, so more is told; else the stream ends after this
};

// Everything that a page shows of a chat; of one that its first message has yet to create, only the id (created_at is
// 0).
struct transcript_view {
  chat_contents history; // without snapshots and prefix
  int64_t last_seq = 0;  // of what is shown
  bool running = false;
  std::string progress;    // of the run that is on
  std::string notice;      // what the user should know about the chat's files; may be empty
  bool old_prefix = false; // the chat began with other instructions or tools than one that begins now
};

} // namespace varro
