#include "models/anthropic_models.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

namespace varro {

namespace {

struct version_row {
  int version_min; // 100 × major + minor
  claude_traits traits;
};

// The last row that is not newer than the model holds.
//                                    budget adaptive hides  sampling forced output
constexpr std::array<version_row, 6> rows = {{
  {0, {false, false, false, true, true, 4'096}},
  {305, {false, false, false, true, true, 8'192}},
  {307, {true, false, false, true, true, 0}},
  {406, {true, true, false, true, true, 0}},
  {407, {false, true, true, false, true, 0}},
  {10'000, {false, true, true, false, true, 0}},
}};

// Families that have their own rules, whatever their version.
constexpr std::array<std::string_view, 2> unforced_families = {"fable", "mythos"};

std::vector<std::string_view> words_of(std::string_view name) {
  std::vector<std::string_view> words;
  while (!name.empty()) {
    const auto end = name.find_first_of("-._:@/");
    if (end != 0)
      words.push_back(name.substr(0, end));
    if (end == std::string_view::npos)
      break;
    name.remove_prefix(end + 1);
  }
  return words;
}

// A version number has one or two digits; longer ones are dates.
std::optional<int> version_number(std::string_view word) {
  int number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size() || word.size() > 2)
    return std::nullopt;
  return number;
}

int version_of(std::string_view name) {
  std::optional<int> major;
  for (const auto word : words_of(name)) {
    const auto number = version_number(word);
    if (major)
      return *major * 100 + number.value_or(0);
    major = number;
  }
  return major ? *major * 100 : rows.back().version_min;
}

} // namespace

claude_traits traits_of_claude(std::string_view model_name) {
  std::string name(model_name);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : char(c); });
  const auto at = name.find("claude");
  if (at == std::string::npos)
    return {};
  const auto rest = std::string_view(name).substr(at + 6);
  int version = version_of(rest);
  if (rest.substr(0, 8) == "-instant")
    version = 0;
  claude_traits traits;
  for (const auto& row : rows)
    if (version >= row.version_min)
      traits = row.traits;
  for (const auto family : unforced_families)
    if (rest.find(family) != std::string_view::npos)
      traits.forced_tools = false;
  return traits;
}

thinking_mode resolve_thinking(std::string_view wanted, const claude_traits& traits) {
  if (wanted == "off" || (!traits.budget_thinking && !traits.adaptive_thinking))
    return thinking_mode::none;
  if (wanted == "budget" && traits.budget_thinking)
    return thinking_mode::budget;
  return traits.adaptive_thinking ? thinking_mode::adaptive : thinking_mode::budget;
}

} // namespace varro
