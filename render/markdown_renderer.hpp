// Where the Markdown of models and users becomes HTML, within limits. Others wait while a page is made, so what one
// text may cost is bounded: a fair part by its size, which is some times what ordinary text needs, and a little more
// that all texts of a page share.
#pragma once

#include "render/markdown.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace varro {

// Processor time that the texts of one page or turn may take together beyond their fair parts.
inline constexpr std::chrono::microseconds markdown_spare_max{50'000};

class markdown_renderer {
public:
  virtual ~markdown_renderer() = default;

  // The text of this chat as HTML, or unformatted_html() where that costs more than its fair part and `spare`, which
  // becomes smaller by what was taken of it. May block for that time. Any thread.
  virtual varro::html::markup html(std::string_view markdown, int64_t chat_id, std::chrono::microseconds& spare) = 0;
};

// The prose of one page or turn. Without a renderer it is formatted here, whatever that costs: for tests. One thread.
class prose_writer {
public:
  explicit prose_writer(int64_t chat_id, std::shared_ptr<markdown_renderer> renderer = nullptr)
    : chat_id_(chat_id), renderer_(std::move(renderer)) {}

  varro::html::markup html(std::string_view markdown) {
    return renderer_ ? renderer_->html(markdown, chat_id_, spare_) : markdown_to_html(markdown, chat_id_);
  }

private:
  int64_t chat_id_;
  std::shared_ptr<markdown_renderer> renderer_;
  std::chrono::microseconds spare_ = markdown_spare_max;
};

} // namespace varro
