// Which lines of a Markdown text are code, and where its blocks and code spans end, before it is parsed: formulas are
// taken out of the rest. As CommonMark reads blocks, as far as that matters here. Pure functions, any thread, time
// linear in the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

enum class line_kind : unsigned char {
  blank,
  text,
  table, // a row; code spans end with its cells
  indented_code,
  fence, // fenced code, its fences included
};

struct markdown_line {
  size_t begin = 0;
  size_t content = 0;   // what follows the marks of quotes and list items
  size_t end = 0;       // after the newline
  size_t block_end = 0; // of the block that the line belongs to
  line_kind kind = line_kind::blank;
  bool starts_block = false; // a paragraph before it does not go on in it
  size_t quotes = 0;         // how many it stands in
};

struct text_range {
  size_t begin = 0;
  size_t end = 0;
};

std::vector<markdown_line> markdown_lines(std::string_view text);

// In the lines that are text, in order. A run of backticks is closed only by one of the same length in the same block;
// without one it is literal.
std::vector<text_range> code_spans(std::string_view text, const std::vector<markdown_line>& lines);

// The line that would end the fenced code in which the text ends; "" when it ends in none, or in a quote's or a list
// item's, which end by themselves.
std::string open_fence(std::string_view text);

} // namespace varro
