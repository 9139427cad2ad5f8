// Which pieces of a text its index knows. Internal to storage/.
#pragma once

#include <set>
#include <string_view>
#include <vector>

namespace varro {

// Every search_gram_characters characters that follow one another, and every space with search_space_characters on
// both sides. A text holds every gram of each of its parts, so that a part is only where all of its grams are.
//
// Trigrams say that two words are in a text, and hardly that one follows the other; what stands around the space does.
//
// In the order of the text, as often as they occur; they point into `small`. REQUIRES: well-formed UTF-8, folded.
std::vector<std::string_view> grams_of(std::string_view small);
// Each of them once.
std::set<std::string_view> different_grams(std::string_view small);

} // namespace varro
