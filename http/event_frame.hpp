// What an event stream is on the wire: its head, and its events. Any thread.
#pragma once

#include "render/presenter.hpp"

#include <string>
#include <string_view>

namespace varro {

// In whose form a stream is.
enum class stream_form {
  page,
  program,  // of /api
  response, // of /v1
  whole,    // the same, as one answer without events, which comes when it is complete
};

// "id: 17\nevent: content\ndata: …\n\n": one data line per line, CR and CR LF count as line ends. No id line for id 0,
// no event line for an event without a name. Of response_event::whole its data alone.
std::string frame_event(const stream_event& event);

// Nothing follows it.
bool ends_stream(const stream_event& event);

// What comes before the first event, with the id of the request (request_id.hpp; empty: none) and further fields, lines
// that end with CR LF.
std::string stream_head(stream_form form, std::string_view request_id, std::string_view fields = {});

// What tells a connection that somebody is there: a comment, or white space, which may stand before JSON.
const std::string& keep_alive_text(stream_form form);

// Answers who asks for one stream too many, and closes the socket. Does not wait.
void refuse_stream(int fd, stream_form form, std::string_view request_id);

} // namespace varro
