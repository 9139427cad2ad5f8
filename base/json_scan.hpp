// Looks at JSON text before it is parsed, for what a parser would build too much or too deep. Any thread.
#pragma once

#include <string_view>

namespace varro {

// Whether `holds(character)` is true of each character that stands outside of strings, in order; ends at the first of
// which it is not. Text that is no JSON may be read wrongly: a parser refuses it anyway.
template <class Predicate>
bool holds_outside_strings(std::string_view text, Predicate holds) {
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\')
      ++i;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && !holds(c))
      return false;
  }
  return true;
}

} // namespace varro
