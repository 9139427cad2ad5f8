// Small pieces that every template uses. Pure functions, any thread.
#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

std::string escape_html(std::string_view text); // for text and double-quoted attributes

} // namespace varro

namespace varro::html {

// ` name="value"` with the value escaped.
std::string attribute(std::string_view name, std::string_view value);
std::string attribute(std::string_view name, int64_t value);

// <a> to another site or to an attachment; `url` must have passed is_safe_link().
std::string outside_link(std::string_view url, std::string_view text);

// http, https, mailto, or a path or fragment of this origin. Anything else (javascript:, data:, //host…) is not
// followed.
bool is_safe_link(std::string_view url);

// "1 byte", "12.3 KiB"
std::string byte_count(uint64_t bytes);

// <pre><code class="language-…">, escaped.
std::string code_block(std::string_view code, std::string_view language);

// Indented; a value that is nested too deeply becomes a sentence that says so.
std::string pretty_json(const json& value);

} // namespace varro::html
