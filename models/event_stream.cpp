#include "models/event_stream.hpp"

#include <utility>

namespace varro {

event_stream_parser::event_stream_parser(sink on_event, size_t bytes_max)
  : on_event_(std::move(on_event)), bytes_max_(bytes_max) {}

void event_stream_parser::feed(std::string_view bytes) {
  while (!bytes.empty() && !too_large_) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const auto end = bytes.find_first_of("\r\n");
    const auto piece = bytes.substr(0, end);
    if (line_.size() + piece.size() > bytes_max_) {
      too_large_ = true;
      return;
    }
    if (end == std::string_view::npos) {
      line_.append(piece);
      return;
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      take_line(piece);
    } else {
      line_.append(piece);
      take_line(line_);
      line_.clear();
    }
  }
}

void event_stream_parser::finish() {
  if (too_large_)
    return;
  if (!line_.empty())
    take_line(std::exchange(line_, {}));
  dispatch();
}

void event_stream_parser::take_line(std::string_view line) {
  if (std::exchange(at_start_, false) && line.substr(0, 3) == "\xEF\xBB\xBF")
    line.remove_prefix(3);
  if (line.empty())
    return dispatch();
  const auto colon = line.find(':');
  if (colon == 0)
    return;
  const auto field = line.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ')
    value.remove_prefix(1);
  if (field == "event") {
    event_.type.assign(value);
  } else if (field == "data") {
    if (event_.data.size() + value.size() + 1 > bytes_max_) {
      too_large_ = true;
      return;
    }
    if (std::exchange(has_data_, true))
      event_.data += '\n';
    event_.data.append(value);
  }
}

void event_stream_parser::dispatch() {
  auto event = std::exchange(event_, {});
  if (std::exchange(has_data_, false))
    on_event_(std::move(event));
}

} // namespace varro
