#include "models/openai_models.hpp"

#include "models/openai_chat_quirks.hpp"

#include <algorithm>
#include <array>

namespace varro {

namespace {

using enum responses_need;

constexpr std::string_view effort_names[] = {"none", "minimal", "low", "medium", "high", "xhigh", "max"};

constexpr std::string_view to_max = "low medium high xhigh max";
constexpr std::string_view none_to_max = "none low medium high xhigh max";
constexpr std::string_view none_to_xhigh = "none low medium high xhigh";
constexpr std::string_view to_high = "low medium high";

constexpr int64_t million = 1'050'000; // input and output together; 922,000 of it are input
constexpr int64_t answer = 128'000;

constexpr openai_traits foreign{};

// The first row whose family begins the name, at a word's end, is the model's: a longer name stands before a shorter
// one. The first row is also that of what is not known yet: it asks for nothing that any model of today refuses.
constexpr openai_traits table[] = {
  {"gpt-6.2", to_max, true, reasoning_tools, true, million, answer},
  {"gpt-6.1-terra", none_to_max, true, reasoning_tools, true, million, answer},
  {"gpt-6.1", to_max, true, reasoning_tools, true, million, answer},
  {"gpt-6-sol", none_to_max, true, reasoning_tools, true, million, answer},
  {"gpt-6-luna", none_to_max, true, reasoning_tools, true, million, answer},
  {"gpt-6", to_max, true, reasoning_tools, true, million, answer},
  {"gpt-5.6", none_to_max, true, reasoning_tools, true, million, answer},
  {"gpt-5.5-pro", "medium high xhigh", true, always, true, million, answer},
  {"gpt-5.5", none_to_xhigh, true, reasoning_tools, true, million, answer},
  {"gpt-5.4-pro", "medium high xhigh", true, always, true, million, answer},
  {"gpt-5.4-mini", none_to_xhigh, false, reasoning_tools, true, 400'000, answer},
  {"gpt-5.4-nano", none_to_xhigh, false, reasoning_tools, true, 400'000, answer},
  {"gpt-5.4", none_to_xhigh, false, reasoning_tools, true, million, answer},
  {"gpt-5.3-chat", "medium", true, never, false, 128'000, 16'384},
  {"gpt-5.3", none_to_xhigh, false, reasoning_tools, true, 400'000, answer},
  {"gpt-5.2-pro", "medium high xhigh", true, always, false, 400'000, answer},
  {"gpt-5.2-chat", "medium", true, never, false, 128'000, 16'384},
  {"gpt-5.2", none_to_xhigh, false, reasoning_tools, false, 400'000, answer},
  {"gpt-5.1-codex-max", "low medium high xhigh", true, always, false, 400'000, answer},
  {"gpt-5.1-codex", to_high, true, always, false, 400'000, answer},
  {"gpt-5.1-chat", "medium", true, never, false, 128'000, 16'384},
  {"gpt-5.1", "none low medium high", false, never, false, 400'000, answer},
  {"gpt-5-chat", "", false, never, false, 128'000, 16'384},
  {"gpt-5-pro", "high", true, always, false, 400'000, 272'000},
  {"gpt-5-codex", to_high, true, always, false, 400'000, answer},
  {"gpt-5", "minimal low medium high", true, never, false, 400'000, answer},
  {"o4-mini-deep-research", "medium", true, always, false, 200'000, 100'000},
  {"o4", to_high, true, never, false, 200'000, 100'000},
  {"o3-deep-research", "medium", true, always, false, 200'000, 100'000},
  {"o3", to_high, true, never, false, 200'000, 100'000},
  {"o1-mini", "medium", true, never, false, 128'000, 65'536},
  {"o1-preview", "medium", true, never, false, 128'000, 32'768},
  {"o1", to_high, true, never, false, 200'000, 100'000},
  {"codex-mini", to_high, true, always, false, 200'000, 100'000},
  {"computer-use-preview", "medium", true, always, false, 8'192, 1'024},
  {"gpt-4.1", "", false, never, false, 1'047'576, 32'768},
  {"gpt-4o", "", false, never, false, 128'000, 16'384},
  {"chatgpt-4o", "", false, never, false, 128'000, 16'384},
  {"gpt-4-turbo", "", false, never, false, 128'000, 4'096},
  {"gpt-4", "", false, never, false, 8'192, 4'096},
  {"gpt-3.5-turbo", "", false, never, false, 16'385, 4'096},
};

bool starts_with(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "gpt-5" begins gpt-5-mini and gpt-5-2025-08-07, not gpt-5.7 or gpt-50.
bool begins(std::string_view family, std::string_view name) {
  return starts_with(name, family) && (name.size() == family.size() || name[family.size()] == '-');
}

std::string_view bare_name(std::string_view name) {
  for (const std::string_view head : {"openai/", "ft:"})
    if (starts_with(name, head))
      name.remove_prefix(head.size());
  return name.substr(0, name.find(':'));
}

// A version or a number behind the series' name: gpt-7, gpt-5.9-nova, o5-mini. Not gpt-oss, gpt-image.
bool is_numbered(std::string_view name) {
  const size_t at = starts_with(name, "gpt-") ? 4 : starts_with(name, "o") ? 1 : std::string_view::npos;
  return at < name.size() && is_digit(name[at]);
}

// Of what the table does not know by name, the kinds that never had chat completions.
bool is_responses_only_kind(std::string_view name) {
  for (const std::string_view kind : {"-pro", "codex", "deep-research", "computer-use", "-cyber", "-rosalind", "-law"})
    if (name.find(kind) != std::string_view::npos)
      return true;
  return false;
}

const openai_traits* find_row(std::string_view name) {
  for (const auto& row : table)
    if (begins(row.family, name))
      return &row;
  return nullptr;
}

const openai_traits& newest() {
  return table[0];
}

int rank(std::string_view effort) {
  for (size_t i = 0; i < std::size(effort_names); ++i)
    if (effort_names[i] == effort)
      return static_cast<int>(i);
  return -1;
}

} // namespace

bool openai_traits::knows(std::string_view effort) const {
  for (auto rest = efforts; !rest.empty();) {
    const auto end = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, end) == effort)
      return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

bool is_openai(const model_config& model) {
  const auto vendor = openai_chat::quirks_of(model).provider;
  return vendor == "openai" || vendor == "azure";
}

const openai_traits& traits_of_openai_model(std::string_view name) {
  name = bare_name(name);
  if (const auto* row = find_row(name))
    return *row;
  return is_numbered(name) ? newest() : foreign;
}

const openai_traits& traits_of_openai_model(const model_config& model) {
  const auto& traits = traits_of_openai_model(std::string_view(model.name));
  // Azure's names are those of deployments, which the user chose: they tell nothing.
  const bool at_openai = openai_chat::host_of(model.base_url).find("api.openai.com") != std::string_view::npos;
  return traits.family.empty() && at_openai ? newest() : traits;
}

std::string nearest_effort(const openai_traits& traits, std::string_view wanted) {
  if (!traits.reasons())
    return traits.family.empty() ? std::string(wanted) : "";
  const int goal = rank(wanted);
  if (goal < 0)
    return std::string(wanted);
  std::string_view best;
  for (const auto name : effort_names) {
    if (!traits.knows(name))
      continue;
    // "none" is no small amount of reasoning but its absence: it is only given to who asks for it.
    if (name == "none" && wanted != "none")
      continue;
    if (best.empty() || rank(name) <= goal)
      best = name;
  }
  return std::string(best);
}

std::string configured_effort(const openai_traits& traits, const model_config& model) {
  if (model.thinking == "off")
    return traits.reasons() ? nearest_effort(traits, "none") : "";
  return model.effort.empty() ? "" : nearest_effort(traits, model.effort);
}

bool takes_sampling(const openai_traits& traits, std::string_view effort) {
  if (!traits.reasons())
    return true;
  return traits.can_stop_reasoning() && (effort.empty() ? !traits.reasons_by_default : effort == "none");
}

provider_kind wire_of(const model_config& model) {
  if (!model.either_openai_api)
    return model.kind;
  const auto& traits = traits_of_openai_model(model);
  if (traits.family.empty())
    return model.kind;
  if (traits.needs_responses == always || is_responses_only_kind(bare_name(model.name)))
    return provider_kind::openai_responses;
  const auto effort = configured_effort(traits, model);
  const bool reasons = effort.empty() ? traits.reasons_by_default : effort != "none";
  const bool needed = traits.needs_responses == reasoning_tools && model.tools && reasons;
  return needed ? provider_kind::openai_responses : model.kind;
}

} // namespace varro
