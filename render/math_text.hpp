// What tells a formula from words and money, and how LaTeX of a text becomes LaTeX that the page can typeset. Pure
// functions, any thread, time linear in the text.
#pragma once

#include <string>
#include <string_view>

namespace varro {

// Whether a word stands outside of commands and braces that is no function.
bool has_word(std::string_view tex);

// Whether two words stand side by side outside of commands and braces, as in no formula.
bool is_prose(std::string_view tex);

// Whether the text between two dollars is a sum of money and what follows it: "5 or 10", "/month, later 30". `before`
// is what stands before the first dollar.
bool is_money(std::string_view between, char before);

// Environments that are formulas by themselves, "align" and "align*" for example.
bool is_math_environment(std::string_view name);

// Whether the formula is of the kind that LaTeX typesets on lines of its own only.
bool is_display_environment(std::string_view tex);

// The same formula without environments that the page does not know.
std::string known_environments(std::string_view tex);

} // namespace varro
