// Pieces of the pages of admins. For render/admin_*.cpp only.
#pragma once

#include "render/admin_pages.hpp"
#include "render/page_parts.hpp"

namespace varro {

// The page around its content, with the way to the others. path: which one it is.
html::markup admin_page(const page_viewer& viewer, std::string_view path, const std::string& title,
                        const html::markup& content);

html::markup said(const admin_word& word);

// A table that scrolls sideways where it is too wide. rows: <tr>…
html::markup table(std::initializer_list<std::string_view> heads, const html::markup& rows);

html::markup hidden(std::string_view name, std::string_view value);
html::markup small_button(std::string_view label);
html::markup text_field(std::string_view label, std::string_view name, std::string_view value);

// "1,234,567".
std::string count_text(int64_t number);
html::markup number_cell(std::string_view text);
html::markup time_or(unix_us time, std::string_view never);

} // namespace varro
