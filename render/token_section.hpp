// The tokens of one's programs, as a part of the page of one's account. Pure functions, any thread.
#pragma once

#include "render/pages.hpp"
#include "storage/token_record.hpp"

#include <chrono>
#include <string_view>
#include <vector>

namespace varro {

struct token_section_content {
  std::vector<token_record> tokens;      // of the viewer
  std::string_view made;                 // a token that was made just now: this page alone shows it
  std::string_view message;              // why none was made; may be empty
  std::string_view typed_label;          // as it was typed before
  bool admin = false;                    // the viewer is one, and may make tokens that look after the server
  std::chrono::hours lasts_max{24 * 90}; // as long as a token may last
};

html::markup token_section(const page_viewer& viewer, const token_section_content& content);

} // namespace varro
