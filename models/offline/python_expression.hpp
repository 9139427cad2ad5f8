// Whether tokens are a Python expression, and whether anybody would write them in a sentence.
#pragma once

#include "models/offline/python_statement.hpp"

#include <algorithm>
#include <initializer_list>

namespace varro {

using python_span = std::span<const python_token>;

inline bool is_one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

inline bool is_name(const python_token& token) {
  return token.what == python_token::kind::name && !is_python_keyword(token.text);
}

// code, neutral or prose; an empty span is prose.
statement_kind judge_expression(python_span tokens, const name_set& known);

} // namespace varro
