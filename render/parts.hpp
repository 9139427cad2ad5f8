// Blocks out of parts: the templates that block_renderer puts in order. Pure functions, any thread.
#pragma once

#include "render/blocks.hpp"

namespace varro {

// Where a block stands and which of the message's files are its own.
struct block_place {
  int64_t chat_id = 0;
  int64_t seq = 0;               // of the newest message that the block shows
  std::string element_id;        // of the block; a tool return takes its call's
  size_t first_file = 0;         // number of the part's first file among the files of message `seq`
  prose_writer* prose = nullptr; // formats the block's Markdown; null: here, whatever that costs
  chat_audience audience = chat_audience::owner;

  html::markup html_of(std::string_view markdown) const {
    return prose ? prose->html(markdown) : markdown_to_html(markdown, chat_id);
  }
};

block text_block(const block_place& place, const text_part& part);
block thinking_block(const block_place& place, const thinking_part& part);
block compaction_block(const block_place& place, const compaction_part& part);
block file_block(const block_place& place, const file_part& part);
// What a request for this answer left out, where that is more than before (models/context_window.hpp).
block left_out_block(const block_place& place, const json& metadata);
block error_block(const block_place& place, std::string_view title, std::string_view text, std::string_view status);

block running_call_block(const block_place& place, const tool_call_part& call);
// The call ended without a result of its own.
block ended_call_block(const block_place& place, const tool_call_part& call, std::string_view state);
block returned_call_block(const block_place& place, const tool_call_part& call, const tool_return_part& result);
block retried_call_block(const block_place& place, const tool_call_part& call, const retry_prompt_part& retry);
// What a retry prompt complains about.
html::markup retry_html(const json& content);

// A file of a message: an image inline, anything else as a link.
html::markup file_html(const block_place& place, size_t index, const binary_content& file, std::string_view label);
// A file that lies elsewhere: never loaded by the page, only linked.
html::markup url_html(const url_content& content);

// The outputs of a cell in order. Its images are the files `first_file`, `first_file` + 1, … of the message, and then
// come its displays that are files.
html::markup cell_html(const block_place& place, const struct cell_result& result);
// "12 ms", "1.4 s", "2 min 5 s"
std::string duration_text(std::chrono::microseconds duration);

} // namespace varro
