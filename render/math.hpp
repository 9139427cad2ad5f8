// Keeps formulas away from Markdown: $…$, $$…$$, \(…\), \[…\] and the environments of LaTeX's mathematics outside code
// become placeholders before parsing, and elements of class "math" (typeset in the browser) after it. Pure functions,
// any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace varro {

// Private use, removed from the input, so that nobody can write a placeholder.
inline constexpr std::string_view placeholder_open = "\xEE\x80\x80";  // U+E000
inline constexpr std::string_view placeholder_close = "\xEE\x80\x81"; // U+E001
inline constexpr const char* placeholder_break = "\xEE\x80\x82"; // U+E002, a line break in a table cell, which has none

struct formula {
  std::string source; // as it was written, delimiters included, without the marks of quotes
  std::string tex;
  bool display = false;
};

struct protected_text {
  std::string text; // Markdown, each formula replaced by placeholder_open, its number, placeholder_close
  std::vector<formula> formulas;
};

// Also gives a link to a file of the workspace the brackets that Markdown wants around a name with spaces.
protected_text protect_math(std::string_view markdown);

// Puts the source back wherever a placeholder stands: for code, link targets and titles. The same text when there is
// none.
std::string restore_source(std::string_view text, const std::vector<formula>& formulas);

// Replaces placeholders in rendered HTML: elements in text, escaped source inside tags. Breaks become <br>.
std::string restore_html(std::string_view html, const std::vector<formula>& formulas);

} // namespace varro
