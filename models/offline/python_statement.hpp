// Whether tokens are a Python statement that a person would run, or prose that happens to look like one.
#pragma once

#include "models/offline/python_tokens.hpp"

#include <functional>
#include <set>
#include <span>
#include <string>

namespace varro {

using name_set = std::set<std::string, std::less<>>;

enum class statement_kind {
  prose,   // no Python, or such that people write in sentences ("hello", "and/or", "example.com")
  neutral, // Python that proves nothing by itself: a lone name or number, a tuple of names
  code,    // a simple statement, or several with semicolons, or a compound one with its body on the line
  header,  // "for x in y:": code if an indented line follows
};

// Judges one logical line. `known` are variables that exist: a line that only names one is code.
statement_kind judge_statement(std::span<const python_token> tokens, const name_set& known);

// Adds the variables that a statement sets or uses: what later lines may refer to.
void learn_names(std::span<const python_token> tokens, name_set& known);

} // namespace varro
