// Keeps formulas away from Markdown: $…$, $$…$$, \(…\) and \[…\] outside code become placeholders before parsing, and
// elements of class "math" (typeset in the browser) after it. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace varro {

// A line break inside a table cell, where Markdown has none: U+E002. Removed from the input like the other
// placeholders.
inline constexpr const char* placeholder_break = "\xEE\x80\x82";

struct formula {
  std::string source; // as it was written, delimiters included
  std::string tex;
  bool display = false;
};

struct protected_text {
  std::string text; // Markdown, each formula replaced by placeholder_open, its number, placeholder_close
  std::vector<formula> formulas;
};

protected_text protect_math(std::string_view markdown);

// Puts the source back wherever a placeholder stands: for code, link targets and titles. The same text when there is
// none.
std::string restore_source(std::string_view text, const std::vector<formula>& formulas);

// Replaces placeholders in rendered HTML: elements in text, escaped source inside tags. Breaks become <br>.
std::string restore_html(std::string_view html, const std::vector<formula>& formulas);

} // namespace varro
