// The tokens of Python code, as far as telling code from prose needs them.
#pragma once

#include <string_view>
#include <vector>

namespace varro {

struct python_token {
  enum class kind { name, number, string, sign };
  kind what = kind::sign;
  std::string_view text; // into the given code
  bool spaced = false;   // white space before it

  bool is(std::string_view other) const {
    return what != kind::string && text == other;
  }
};

struct python_tokens {
  enum class state {
    complete, // brackets and quotes are closed
    open,     // a bracket, a triple quote or a backslash wants another line
    invalid,  // no Python can begin like this
  };
  state end = state::complete;
  std::vector<python_token> tokens; // comments left out
};

// Linear in the code's length. The tokens point into `code`.
python_tokens tokenize_python(std::string_view code);

// A word of the grammar, which can be no variable (True, False and None are operands and not among them).
bool is_python_keyword(std::string_view word);

} // namespace varro
