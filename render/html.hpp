// Small pieces that every template uses. Pure functions, any thread.
#pragma once

#include "base/json.hpp"
#include "render/markup.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace varro::html {

// <a> to another site or to an attachment.
markup outside_link(std::string_view address, std::string_view text);

inline constexpr size_t link_bytes_max = 4096; // of an address that somebody else wrote

// Whether such an address is one that a page may link to (html::url). Others are shown as text.
bool is_safe_link(std::string_view address);

// <pre><code class="language-…">
markup code_block(std::string_view code, std::string_view language);

// Indented; a value that is nested too deeply becomes a sentence that says so.
std::string pretty_json(const json& value);

} // namespace varro::html
