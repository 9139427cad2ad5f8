#include "storage/search_grams.hpp"

#include "storage/limits.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace varro;

namespace {

using grams = std::vector<std::string_view>;

} // namespace

TEST_CASE("grams are three characters each, and two on both sides of a space") {
  CHECK(grams_of("abcd") == grams{"abc", "bcd"});
  CHECK(grams_of("ab cd") == grams{"ab ", "b c", " cd", "ab cd"});
  CHECK(grams_of("a bc") == grams{"a b", " bc"});
  CHECK(grams_of("ab c") == grams{"ab ", "b c"});
  CHECK(grams_of("ab ").size() == 1);
}

TEST_CASE("fewer characters than a gram has are no gram") {
  CHECK(grams_of("").empty());
  CHECK(grams_of("ab").empty());
  CHECK(grams_of("日本").empty());
  CHECK(grams_of("日本語") == grams{"日本語"});
  CHECK(grams_of("日本 の語") == grams{"日本 ", "本 の", " の語", "日本 の語"});
}

TEST_CASE("a text has every gram of each of its parts") {
  const std::string text = "x  größe der  städte\n\t= df.groupby('a b').sum() — ένα δύο";
  auto all = grams_of(text);
  for (size_t first = 0; first < text.size(); ++first)
    for (size_t last = first; last <= text.size(); ++last) {
      auto is_start
        = [&](size_t at) { return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80; };
      if (!is_start(first) || !is_start(last))
        continue;
      for (auto gram : grams_of(std::string_view{text}.substr(first, last - first)))
        REQUIRE(std::find(all.begin(), all.end(), gram) != all.end());
    }
}
