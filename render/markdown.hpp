// Markdown to HTML: CommonMark with GitHub's tables, strikethrough, links and task lists (libcmark-gfm in safe mode),
// and formulas for KaTeX (math.hpp). Pure functions, any thread.
#pragma once

#include "render/markup.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

inline constexpr size_t markdown_bytes_max = 256u << 10; // a longer text is shown unformatted

// What it costs is not bounded: no parser of Markdown is linear for every text. For text that somebody else wrote, ask
// a markdown_renderer (markdown_renderer.hpp).
// With a chat, links and pictures that name a file of its workspace lead to where that is served.
html::markup markdown_to_html(std::string_view markdown, std::optional<int64_t> chat_id = std::nullopt);

// The text as it was written, with a word that it is shown so because formatting it would cost too much.
html::markup unformatted_html(std::string_view markdown);

} // namespace varro
