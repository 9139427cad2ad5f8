#include "http/event_frame.hpp"

#include "http/api/problem.hpp"
#include "http/security_headers.hpp"
#include "render/response_presenter.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace varro {

namespace {

std::string id_line(std::string_view request_id) {
  return request_id.empty() ? std::string{} : "X-Request-Id: " + std::string{request_id} + "\r\n";
}

std::string refused_stream(std::string_view type, const std::string& text, std::string_view request_id) {
  return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: " + std::string{type} + "\r\n" + id_line(request_id)
    + "Retry-After: 5\r\nConnection: close\r\nContent-Length: " + std::to_string(text.size()) + "\r\n"
    + security_header_lines() + "\r\n" + text;
}

std::string too_many_streams(stream_form form, std::string_view request_id) {
  static const std::string words = "Too many event streams are open. Try again in a moment.";
  if (form == stream_form::page)
    return refused_stream("text/plain; charset=utf-8", words + "\n", request_id);
  if (form == stream_form::program)
    return refused_stream(problem_type, problem_text(503, words, {}, request_id), request_id);
  return refused_stream(response_error_type, response_error_text(503, words), request_id);
}

} // namespace

std::string stream_head(stream_form form, std::string_view request_id, std::string_view fields) {
  const std::string type = form == stream_form::whole ? "application/json" : "text/event-stream";
  return "HTTP/1.1 200 OK\r\nContent-Type: " + type
    + "\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\nConnection: close\r\n" + id_line(request_id)
    + std::string{fields} + security_header_lines() + "\r\n";
}

const std::string& keep_alive_text(stream_form form) {
  // OpenAI's SDK of PyPI takes an empty line for the end of an event once one has had an id, and then reads no data as
  // JSON: its comment is a line and no more.
  static const std::string comment = ": keep-alive\n\n", line = ": keep-alive\n", blank = "\n";
  return form == stream_form::whole ? blank : form == stream_form::response ? line : comment;
}

void refuse_stream(int fd, stream_form form, std::string_view request_id) {
  const auto response = too_many_streams(form, request_id);
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
