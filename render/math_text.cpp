#include "render/math_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace varro {

namespace {

constexpr size_t word_bytes_min = 3; // shorter ones are products of variables, or units
constexpr size_t environment_name_max = 32;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_ascii_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_letter(char c) {
  return is_ascii_letter(c) || static_cast<unsigned char>(c) >= 0x80;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_one_of(std::string_view word, const auto& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Bytes of the letter at the text's front, 0 when it is none. Signs such as "≤" and "–" are none.
size_t letter_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.empty() ? '\0' : text.front());
  if (is_ascii_letter(text.empty() ? '\0' : text.front()))
    return 1;
  if (lead >= 0xC3 && lead <= 0xDF)
    return std::min<size_t>(text.size(), 2);
  return lead >= 0xE0 && lead <= 0xED && lead != 0xE2 ? std::min<size_t>(text.size(), 3) : 0;
}

constexpr std::array<std::string_view, 21> functions{"sin", "cos", "tan", "cot", "sec", "csc", "log",
                                                     "exp", "lim", "max", "min", "sup", "inf", "det",
                                                     "dim", "gcd", "lcm", "mod", "arg", "ker", "deg"};
constexpr std::array<std::string_view, 14> short_words{"or", "to", "of", "in", "is", "at", "by",
                                                       "on", "an", "as", "vs", "we", "it", "if"};

// The words of a text outside of commands and braces.
class words {
public:
  explicit words(std::string_view tex) : tex_(tex) {}

  // The next word; empty at the end. `adjacent`: nothing but spaces and commas stand between it and the one before.
  std::string_view next(bool& adjacent) {
    adjacent = true;
    while (at_ < tex_.size()) {
      const char c = tex_[at_];
      if (c == '\\') {
        skip_command();
        adjacent = false;
      } else if (depth_ == 0 && letter_length(tex_.substr(at_)) > 0) {
        const auto from = at_;
        while (const auto length = letter_length(tex_.substr(at_)))
          at_ += length;
        const bool begins = from == 0 || is_space(tex_[from - 1]) || tex_[from - 1] == '(';
        const bool ends = at_ == tex_.size() || std::string_view{" \t\r\n.,;:!?)"}.find(tex_[at_]) != tex_.npos;
        if (begins && ends)
          return tex_.substr(from, at_ - from);
        adjacent = false;
      } else {
        if (c == '{')
          ++depth_;
        else if (c == '}' && depth_ > 0)
          --depth_;
        adjacent = adjacent && (is_space(c) || c == ',');
        ++at_;
      }
    }
    return {};
  }

private:
  void skip_command() {
    ++at_;
    if (at_ < tex_.size() && is_ascii_letter(tex_[at_]))
      while (at_ < tex_.size() && is_ascii_letter(tex_[at_]))
        ++at_;
    else
      ++at_;
  }

  std::string_view tex_;
  size_t at_ = 0;
  size_t depth_ = 0;
};

bool is_long_word(std::string_view word) {
  return word.size() >= word_bytes_min && !is_one_of(word, functions);
}

// "5/kg, 6", "5|6", "5 (then 6": a price for something, or text that ends in the middle of another part.
bool is_price(std::string_view text) {
  const auto slash = text.find_first_not_of("0123456789.,kKmMbB");
  if (slash != text.npos && text[slash] == '/') {
    auto unit = slash + 1;
    while (unit < text.size() && is_ascii_letter(text[unit]))
      ++unit;
    if (unit >= slash + 3 && unit < text.size() && std::string_view{",.;)"}.find(text[unit]) != text.npos)
      return true;
  }
  return text.find('|') != text.npos
    || std::count(text.begin(), text.end(), '(') != std::count(text.begin(), text.end(), ')');
}

// Name in LaTeX, and what the page typesets instead; both also with a star.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> relatives{{
  {"eqnarray", "align"},
  {"flalign", "align"},
  {"multline", "gather"},
  {"displaymath", "equation"},
}};
constexpr std::array<std::string_view, 6> display_environments{"equation", "align", "gather", "alignat", "split", "CD"};
constexpr std::array<std::string_view, 17> inner_environments{
  "aligned", "alignedat", "gathered", "cases",   "dcases",  "rcases",  "drcases",     "array",   "darray",
  "matrix",  "pmatrix",   "bmatrix",  "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "subarray"};

std::string_view without_star(std::string_view name) {
  if (name.ends_with('*'))
    name.remove_suffix(1);
  return name;
}

std::string_view relative_of(std::string_view name) {
  for (const auto& [unknown, known] : relatives)
    if (name == unknown)
      return known;
  return {};
}

} // namespace

bool has_word(std::string_view tex) {
  words reader{tex};
  bool adjacent = false;
  for (auto word = reader.next(adjacent); !word.empty(); word = reader.next(adjacent))
    if (is_long_word(word) || is_one_of(word, short_words))
      return true;
  return false;
}

bool is_prose(std::string_view tex) {
  words reader{tex};
  bool adjacent = false;
  bool before = false; // a word stood before this one
  for (auto word = reader.next(adjacent); !word.empty(); word = reader.next(adjacent)) {
    const bool is_word = is_long_word(word);
    if (is_word && before && adjacent)
      return true;
    before = is_word;
  }
  return false;
}

bool is_money(std::string_view between, char before) {
  if (between.empty())
    return true;
  const char first = between.front();
  const bool has_space = std::any_of(between.begin(), between.end(), is_space);
  if (has_space && std::string_view{"/,.;:)?!%|"}.find(first) != std::string_view::npos)
    return true;
  // "20$" and "US$": a formula that is written without a space begins with a letter or a command.
  const bool joined = is_digit(before) || is_ascii_letter(before);
  if (joined && !is_letter(first) && first != '\\' && first != '{' && first != '(')
    return true;
  const bool sum = is_digit(first) || ((first == '-' || first == '+' || first == '.') && between.size() > 1);
  return (sum && is_price(between)) || ((sum || joined) && has_word(between));
}

bool is_math_environment(std::string_view name) {
  name = without_star(name);
  return is_one_of(name, display_environments) || is_one_of(name, inner_environments) || !relative_of(name).empty();
}

bool is_display_environment(std::string_view tex) {
  constexpr std::string_view begin = "\\begin{";
  const auto from = tex.find_first_not_of(" \t\r\n");
  if (from == tex.npos || !tex.substr(from).starts_with(begin))
    return false;
  const auto name = without_star(tex.substr(from + begin.size(), tex.find('}', from) - from - begin.size()));
  return is_one_of(name, display_environments) || !relative_of(name).empty();
}

std::string known_environments(std::string_view tex) {
  std::string out;
  size_t copied = 0;
  for (auto open = tex.find('{'); open != tex.npos; open = tex.find('{', open + 1)) {
    const auto before = tex.substr(copied, open - copied);
    if (!before.ends_with("\\begin") && !before.ends_with("\\end"))
      continue;
    const auto rest = tex.substr(open + 1, environment_name_max);
    const auto name = rest.substr(0, rest.find('}'));
    const auto known = relative_of(without_star(name));
    if (known.empty())
      continue;
    out += before;
    out += '{';
    out += known;
    out += name.ends_with('*') || known == "equation" ? "*}" : "}";
    copied = std::min(open + name.size() + 2, tex.size());
  }
  return out += tex.substr(copied);
}

} // namespace varro
