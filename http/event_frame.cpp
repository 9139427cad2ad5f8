#include "http/event_frame.hpp"

#include "http/api/problem.hpp"
#include "http/security_headers.hpp"

namespace varro {

const std::string& stream_head() {
  static const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                                  "X-Accel-Buffering: no\r\nConnection: close\r\n"
    + security_header_lines() + "\r\n";
  return head;
}

namespace {

std::string refused_stream(std::string_view type, const std::string& text) {
  return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: " + std::string{type}
  + "\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: " + std::to_string(text.size()) + "\r\n"
    + security_header_lines() + "\r\n" + text;
}

} // namespace

const std::string& too_many_streams(bool is_program) {
  static const std::string words = "Too many event streams are open. Try again in a moment.";
  static const std::string page = refused_stream("text/plain; charset=utf-8", words + "\n");
  static const std::string program = refused_stream(problem_type, problem_text(503, words, {}));
  return is_program ? program : page;
}

std::string frame_event(const stream_event& event) {
  std::string out;
  out.reserve(event.data.size() + event.event.size() + 48);
  if (event.id > 0)
    out += "id: " + std::to_string(event.id) + "\n";
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
