// Server-Sent Events as the WHATWG HTML standard reads them, incrementally.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace varro {

struct server_sent_event {
  std::string type; // the `event` field; empty when there was none
  std::string data; // the `data` lines joined by newlines
};

// Owns the unfinished line and event. Bytes may be cut anywhere, also inside a CRLF, the byte order mark or a
// character. Comments, `id` and `retry` are dropped. Not thread-safe. Never throws but for want of memory.
class event_stream_parser {
public:
  using sink = std::function<void(server_sent_event&&)>;

  // An event with more bytes than this (its data, its type, or one line of it) is an error: see too_large().
  static constexpr size_t event_bytes_max = 16u << 20;

  explicit event_stream_parser(sink on_event, size_t bytes_max = event_bytes_max);

  // Calls the sink for every event that these bytes complete. Does nothing once too_large().
  void feed(std::string_view bytes);

  // The stream ended. The standard drops an event without its empty line; several vendors close without sending it
  // after their last one, so a pending event is given out.
  void finish();

  bool too_large() const {
    return too_large_;
  }

private:
  void take_line(std::string_view line);
  void dispatch();

  sink on_event_;
  size_t bytes_max_;
  std::string line_; // the unfinished line
  server_sent_event event_;
  bool has_data_ = false;
  bool after_cr_ = false;
  bool at_start_ = true; // the byte order mark is looked for in the first line
  bool too_large_ = false;
};

} // namespace varro
