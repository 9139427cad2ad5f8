#include "models/anthropic_models.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace varro {

namespace {

struct version_row {
  int version_min; // 100 × major + minor
  claude_traits traits;
};

// The last row that is not newer than the model holds; a name without a version counts as the newest.
constexpr std::array<version_row, 7> rows = {{
  {0, {.output_tokens_max = 4'096}},
  {305, {.output_tokens_max = 8'192}},
  {307, {.budget_thinking = true}},
  {406, {.budget_thinking = true, .adaptive_thinking = true, .effort_max = "max"}},
  {407,
   {.adaptive_thinking = true, .hides_thinking = true, .sampling = false, .effort_max = "max", .xhigh_effort = true}},
  {500,
   {.adaptive_thinking = true,
    .hides_thinking = true,
    .sampling = false,
    .off = thinking_off::disabled,
    .effort_max = "max",
    .xhigh_effort = true}},
  {505,
   {.adaptive_thinking = true,
    .hides_thinking = true,
    .sampling = false,
    .forced_tools = false,
    .off = thinking_off::never,
    .effort_max = "max",
    .xhigh_effort = true,
    .bound_thinking = true}},
}};

// What differs within a version.
void apply_family(std::string_view name, int version, claude_traits& traits) {
  const auto is = [name](std::string_view family) { return name.find(family) != std::string_view::npos; };
  if (is("fable") || is("mythos")) {
    traits.forced_tools = false;
    traits.off = thinking_off::never;
    traits.bound_thinking = version >= 501;
  }
  if (version >= 505 && is("sonnet"))
    traits.off = thinking_off::between_tools;
  if (version >= 505 && is("haiku"))
    traits.off = thinking_off::disabled;
  if (version == 405 && is("opus"))
    traits.effort_max = "high";
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
  for (const auto word : words_of(name, "-._:@/")) {
    const auto number = version_number(word);
    if (major)
      return *major * 100 + number.value_or(0);
    major = number;
  }
  return major ? *major * 100 : rows.back().version_min;
}

} // namespace

claude_traits traits_of_claude(std::string_view model_name) {
  const auto name = ascii_lower(model_name);
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
  apply_family(rest, version, traits);
  return traits;
}

claude_traits traits_of_claude(const model_config& model) {
  auto traits = traits_of_claude(std::string_view{model.name});
  auto has = [](const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  // The vendor's list names every kind that is taken, "disabled" at least for those that do not think.
  const auto& types = model.thinking_types;
  if (types.empty())
    return traits;
  traits.budget_thinking = has(types, "enabled");
  traits.adaptive_thinking = has(types, "adaptive");
  if (has(types, "disabled"))
    traits.off = traits.off == thinking_off::omitted ? thinking_off::omitted : thinking_off::disabled;
  else
    traits.off = has(types, "between_tools") ? thinking_off::between_tools : thinking_off::never;
  const auto& efforts = model.efforts;
  traits.effort_max = has(efforts, "max") ? "max" : has(efforts, "high") ? "high" : "";
  traits.xhigh_effort = has(efforts, "xhigh");
  return traits;
}

thinking_mode resolve_thinking(std::string_view wanted, const claude_traits& traits) {
  if (!traits.budget_thinking && !traits.adaptive_thinking)
    return thinking_mode::none;
  if (wanted == "off" || wanted == "between_tools") {
    switch (traits.off) {
    case thinking_off::omitted:
      return thinking_mode::none;
    case thinking_off::disabled:
      return thinking_mode::disabled;
    case thinking_off::between_tools:
      return thinking_mode::between_tools;
    case thinking_off::never:
      return thinking_mode::adaptive;
    }
  }
  if (wanted == "budget" && traits.budget_thinking)
    return thinking_mode::budget;
  return traits.adaptive_thinking ? thinking_mode::adaptive : thinking_mode::budget;
}

std::string_view resolve_effort(std::string_view wanted, std::string_view thinking, const claude_traits& traits) {
  if (traits.effort_max.empty())
    return "";
  const bool off = thinking == "off" || thinking == "between_tools";
  if (off && traits.off == thinking_off::never)
    return "low";
  if (wanted == "minimal")
    return "low";
  if (wanted == "xhigh" || wanted == "max") {
    if (off || traits.effort_max == "high")
      return "high";
    return wanted == "xhigh" && !traits.xhigh_effort ? "high" : wanted;
  }
  return wanted;
}

} // namespace varro
