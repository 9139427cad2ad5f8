#include "storage/search_grams.hpp"

#include "storage/limits.hpp"
#include "storage/search_text.hpp"

namespace varro {

std::vector<std::string_view> grams_of(std::string_view small) {
  std::vector<std::string_view> grams;
  auto starts = character_starts(small);
  auto characters = starts.size() - 1;
  auto add = [&](size_t first, size_t count) {
    grams.push_back(small.substr(starts[first], starts[first + count] - starts[first]));
  };
  grams.reserve(characters + characters / 4);
  for (size_t i = 0; i < characters; ++i) {
    if (i + search_gram_characters <= characters)
      add(i, search_gram_characters);
    if (small[starts[i]] == ' ' && i >= search_space_characters && i + search_space_characters < characters)
      add(i - search_space_characters, 2 * search_space_characters + 1);
  }
  return grams;
}

std::set<std::string_view> different_grams(std::string_view small) {
  auto grams = grams_of(small);
  return {grams.begin(), grams.end()};
}

} // namespace varro
