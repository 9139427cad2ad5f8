// What an event stream is on the wire: its head, and its events. Any thread.
#pragma once

#include "render/presenter.hpp"

#include <string>

namespace varro {

// "id: 17\nevent: content\ndata: …\n\n": one data line per line, CR and CR LF count as line ends. No id line for id 0.
std::string frame_event(const stream_event& event);

// What comes before the first event.
const std::string& stream_head();

// The whole answer to who asks for one stream too many.
const std::string& too_many_streams(bool is_program);

} // namespace varro
