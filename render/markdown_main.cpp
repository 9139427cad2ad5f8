// varro-markdown: formats Markdown that may be hostile. Started by `varro serve` (bounded_markdown.hpp).
//
// Requests come on descriptor 0, answers go there too (markdown_frames.hpp), one after the other; it ends at the end of
// its input. It can do nothing but compute (shell/confine.hpp), in bounded memory; who asks watches its time. It keeps
// nothing from one text for the next.
#include "render/bounded_markdown.hpp"
#include "render/markdown_frames.hpp"
#include "shell/companion_frames.hpp"
#include "shell/confine.hpp"

#include <csignal>
#include <cstdio>
#include <exception>

namespace {

using namespace varro;

constexpr int peer = 0;

int serve() {
  markdown_request_head request;
  if (!write_within(peer, view_of(markdown_answer_head{}), no_deadline))
    return 1;
  while (read_within(peer, &request, sizeof request, no_deadline)) {
    if (request.mark != markdown_request_head{}.mark || request.bytes > markdown_bytes_max)
      return 1;
    std::string text(request.bytes, '\0');
    if (!read_within(peer, text.data(), text.size(), no_deadline))
      return 1;
    auto html = markdown_to_html(text, request.chat_id).str();
    markdown_answer_head answer;
    answer.is_too_large = html.size() > request.html_bytes_max;
    if (answer.is_too_large)
      html.clear();
    answer.bytes = static_cast<uint32_t>(html.size());
    if (!write_within(peer, view_of(answer), no_deadline) || !write_within(peer, html, no_deadline))
      return 1;
  }
  return 0;
}

} // namespace

int main() {
  std::signal(SIGPIPE, SIG_IGN);
  markdown_to_html("*The parser makes its tables.*");
  if (!give_up_privileges() || !confine({memory_can_be_limited ? markdown_memory_max : 0, 0})) {
    std::perror("varro-markdown: privileges cannot be given up");
    return 1;
  }
  try {
    return serve();
  } catch (const std::exception&) { // no memory for it
    return 1;
  }
}
