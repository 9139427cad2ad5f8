#include "http/event_frame.hpp"

#include "http/api/problem.hpp"
#include "http/security_headers.hpp"
#include "render/response_presenter.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace varro {

namespace {

std::string ok_head(std::string_view type) {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + std::string{type}
  + "\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\nConnection: close\r\n" + security_header_lines() + "\r\n";
}

std::string refused_stream(std::string_view type, const std::string& text) {
  return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: " + std::string{type}
  + "\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: " + std::to_string(text.size()) + "\r\n"
    + security_header_lines() + "\r\n" + text;
}

const std::string& too_many_streams(stream_form form) {
  static const std::string words = "Too many event streams are open. Try again in a moment.";
  static const std::string page = refused_stream("text/plain; charset=utf-8", words + "\n");
  static const std::string program = refused_stream(problem_type, problem_text(503, words, {}));
  static const std::string response = refused_stream(response_error_type, response_error_text(503, words));
  return form == stream_form::page ? page : form == stream_form::program ? program : response;
}

} // namespace

const std::string& stream_head(stream_form form) {
  static const auto events = ok_head("text/event-stream");
  static const auto whole = ok_head("application/json");
  return form == stream_form::whole ? whole : events;
}

const std::string& keep_alive_text(stream_form form) {
  // OpenAI's SDK of PyPI takes an empty line for the end of an event once one has had an id, and then reads no data as
  // JSON: its comment is a line and no more.
  static const std::string comment = ": keep-alive\n\n", line = ": keep-alive\n", blank = "\n";
  return form == stream_form::whole ? blank : form == stream_form::response ? line : comment;
}

void refuse_stream(int fd, stream_form form) {
  const auto& response = too_many_streams(form);
  [[maybe_unused]] auto n = ::send(fd, response.data(), response.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(fd, SHUT_WR);
  ::close(fd);
}

bool ends_stream(const stream_event& event) {
  return event.event == "done" || event.event == response_event::whole || event.event == response_event::end;
}

std::string frame_event(const stream_event& event) {
  if (event.event == response_event::whole)
    return event.data;
  std::string out;
  out.reserve(event.data.size() + event.event.size() + 48);
  if (event.id > 0)
    out += "id: " + std::to_string(event.id) + "\n";
  if (!event.event.empty())
    out += "event: " + event.event + "\n";
  std::string_view rest = event.data;
  for (;;) {
    auto end = rest.find_first_of("\r\n");
    out += "data: ";
    out += rest.substr(0, end);
    out += '\n';
    if (end == std::string_view::npos)
      break;
    rest.remove_prefix(end + (rest.substr(end, 2) == "\r\n" ? 2 : 1));
  }
  out += '\n';
  return out;
}

} // namespace varro
