#include "render/math.hpp"

#include "render/markup.hpp"

#include <charconv>

namespace varro {

namespace {

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
  return html::element("span", {{"class", math.display ? "math block" : "math inline"}}, math.tex).str();
}

} // namespace

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
      out += in_tag ? " " : html::void_element("br").str();
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
