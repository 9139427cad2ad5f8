#include "render/markdown_lines.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace varro {

namespace {

constexpr size_t containers_max = 100; // deeper nesting is not rendered
constexpr size_t code_indent = 4;      // columns
constexpr size_t fence_length_min = 3;
constexpr size_t ordinal_digits_max = 9;

// A place in a line, and its column: a tab reaches to the next multiple of four.
class cursor {
public:
  cursor(std::string_view text, size_t at, size_t end) : text_(text), at_(at), end_(end) {}

  size_t at() const {
    return at_;
  }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < end_ ? text_[at_ + ahead] : '\n';
  }
  std::string_view rest() const {
    return text_.substr(at_, end_ - at_);
  }
  void skip(size_t count) {
    at_ += count;
    column_ += count;
  }
  // Columns of white space from here.
  size_t indent() const {
    auto copy = *this;
    copy.skip_spaces(end_);
    return copy.column_ - column_;
  }
  void skip_spaces(size_t columns_max) {
    const auto until = column_ + columns_max;
    while (column_ < until && at_ < end_ && (text_[at_] == ' ' || text_[at_] == '\t')) {
      column_ += text_[at_] == '\t' ? code_indent - column_ % code_indent : 1;
      ++at_;
    }
  }
  bool is_blank() const {
    return rest().find_first_not_of(" \t\r\n") == std::string_view::npos;
  }

private:
  std::string_view text_;
  size_t at_;
  size_t end_;
  size_t column_ = 0;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_gap(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t run_length(std::string_view text, char c) {
  return std::min(text.find_first_not_of(c), text.size());
}

struct code_fence {
  char mark = '\0';
  size_t length = 0;
};

// An info string after backticks holds none: "```a```" is a code span.
std::optional<code_fence> opening_fence(std::string_view rest) {
  for (char mark : {'`', '~'}) {
    const auto length = run_length(rest, mark);
    if (length >= fence_length_min && (mark == '~' || rest.find('`', length) == rest.npos))
      return code_fence{mark, length};
  }
  return std::nullopt;
}

bool closes(const code_fence& fence, std::string_view rest) {
  const auto length = run_length(rest, fence.mark);
  return length >= fence.length && rest.find_first_not_of(" \t\r\n", length) == rest.npos;
}

bool is_heading(std::string_view rest) {
  const auto length = run_length(rest, '#');
  return length >= 1 && length <= 6 && (length == rest.size() || is_gap(rest[length]));
}

// "===" or "---" below the words of a heading.
bool is_underline(std::string_view rest) {
  const char mark = rest.empty() ? '\0' : rest.front();
  return (mark == '-' || mark == '=') && rest.find_first_not_of(" \t\r\n", run_length(rest, mark)) == rest.npos;
}

bool is_thematic_break(std::string_view rest) {
  const char mark = rest.empty() ? '\0' : rest.front();
  if (mark != '-' && mark != '_' && mark != '*')
    return false;
  size_t count = 0;
  for (char c : rest) {
    if (c == mark)
      ++count;
    else if (!is_gap(c))
      return false;
  }
  return count >= 3;
}

// The width of a list item's mark, or 0. One that interrupts a paragraph has text, and begins a list with 1.
size_t list_mark(const cursor& at, bool interrupts) {
  size_t width = 0;
  if (at.peek() == '-' || at.peek() == '+' || at.peek() == '*') {
    width = 1;
  } else {
    while (width < ordinal_digits_max && is_digit(at.peek(width)))
      ++width;
    if (width == 0 || (at.peek(width) != '.' && at.peek(width) != ')'))
      return 0;
    if (interrupts && (width != 1 || at.peek() != '1'))
      return 0;
    ++width;
  }
  if (!is_gap(at.peek(width)))
    return 0;
  auto after = at;
  after.skip(width);
  return interrupts && after.is_blank() ? 0 : width;
}

// "|:--|--:|", below the line that it makes the head of a table.
bool is_delimiter_row(std::string_view rest) {
  return rest.find('-') != rest.npos && rest.find_first_not_of("|:- \t\r\n") == rest.npos
    && rest.find_first_of("|:") != rest.npos;
}

class reader {
public:
  explicit reader(std::string_view text) : text_(text) {}

  // After run().
  std::string open_fence() const {
    return fence_ && containers_.empty() ? std::string(fence_->length, fence_->mark) : std::string{};
  }

  std::vector<markdown_line> run() {
    for (size_t begin = 0; begin < text_.size(); begin = lines_.back().end) {
      const auto newline = text_.find('\n', begin);
      markdown_line line;
      line.begin = begin;
      line.end = newline == text_.npos ? text_.size() : newline + 1;
      read(line);
      lines_.push_back(line);
    }
    size_t block_end = text_.size();
    for (size_t i = lines_.size(); i-- > 0;) {
      auto& line = lines_[i];
      if (i + 1 == lines_.size() || lines_[i + 1].starts_block || lines_[i + 1].kind != line.kind)
        block_end = line.end;
      line.block_end = block_end;
    }
    return std::move(lines_);
  }

private:
  struct container {
    bool quote = false;
    size_t indent = 0; // of a list item's text
  };

  // Goes on in the containers that the line continues; returns how many.
  size_t match(cursor& at) const {
    size_t matched = 0;
    for (const auto& one : containers_) {
      if (one.quote) {
        auto inner = at;
        inner.skip_spaces(code_indent - 1);
        if (inner.peek() != '>')
          break;
        enter_quote(inner);
        at = inner;
      } else if (!at.is_blank()) {
        if (at.indent() < one.indent)
          break;
        at.skip_spaces(one.indent);
      }
      ++matched;
    }
    return matched;
  }

  static void enter_quote(cursor& at) {
    at.skip(1);
    at.skip_spaces(1);
  }

  void finish(markdown_line& line, const cursor& at, line_kind kind) const {
    line.content = at.at();
    line.kind = kind;
    line.quotes = static_cast<size_t>(
      std::count_if(containers_.begin(), containers_.end(), [](const container& one) { return one.quote; }));
  }

  void read(markdown_line& line) {
    cursor at{text_, line.begin, line.end};
    const auto matched = match(at);
    if (fence_) {
      if (matched == containers_.size()) {
        auto inner = at;
        inner.skip_spaces(code_indent - 1);
        if (closes(*fence_, inner.rest()))
          fence_.reset();
        return finish(line, at, line_kind::fence);
      }
      fence_.reset(); // its quote or list item is over
    }
    read_text(line, at, matched);
  }

  // Opens the quotes and list items that begin in the line. `interrupts`: it could also continue a paragraph.
  bool open_containers(cursor& at, size_t matched, bool& interrupts) {
    bool opened = false;
    const auto open = [&](container next) {
      if (!std::exchange(opened, true))
        containers_.resize(matched);
      containers_.push_back(next);
      interrupts = false;
    };
    while (containers_.size() < containers_max && at.indent() < code_indent) {
      auto inner = at;
      inner.skip_spaces(code_indent - 1);
      const auto offset = at.indent();
      if (inner.peek() == '>') {
        enter_quote(inner);
        open({true, 0});
      } else if (const auto width = list_mark(inner, interrupts); width > 0 && !is_thematic_break(inner.rest())) {
        inner.skip(width);
        const auto gap = inner.is_blank() || inner.indent() > code_indent ? 1 : inner.indent();
        if (!inner.is_blank())
          inner.skip_spaces(gap);
        open({false, offset + width + gap});
      } else {
        break;
      }
      at = inner;
    }
    return opened;
  }

  void read_text(markdown_line& line, cursor at, size_t matched) {
    const bool inside = matched == containers_.size();
    bool interrupts = in_paragraph_ && inside;
    const bool could_be_lazy = in_paragraph_ && !inside;
    const bool opened = open_containers(at, matched, interrupts);
    const bool indented = at.indent() >= code_indent;
    auto inner = at;
    inner.skip_spaces(code_indent - 1);
    const auto rest = inner.rest();
    const auto fence = indented ? std::nullopt : opening_fence(rest);
    const bool alone = !indented && (is_heading(rest) || is_thematic_break(rest) || (interrupts && is_underline(rest)));
    const bool lazy = could_be_lazy && !opened && !at.is_blank() && !fence && !alone;
    if (!opened && !lazy)
      containers_.resize(matched);
    if (at.is_blank() || fence) {
      fence_ = fence;
      in_paragraph_ = in_table_ = false;
      line.starts_block = fence.has_value();
      return finish(line, at, fence ? line_kind::fence : line_kind::blank);
    }
    in_table_ = in_table_ && inside && !opened && !alone && !indented;
    if (indented && !interrupts && !lazy) {
      in_paragraph_ = false;
      return finish(line, at, line_kind::indented_code);
    }
    const bool continues = interrupts && !alone;
    if (continues && is_delimiter_row(at.rest()))
      begin_table();
    line.starts_block = in_table_ || (!continues && !lazy);
    in_paragraph_ = !alone && !in_table_;
    finish(line, at, in_table_ ? line_kind::table : line_kind::text);
  }

  // The line before this one was a paragraph's until here.
  void begin_table() {
    auto& head = lines_.back();
    if (text_.substr(head.content, head.end - head.content).find('|') == text_.npos)
      return;
    in_table_ = true;
    head.kind = line_kind::table;
    head.starts_block = true;
  }

  std::string_view text_;
  std::vector<markdown_line> lines_;
  std::vector<container> containers_;
  std::optional<code_fence> fence_;
  bool in_paragraph_ = false;
  bool in_table_ = false;
};

// Where the cell of a table's row ends that holds `at`.
size_t cell_end(std::string_view text, size_t at, size_t end) {
  for (; at < end && text[at] != '|'; ++at)
    if (text[at] == '\\')
      ++at;
  return std::min(at, end);
}

} // namespace

std::vector<markdown_line> markdown_lines(std::string_view text) {
  return reader(text).run();
}

std::string open_fence(std::string_view text) {
  reader lines{text};
  lines.run();
  return lines.open_fence();
}

std::vector<text_range> code_spans(std::string_view text, const std::vector<markdown_line>& lines) {
  std::map<size_t, std::vector<size_t>> runs; // positions by length
  for (size_t i = text.find('`'); i != text.npos;) {
    const auto length = run_length(text.substr(i), '`');
    runs[length].push_back(i);
    i = text.find('`', i + length);
  }
  std::vector<text_range> spans;
  if (runs.empty())
    return spans;
  size_t at = 0;
  size_t cell = 0; // the end of the cell that was looked at last
  for (const auto& line : lines) {
    if (line.kind != line_kind::text && line.kind != line_kind::table)
      continue;
    for (at = std::max(at, line.content); at < line.end;) {
      if (text[at] != '`') {
        at += text[at] == '\\' ? 2 : 1;
        continue;
      }
      const auto length = run_length(text.substr(at), '`');
      if (line.kind == line_kind::table && cell < at)
        cell = cell_end(text, at, line.end);
      const auto end = line.kind == line_kind::table ? cell : line.block_end;
      const auto& same = runs[length];
      const auto closing = std::upper_bound(same.begin(), same.end(), at);
      const bool closed = closing != same.end() && *closing < end;
      if (closed)
        spans.push_back({at, *closing + length});
      at = closed ? *closing + length : at + length;
    }
  }
  return spans;
}

} // namespace varro
