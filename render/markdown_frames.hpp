// The frames between bounded_markdown and varro-markdown: a head and the bytes after it, in the machine's own byte
// order.
#pragma once

#include <cstdint>

namespace varro {

struct markdown_request_head {
  uint32_t mark = 0x514b444d;
  uint32_t html_bytes_max = 0;
  uint32_t bytes = 0; // follow
  uint32_t unused = 0;
  int64_t chat_id = 0;
};

// Comes once before the first request, without a text: the program is ready.
struct markdown_answer_head {
  uint32_t mark = 0x414b444d;
  uint32_t is_too_large = 0; // the HTML would be, so none follows
  uint32_t bytes = 0;        // follow
};

} // namespace varro
