#include "base/text.hpp"
#include "render/markdown_lines.hpp"
#include "render/math.hpp"
#include "render/math_text.hpp"
#include "render/workspace_links.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace varro {

namespace {

constexpr size_t inline_bytes_max = 2'000;
constexpr size_t display_bytes_max = 20'000;
constexpr size_t environment_name_max = 32;
constexpr size_t target_bytes_max = 300; // of a link that is mended

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Formulas consist of more than signs: "$$ | $$$" in a table tells what a restaurant costs.
bool has_letter_or_digit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
      || static_cast<unsigned char>(c) >= 0x80;
  });
}

bool is_list_item(std::string_view line) {
  const auto at = line.find_first_not_of(" \t");
  return at != line.npos && at + 1 < line.size() && std::string_view{"-+*"}.find(line[at]) != line.npos
    && is_space(line[at + 1]);
}

std::string without_placeholders(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    auto rest = text.substr(i, 3);
    if (rest == placeholder_open || rest == placeholder_close || rest == placeholder_break)
      i += 2;
    else
      out += text[i];
  }
  return out;
}

using positions = std::vector<size_t>;

size_t next_of(const positions& sorted, size_t from) {
  const auto found = std::lower_bound(sorted.begin(), sorted.end(), from);
  return found == sorted.end() ? std::string::npos : *found;
}

// A piece of the text without the marks of the quotes that it begins in.
struct piece {
  std::string text;
  bool has_blank_line = false;
  bool has_list_item = false;
};

// Words between delimiters that have nothing to do with each other.
bool is_several_blocks(const piece& inside) {
  return (inside.has_blank_line || inside.has_list_item) && is_prose(inside.text);
}

class scanner {
public:
  explicit scanner(std::string text)
    : text_(std::move(text)), lines_(markdown_lines(text_)), spans_(code_spans(text_, lines_)) {
    find_marks();
  }

  protected_text run() {
    for (const auto& line : lines_) {
      if (at_ >= line.end)
        continue;
      line_ = &line;
      in_brackets_ = in_brackets_ && !line.starts_block;
      if (at_ <= line.begin) {
        const bool code = line.kind == line_kind::fence || line.kind == line_kind::indented_code;
        copy((code ? line.end : line.content) - at_);
      }
      while (at_ < line.end)
        step();
    }
    return {std::move(out_), std::move(formulas_)};
  }

private:
  // --- where delimiters stand, outside of code: one pass, so that a text full of them is not searched again and again

  void find_marks() {
    size_t i = 0;
    auto span = spans_.begin();
    for (const auto& line : lines_) {
      if (line.kind == line_kind::fence) {
        fences_.push_back(line.begin);
        continue;
      }
      for (i = std::max(i, line.content); i < line.end;) {
        while (span != spans_.end() && span->begin < i)
          ++span;
        if (span != spans_.end() && span->begin == i)
          i = span->end;
        else if (text_[i] == '\\')
          i += note_command(i);
        else if (text_.compare(i, 2, "$$") == 0)
          i += note(dollars_, i);
        else
          ++i;
      }
    }
  }

  static size_t note(positions& where, size_t at) {
    where.push_back(at);
    return 2;
  }

  // Returns how many bytes it has seen. A backslash before another is no command: "\\[2pt]" ends a row.
  size_t note_command(size_t at) {
    switch (at + 1 < text_.size() ? text_[at + 1] : '\0') {
    case '(':
      return note(inline_open_, at);
    case ')':
      return note(inline_close_, at);
    case '[':
      return note(display_open_, at);
    case ']':
      return note(display_close_, at);
    case 'b':
      if (auto name = environment_at(at, "\\begin{"); !name.empty())
        open_environments_.emplace_back(name, at);
      return 2;
    case 'e':
      if (auto name = environment_at(at, "\\end{"); !name.empty())
        end_environment(name, at + name.size() + 6);
      return 2;
    default:
      return 2;
    }
  }

  std::string_view environment_at(size_t at, std::string_view command) const {
    auto rest = std::string_view(text_).substr(at);
    if (!rest.starts_with(command))
      return {};
    rest = rest.substr(command.size(), environment_name_max);
    const auto end = rest.find('}');
    return end == rest.npos ? std::string_view{} : rest.substr(0, end);
  }

  void end_environment(std::string_view name, size_t end) {
    if (!open_environments_.empty() && open_environments_.back().first == name) {
      environments_[open_environments_.back().second] = end;
      open_environments_.pop_back();
    } else {
      open_environments_.clear();
    }
  }

  // --- the text ------------------------------------------------------------------------------------------------------

  void copy(size_t count) {
    count = std::min(count, text_.size() - at_);
    out_.append(text_, at_, count);
    at_ += count;
  }

  void step() {
    while (span_ < spans_.size() && spans_[span_].begin < at_)
      ++span_;
    if (span_ < spans_.size() && spans_[span_].begin == at_)
      return copy(spans_[span_].end - at_);
    const auto rest = std::string_view(text_).substr(at_);
    if (rest.starts_with("$$")) {
      if (!take_dollars())
        copy(std::min(rest.find_first_not_of('$'), rest.size()));
      return;
    }
    if (rest.starts_with("\\(") && take_inline())
      return;
    if (rest.starts_with("\\[") && take_display())
      return;
    if (rest.starts_with("\\begin{") && take_environment())
      return;
    if (rest.starts_with('$') && take_dollar())
      return;
    if (rest.starts_with("](") && in_brackets_ && take_spaced_target())
      return;
    in_brackets_ = in_brackets_ || rest.front() == '[';
    copy(rest.front() == '\\' ? 2 : 1);
  }

  // The text up to `to`, or nullopt when a quote or a row of a table ends in it, or code begins.
  std::optional<piece> piece_of(size_t from, size_t to) const {
    if (next_of(fences_, from) < to || (line_->kind == line_kind::table && to > line_->end))
      return std::nullopt;
    piece result;
    const auto until = std::string_view(text_).substr(0, to);
    auto newline = std::min(until.find('\n', from), to);
    result.text.assign(text_, from, newline - from);
    while (newline < to) {
      auto begin = newline + 1;
      newline = std::min(until.find('\n', begin), to);
      const auto marks = skip_quotes(begin);
      const auto line = std::string_view(text_).substr(begin, newline > begin ? newline - begin : 0);
      const bool blank = newline < to && is_blank(line);
      if (blank && marks < line_->quotes)
        return std::nullopt;
      result.has_blank_line = result.has_blank_line || blank;
      result.has_list_item = result.has_list_item || is_list_item(line);
      result.text += '\n';
      result.text += line;
    }
    return result;
  }

  // At most as many marks as the formula's first line stands behind: a further ">" is a sign of the formula.
  size_t skip_quotes(size_t& at) const {
    for (size_t marks = 0; marks < line_->quotes; ++marks) {
      const auto mark = text_.find_first_not_of(" \t", at);
      if (mark == std::string::npos || text_[mark] != '>')
        return marks;
      at = mark + 1;
      if (at < text_.size() && text_[at] == ' ')
        ++at;
    }
    return line_->quotes;
  }

  bool take_inline() {
    const auto close = closing(inline_close_, inline_open_, inline_bytes_max);
    const auto inside = close == std::string::npos ? std::nullopt : piece_of(at_ + 2, close);
    if (!inside || is_blank(inside->text) || inside->has_blank_line
        || (inside->has_list_item && has_word(inside->text)))
      return false;
    emit(inside->text, close + 2, false);
    return true;
  }

  bool take_display() {
    const auto close = closing(display_close_, display_open_, display_bytes_max);
    const auto inside = close == std::string::npos ? std::nullopt : piece_of(at_ + 2, close);
    if (!inside || is_blank(inside->text) || is_several_blocks(*inside))
      return false;
    emit(inside->text, close + 2, true);
    return true;
  }

  bool take_dollars() {
    const auto close = closing(dollars_, {}, display_bytes_max);
    const auto inside = close == std::string::npos ? std::nullopt : piece_of(at_ + 2, close);
    if (!inside || !has_letter_or_digit(inside->text) || inside->text.front() == '$' || is_several_blocks(*inside))
      return false;
    // Dollars in a sentence or in a list: "cheap $, dear $$, very dear $$$".
    const bool begins_line = at_ == text_.find_first_not_of(" \t", line_->content);
    const bool goes_on = std::string_view{",.;:)"}.find(inside->text.front()) != std::string_view::npos;
    if (!begins_line && (inside->has_list_item || goes_on))
      return false;
    emit(inside->text, close + 2, true);
    return true;
  }

  // The next closing delimiter that may belong to the opening one here.
  size_t closing(const positions& close, const positions& open, size_t bytes_max) const {
    const auto from = at_ + 2;
    const auto found = next_of(close, from);
    const bool far = found == std::string::npos || found - from > bytes_max || next_of(open, from) < found;
    return far ? std::string::npos : found;
  }

  bool take_environment() {
    const auto known = environments_.find(at_);
    if (known == environments_.end() || known->second - at_ > display_bytes_max
        || !is_math_environment(environment_at(at_, "\\begin{")))
      return false;
    const auto whole = piece_of(at_, known->second);
    if (!whole)
      return false;
    emit(whole->text, known->second, true);
    return true;
  }

  // Pandoc's rule: no space after the opening dollar nor before the closing one, which no digit may follow; so that
  // "$5 and $10" stays money.
  bool take_dollar() {
    const auto from = at_ + 1;
    const auto end = std::min(line_->block_end, from + inline_bytes_max);
    if (from >= end || is_space(text_[from]))
      return false;
    for (size_t i = from; i < end && text_[i] != '`'; ++i) {
      if (text_[i] == '\\') {
        ++i;
      } else if (text_[i] == '$') {
        const bool digit_follows = i + 1 < text_.size() && text_[i + 1] >= '0' && text_[i + 1] <= '9';
        if (is_space(text_[i - 1]) || digit_follows || joins_names(i))
          return false;
        const auto inside = piece_of(from, i);
        const bool crosses_lines = inside && inside->text.find('\n') != std::string::npos;
        if (!inside || is_money(inside->text, at_ == 0 ? ' ' : text_[at_ - 1])
            || (crosses_lines && has_word(inside->text)))
          return false;
        emit(inside->text, i + 1, false);
        return true;
      }
    }
    return false;
  }

  // "[report](my report.csv)": for Markdown no link, because of the space, but meant as one.
  bool take_spaced_target() {
    const auto rest = std::string_view(text_).substr(at_ + 2, target_bytes_max);
    const auto target = rest.substr(0, rest.find_first_of(")\n"));
    const auto dot = std::min(target.rfind('.'), target.size());
    const bool spaced = target.find(' ') != target.npos && target.find_first_of("<>(\"'$`\\") == target.npos;
    if (!spaced || target.size() == rest.size() || rest[target.size()] != ')' || dot + 1 >= target.size()
        || target.find(' ', dot) != target.npos || workspace_path(target).value_or("").empty())
      return false;
    out_ += "](<";
    out_ += target;
    out_ += ">)";
    in_brackets_ = false;
    at_ += target.size() + 3;
    return true;
  }

  // "$HOME/$PATH": the dollar begins a name, and what stands before it is no end of a formula.
  bool joins_names(size_t dollar) const {
    const char next = dollar + 1 < text_.size() ? text_[dollar + 1] : ' ';
    const bool begins_name = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '_' || next == '{';
    return begins_name && std::string_view{"/:=,-"}.find(text_[dollar - 1]) != std::string_view::npos;
  }

  void emit(std::string_view tex, size_t end, bool display) {
    formula made;
    made.source = piece_of(at_, end).value_or(piece{}).text;
    made.tex = known_environments(tex);
    made.display = display || is_display_environment(tex);
    formulas_.push_back(std::move(made));
    out_ += placeholder_open;
    out_ += std::to_string(formulas_.size() - 1);
    out_ += placeholder_close;
    at_ = end;
  }

  std::string text_;
  std::vector<markdown_line> lines_;
  std::vector<text_range> spans_;
  positions fences_;
  positions inline_open_;
  positions inline_close_;
  positions display_open_;
  positions display_close_;
  positions dollars_;
  std::vector<std::pair<std::string_view, size_t>> open_environments_;
  std::map<size_t, size_t> environments_; // where one begins, and where it ends

  size_t at_ = 0;
  size_t span_ = 0;
  const markdown_line* line_ = nullptr;
  bool in_brackets_ = false; // a link's text may have begun in this block
  std::string out_;
  std::vector<formula> formulas_;
};

} // namespace

protected_text protect_math(std::string_view markdown) {
  return scanner(without_placeholders(markdown)).run();
}

} // namespace varro
