#include "render/math.hpp"

#include "render/blocks.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace varro {

namespace {

constexpr size_t inline_bytes_max = 500;
constexpr size_t display_bytes_max = 20'000;

// Noncharacters' neighbours: private use, removed from the input, so that nobody can write a placeholder.
constexpr std::string_view placeholder_open = "\xEE\x80\x80";  // U+E000
constexpr std::string_view placeholder_close = "\xEE\x80\x81"; // U+E001

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
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

class scanner {
public:
  explicit scanner(std::string text) : text_(std::move(text)) {
    for (size_t i = 0; i < text_.size();) {
      auto length = run_length(i, '`');
      if (length > 0)
        tick_runs_[length].push_back(i);
      i += std::max<size_t>(length, 1);
    }
  }

  protected_text run() {
    while (at_ < text_.size()) {
      if (at_ == 0 || text_[at_ - 1] == '\n') {
        if (skip_fence())
          continue;
      }
      step();
    }
    return {std::move(out_), std::move(formulas_)};
  }

private:
  size_t run_length(size_t from, char c) const {
    size_t end = from;
    while (end < text_.size() && text_[end] == c)
      ++end;
    return end - from;
  }

  void copy(size_t count) {
    out_.append(text_, at_, count);
    at_ += std::min(count, text_.size() - at_);
  }

  size_t line_end(size_t from) const {
    auto end = text_.find('\n', from);
    return end == std::string::npos ? text_.size() : end + 1;
  }

  // The fence that opens or closes at this line's start; quote marks and list indents may stand before it.
  std::pair<char, size_t> fence_at(size_t line) const {
    size_t i = line;
    while (i < text_.size() && (text_[i] == ' ' || text_[i] == '\t' || text_[i] == '>'))
      ++i;
    for (char c : {'`', '~'})
      if (auto length = run_length(i, c); length >= 3)
        return {c, length};
    return {'\0', 0};
  }

  bool skip_fence() {
    auto [mark, length] = fence_at(at_);
    if (length == 0)
      return false;
    copy(line_end(at_) - at_);
    while (at_ < text_.size()) {
      auto [closing_mark, closing_length] = fence_at(at_);
      copy(line_end(at_) - at_);
      if (closing_mark == mark && closing_length >= length)
        break;
    }
    return true;
  }

  void step() {
    char c = text_[at_];
    if (c == '`')
      return skip_code_span();
    if (c == '\\' && at_ + 1 < text_.size()) {
      char next = text_[at_ + 1];
      if (next == '(' && take("\\)", false, inline_bytes_max, inline_close_))
        return;
      if (next == '[' && take("\\]", true, display_bytes_max, display_close_))
        return;
      return copy(2);
    }
    if (c == '$') {
      if (at_ + 1 < text_.size() && text_[at_ + 1] == '$') {
        if (!take("$$", true, display_bytes_max, dollars_close_))
          copy(run_length(at_, '$'));
        return;
      }
      if (take_dollar())
        return;
    }
    copy(1);
  }

  void skip_code_span() {
    auto length = run_length(at_, '`');
    const auto& runs = tick_runs_[length];
    auto closing = std::upper_bound(runs.begin(), runs.end(), at_);
    copy(closing == runs.end() ? length : *closing + length - at_);
  }

  // A formula with delimiters of two characters. `known_close` remembers the last search, so that a text full of
  // openers is not searched again and again.
  bool take(std::string_view close, bool display, size_t bytes_max, size_t& known_close) {
    auto from = at_ + 2;
    if (known_close != std::string::npos && known_close < from)
      known_close = text_.find(close, from);
    if (known_close == std::string::npos || known_close - from > bytes_max)
      return false;
    auto tex = std::string_view(text_).substr(from, known_close - from);
    if (std::all_of(tex.begin(), tex.end(), is_space) || tex.find("\n\n") != tex.npos)
      return false;
    if (!display && tex.find('\n') != tex.npos)
      return false;
    emit(from, known_close, known_close + 2, display);
    return true;
  }

  // Pandoc's rule: no space after the opening dollar nor before the closing one, which no digit may follow; so that
  // "$5 and $10" stays money.
  bool take_dollar() {
    auto from = at_ + 1;
    if (from >= text_.size() || is_space(text_[from]))
      return false;
    auto limit = std::min(text_.size(), from + inline_bytes_max);
    for (size_t i = from; i < limit && text_[i] != '\n' && text_[i] != '`'; ++i) {
      if (text_[i] == '\\') {
        ++i;
      } else if (text_[i] == '$') {
        bool digit_follows = i + 1 < text_.size() && text_[i + 1] >= '0' && text_[i + 1] <= '9';
        if (i == from || is_space(text_[i - 1]) || digit_follows)
          return false;
        emit(from, i, i + 1, false);
        return true;
      }
    }
    return false;
  }

  void emit(size_t from, size_t to, size_t end, bool display) {
    formulas_.push_back({text_.substr(at_, end - at_), text_.substr(from, to - from), display});
    out_ += placeholder_open;
    out_ += std::to_string(formulas_.size() - 1);
    out_ += placeholder_close;
    at_ = end;
  }

  std::string text_;
  size_t at_ = 0;
  std::string out_;
  std::vector<formula> formulas_;
  std::map<size_t, std::vector<size_t>> tick_runs_; // positions of backtick runs by length
  size_t inline_close_ = 0;
  size_t display_close_ = 0;
  size_t dollars_close_ = 0;
};

// The formula of the placeholder at `i` and its end, or nullptr.
const formula* formula_at(std::string_view text, size_t i, const std::vector<formula>& formulas, size_t& end) {
  if (text.substr(i, 3) != placeholder_open)
    return nullptr;
  auto close = text.find(placeholder_close, i);
  if (close == text.npos)
    return nullptr;
  size_t number = 0;
  auto digits = text.substr(i + 3, close - i - 3);
  auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || stop != digits.data() + digits.size() || number >= formulas.size())
    return nullptr;
  end = close + 3;
  return &formulas[number];
}

std::string math_html(const formula& math) {
  return std::string("<span class=\"math ") + (math.display ? "block" : "inline") + "\">" + escape_html(math.tex)
    + "</span>";
}

} // namespace

protected_text protect_math(std::string_view markdown) {
  return scanner(without_placeholders(markdown)).run();
}

std::string restore_source(std::string_view text, const std::vector<formula>& formulas) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = 0;
    if (auto* math = formula_at(text, i, formulas, end)) {
      out += math->source;
      i = end;
    } else {
      out += text[i++];
    }
  }
  return out;
}

std::string restore_html(std::string_view html, const std::vector<formula>& formulas) {
  std::string out;
  out.reserve(html.size() + html.size() / 8);
  bool in_tag = false;
  for (size_t i = 0; i < html.size();) {
    size_t end = 0;
    if (auto* math = formula_at(html, i, formulas, end)) {
      out += in_tag ? escape_html(math->source) : math_html(*math);
      i = end;
      continue;
    }
    if (html.substr(i, 3) == placeholder_break) {
      out += in_tag ? " " : "<br>";
      i += 3;
      continue;
    }
    if (html[i] == '<')
      in_tag = true;
    else if (html[i] == '>')
      in_tag = false;
    out += html[i++];
  }
  return out;
}

} // namespace varro
