// Nodes to blocks: one history row becomes zero or more HTML elements with stable ids.
//
// Pure functions, any thread, but for the Markdown, which a markdown_renderer formats. All text is untrusted.
#pragma once

#include "render/chat_path.hpp"
#include "render/html.hpp"
#include "render/markdown_renderer.hpp"
#include "render/shown_parts.hpp"
#include "storage/records.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro {

// One element as DESIGN.md promises it: id="m{seq}-p{part}", data-block, data-seq; tool calls also data-tool,
// data-call-id and data-state. `id` repeats the element's id: a later block with the same id replaces it.
struct block {
  int64_t seq = 0; // of the newest message that this block shows: the event's id
  std::string id;
  varro::html::markup
    html; // no newline outside <pre> is significant; may contain newlines (SSE framing is the gateway's)
};

// What rendering remembers of a run: the tool calls that wait for their return. Feed rows in order of seq.
class block_renderer {
public:
  // `alternatives` as in chat_contents: user messages offer them. `markdown` formats the prose; without one it is
  // formatted here, whatever that costs.
  explicit block_renderer(int64_t chat_id, std::map<int64_t, std::vector<int64_t>> alternatives = {},
                          std::shared_ptr<markdown_renderer> markdown = nullptr,
                          chat_audience audience = chat_audience::owner)
    : chat_id_(chat_id), alternatives_(std::move(alternatives)), prose_(chat_id, std::move(markdown)),
      audience_(audience) {}

  // The blocks that this row adds or replaces. A tool return replaces the block of its call: same element id, but seq
  // and data-seq are the return's.
  std::vector<block> render(const message_row& row);

  // The ErrorBlock that ended a run (run.end_seq, run.error), or nothing. Marks calls that still run as stopped.
  std::vector<block> render_end(const run_record& run);

  // The same of what is there already: nothing is rendered.
  void pass(const message_row& row) {
    walk_.pass(row);
  }
  void pass(const run_record& run) {
    walk_.pass(run);
  }

private:
  int64_t chat_id_;
  std::map<int64_t, std::vector<int64_t>> alternatives_;
  part_walk walk_;
  prose_writer prose_;
  chat_audience audience_;
};

// All blocks of a chat in order of first appearance, replaced ones already replaced.
std::vector<block> render_chat(const chat_contents& contents, std::shared_ptr<markdown_renderer> markdown = nullptr,
                               chat_audience audience = chat_audience::owner);

html::markup progress_indicator(std::string_view text); // "Thinking…", "Running tools…", "Restoring session…"

// Files of a message: attachment `n` of the message `seq` is served as /chat/{chat_id}/files/m{seq}-{n}.{ext}.
struct attachment_name {
  int64_t seq = 0;
  size_t index = 0;
};
// The files that a message carries, in the order of their numbers; a tool return's displays (cell_display_files()) come
// after its files. Links to other sites are not files and have no
// number.
std::vector<binary_content> attachments_of(const message& content);
std::string attachment_url(int64_t chat_id, int64_t seq, size_t index, std::string_view media_type,
                           chat_audience audience = chat_audience::owner);
std::optional<attachment_name> parse_attachment_name(std::string_view name);

} // namespace varro
