#include "models/google_models.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace varro::google {

namespace {

enum class family { pro, flash, flash_lite };

struct gemini_name {
  int version = 0; // 100 × major + minor; of an alias ("gemini-flash-latest") the newest
  family kind = family::pro;
};

constexpr int newest = 10'000;

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::optional<int> whole_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0 || number > 99)
    return std::nullopt;
  return number;
}

// "2.5-flash" → 205; "flash-latest" → newest.
int version_of(std::string_view rest) {
  const auto word = rest.substr(0, rest.find('-'));
  const auto dot = word.find('.');
  const auto major = whole_number(word.substr(0, dot));
  if (!major)
    return newest;
  const auto minor = dot == std::string_view::npos ? std::optional(0) : whole_number(word.substr(dot + 1));
  return *major * 100 + minor.value_or(0);
}

std::optional<gemini_name> read_name(std::string_view model_name) {
  const auto name = ascii_lower(model_name.substr(model_name.rfind('/') + 1));
  constexpr std::string_view head = "gemini-";
  if (name.compare(0, head.size(), head) != 0)
    return std::nullopt;
  const auto rest = std::string_view(name).substr(head.size());
  gemini_name read;
  read.version = version_of(rest);
  read.kind = has(rest, "lite") ? family::flash_lite : has(rest, "flash") ? family::flash : family::pro;
  return read;
}

// 2.5 is steered by budgets, and each of its sizes has limits of its own.
void add_budgets(family kind, gemini_traits& traits) {
  traits.thinking = thinking_control::budget;
  traits.budget_tokens_max = kind == family::pro ? 32'768 : 24'576;
  traits.budget_tokens_min = kind == family::pro ? 128 : kind == family::flash_lite ? 512 : 1;
  traits.can_stop_thinking = kind != family::pro;
  traits.thinks_unasked = kind != family::flash_lite;
}

// "low" and "high" are known to all; "medium" to all but the first Pro; "minimal" to no Pro and to no Flash since 3.7.
// A model that is newer than this table is not sent what newer ones gave up.
void add_levels(const gemini_name& name, gemini_traits& traits) {
  traits.thinking = thinking_control::level;
  traits.medium_level = name.kind != family::pro || name.version > 300;
  traits.minimal_level
    = (name.kind == family::flash && name.version < 307) || (name.kind == family::flash_lite && name.version < 306);
}

int64_t budget_of(std::string_view effort) {
  struct row {
    std::string_view effort;
    int64_t tokens;
  };
  static constexpr std::array<row, 4> rows = {{{"minimal", 128}, {"low", 2'048}, {"medium", 8'192}, {"high", 24'576}}};
  for (const auto& one : rows)
    if (one.effort == effort)
      return one.tokens;
  return 32'768;
}

thinking_choice least_thinking(const gemini_traits& traits) {
  thinking_choice choice;
  choice.asked = true;
  if (traits.thinking == thinking_control::level) {
    choice.level = nearest_level(traits, "minimal");
  } else {
    choice.budgeted = true;
    choice.budget_tokens = traits.can_stop_thinking ? 0 : traits.budget_tokens_min;
  }
  return choice;
}

} // namespace

gemini_traits traits_of_gemini(std::string_view model_name) {
  gemini_traits traits;
  const auto name = read_name(model_name);
  if (!name)
    return traits;
  traits.signatures = name->version >= 300;
  traits.files_in_results = name->version >= 300;
  traits.url_files = name->version >= 205;
  traits.sampling = name->version < 306 && !(name->kind == family::flash_lite && name->version >= 305);
  // Models that draw, speak or stream think as they like, and refuse to be told how much.
  if (has(model_name, "image") || has(model_name, "-tts") || has(model_name, "-live") || has(model_name, "audio"))
    return traits;
  if (name->version >= 300)
    add_levels(*name, traits);
  else if (name->version >= 205)
    add_budgets(name->kind, traits);
  return traits;
}

std::string nearest_level(const gemini_traits& traits, std::string_view effort) {
  if (effort == "minimal")
    return traits.minimal_level ? "minimal" : "low";
  if (effort == "low")
    return "low";
  if (effort == "medium")
    return traits.medium_level ? "medium" : "high";
  return "high";
}

thinking_choice resolve_thinking(const gemini_traits& traits, std::string_view wanted, std::string_view effort,
                                 int64_t budget_tokens) {
  thinking_choice choice;
  if (traits.thinking == thinking_control::none)
    return choice;
  if (wanted == "off")
    return least_thinking(traits);
  choice.asked = true;
  choice.include_thoughts = true;
  if (traits.thinking == thinking_control::level) {
    if (!effort.empty())
      choice.level = nearest_level(traits, effort);
    return choice;
  }
  const bool named = wanted == "budget" || !effort.empty();
  choice.budgeted = named || !traits.thinks_unasked;
  const auto wish = wanted == "budget" ? budget_tokens : budget_of(effort);
  choice.budget_tokens = named ? std::clamp(wish, traits.budget_tokens_min, traits.budget_tokens_max) : -1;
  return choice;
}

} // namespace varro::google
