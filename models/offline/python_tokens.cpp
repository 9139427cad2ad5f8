#include "models/offline/python_tokens.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace varro {

namespace {

using kind = python_token::kind;

// Beyond ASCII every byte may belong to a name; what it really is does not matter here.
bool begins_name(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr std::array<std::string_view, 26> long_signs{"**=", "//=", ">>=", "<<=", "...", "**", "//", ">>", "<<",
                                                      "==",  "!=",  "<=",  ">=",  "->",  ":=", "+=", "-=", "*=",
                                                      "/=",  "%=",  "&=",  "|=",  "^=",  "@=", "",   ""};
constexpr std::string_view short_signs = "+-*/%@<>=()[]{},:.;~&|^";

class tokenizer {
public:
  explicit tokenizer(std::string_view code) : code_(code) {
    // nop
  }

  python_tokens run() {
    while (at_ < code_.size() && result_.end != python_tokens::state::invalid)
      step();
    if (result_.end == python_tokens::state::complete && !brackets_.empty())
      result_.end = python_tokens::state::open;
    return std::move(result_);
  }

private:
  void step() {
    const char c = code_[at_];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      spaced_ = true;
      ++at_;
    } else if (c == '#') {
      at_ = std::min(code_.find('\n', at_), code_.size());
    } else if (c == '\\') {
      take_continuation();
    } else if (is_digit(c) || (c == '.' && at_ + 1 < code_.size() && is_digit(code_[at_ + 1]))) {
      take_number();
    } else if (c == '"' || c == '\'') {
      take_string(at_);
    } else if (begins_name(c)) {
      take_name();
    } else {
      take_sign();
    }
  }

  void add(kind what, size_t begin) {
    result_.tokens.push_back({what, code_.substr(begin, at_ - begin), spaced_});
    spaced_ = false;
  }

  void reject() {
    result_.end = python_tokens::state::invalid;
  }

  void want_more() {
    result_.end = python_tokens::state::open;
    at_ = code_.size();
  }

  void take_continuation() {
    const auto rest = code_.substr(at_ + 1);
    if (rest.find_first_not_of("\r\n") == rest.npos)
      want_more();
    else if (rest[0] == '\n' || rest.substr(0, 2) == "\r\n")
      ++at_;
    else
      reject();
  }

  // Also 0xFF, 1_000, 1.5e-3 and 2j; 007 and 3D are none.
  void take_number() {
    const size_t begin = at_;
    const bool based = code_[at_] == '0' && at_ + 1 < code_.size()
      && std::string_view{"xXoObB"}.find(code_[at_ + 1]) != std::string_view::npos;
    const auto is_part = [&](size_t i) {
      const char c = code_[i];
      if (is_digit(c) || c == '_')
        return true;
      if (based)
        return begins_name(c);
      const char before = code_[i - 1];
      return c == '.' || c == 'e' || c == 'E' || c == 'j' || c == 'J'
        || ((c == '+' || c == '-') && (before == 'e' || before == 'E') && i + 1 < code_.size()
            && is_digit(code_[i + 1]));
    };
    ++at_;
    while (at_ < code_.size() && is_part(at_))
      ++at_;
    const auto text = code_.substr(begin, at_ - begin);
    if (at_ < code_.size() && begins_name(code_[at_]))
      reject();
    if (!based && text.size() > 1 && text[0] == '0' && is_digit(text[1]) && text.find('.') == text.npos)
      reject();
    if (std::count(text.begin(), text.end(), '.') > 1 || (!based && (text.back() == 'e' || text.back() == 'E')))
      reject();
    add(kind::number, begin);
  }

  void take_name() {
    const size_t begin = at_;
    while (at_ < code_.size() && (begins_name(code_[at_]) || is_digit(code_[at_])))
      ++at_;
    if (at_ < code_.size() && (code_[at_] == '"' || code_[at_] == '\'') && is_prefix(code_.substr(begin, at_ - begin)))
      take_string(begin);
    else
      add(kind::name, begin);
  }

  static bool is_prefix(std::string_view name) {
    std::string small{name};
    for (auto& c : small)
      c = static_cast<char>(c | 0x20);
    constexpr std::array<std::string_view, 9> prefixes{"r", "u", "b", "f", "rb", "br", "fr", "rf", ""};
    return std::find(prefixes.begin(), prefixes.end(), small) != prefixes.end();
  }

  void take_string(size_t begin) {
    const char quote = code_[at_];
    const std::string three(3, quote);
    const bool triple = code_.substr(at_, 3) == three;
    at_ += triple ? 3 : 1;
    while (at_ < code_.size()) {
      if (code_[at_] == '\\') {
        at_ += 2;
      } else if (triple ? code_.substr(at_, 3) == three : code_[at_] == quote) {
        at_ += triple ? 3 : 1;
        add(kind::string, begin);
        return;
      } else if (!triple && code_[at_] == '\n') {
        break;
      } else {
        ++at_;
      }
    }
    // An apostrophe in prose opens a quote that its line does not close.
    if (triple)
      want_more();
    else
      reject();
  }

  void take_sign() {
    const size_t begin = at_;
    size_t size = 0;
    for (const auto sign : long_signs)
      if (!sign.empty() && code_.substr(at_, sign.size()) == sign) {
        size = sign.size();
        break;
      }
    if (size == 0 && short_signs.find(code_[at_]) != short_signs.npos)
      size = 1;
    if (size == 0) {
      reject();
      return;
    }
    at_ += size;
    const char c = code_[begin];
    if (c == '(' || c == '[' || c == '{')
      brackets_ += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c == ')' || c == ']' || c == '}') {
      if (brackets_.empty() || brackets_.back() != c) {
        reject();
        return;
      }
      brackets_.pop_back();
    }
    add(kind::sign, begin);
  }

  std::string_view code_;
  size_t at_ = 0;
  bool spaced_ = false;
  std::string brackets_; // the closing ones that are awaited
  python_tokens result_;
};

} // namespace

python_tokens tokenize_python(std::string_view code) {
  return tokenizer{code}.run();
}

bool is_python_keyword(std::string_view word) {
  constexpr std::string_view words[]
    = {"and",      "as",     "assert",  "async", "await", "break",  "class", "continue", "def",  "del",  "elif",
       "else",     "except", "finally", "for",   "from",  "global", "if",    "import",   "in",   "is",   "lambda",
       "nonlocal", "not",    "or",      "pass",  "raise", "return", "try",   "while",    "with", "yield"};
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

} // namespace varro
