#include "models/capabilities.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace varro {

namespace {

constexpr size_t name_words_max = 32;
constexpr std::string_view separators = "-_/: ";

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

int number_of(std::string_view digits) {
  int number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

// Longer numbers are dates, revisions and sizes.
bool is_version_part(std::string_view word) {
  return is_digits(word) && word.size() <= 2;
}

// "6.2", "5", "4o", "o3": a version, and what stands around it.
struct version_word {
  int version = 0;
  bool whole = false;     // no minor number follows
  std::string_view extra; // "o"
};

std::optional<version_word> read_version(std::string_view word) {
  if (word.size() > 1 && word.front() == 'o' && is_version_part(word.substr(1)))
    return version_word{number_of(word.substr(1)) * 100, true, "o"};
  if (word.size() > 1 && word.back() == 'o' && is_version_part(word.substr(0, word.size() - 1)))
    return version_word{number_of(word) * 100, true, "o"};
  if (is_version_part(word))
    return version_word{number_of(word) * 100, false, {}};
  auto dot = word.find('.');
  if (dot == std::string_view::npos)
    return std::nullopt;
  auto major = word.substr(0, dot), minor = word.substr(dot + 1);
  if (!is_version_part(major) || !is_version_part(minor))
    return std::nullopt;
  return version_word{number_of(major) * 100 + number_of(minor), true, {}};
}

// Of a name: not of the family.
constexpr std::array<std::string_view, 4> unfamiliar_words = {"latest", "preview", "exp", "experimental"};

// Tables. Sources: developers.openai.com/api/docs/models and /api/docs/deprecations,
// platform.claude.com/docs/en/models/overview and ai.google.dev/gemini-api/docs/models and /docs/deprecations, November
// 2026.

// Kinds of models that their names tell, as whole words. Vendors list them beside those that chat.
constexpr std::array<std::string_view, 42> speechless = {
  "embedding",     "embeddings",   "embed",       "tts",        "whisper",        "transcribe",     "transcription",
  "audio",         "realtime",     "live",        "translate",  "speech",         "image",          "images",
  "imagen",        "dall-e",       "sora",        "veo",        "lyria",          "video",          "moderation",
  "davinci-002",   "babbage-002",  "ada",         "curie",      "turbo-instruct", "search-preview", "search-api",
  "deep-research", "computer-use", "robotics",    "aqa",        "rerank",         "reranker",       "guard",
  "ocr",           "bge",          "nano-banana", "omni-flash", "gemma-3",        "gemma-3n",       "diffusion",
};

constexpr std::array<std::string_view, families_ranked> ranked_families = {
  "claude-mythos", "claude-fable",      "claude-opus", "claude-sonnet", "claude-haiku",
  "gpt-astra",     "gpt-sol",           "gpt-terra",   "gpt-luna",      "gemini-pro",
  "gemini-flash",  "gemini-flash-lite", "gpt",         "gpt-mini",      "gpt-nano",
};

// Anthropic's and OpenAI's middle sizes are what they recommend for everyday work; Gemini Flash asks for no billing.
constexpr std::array<std::string_view, 7> preferred = {
  "claude-sonnet", "gpt-sol", "gpt-terra", "gemini-flash", "claude-opus", "claude-haiku", "gemini-pro",
};

// What OpenAI's page of deprecations recommends for those that end; the last row that is not newer holds.
struct continuation {
  std::string_view family;
  int version_min;
  std::string_view by;
};
constexpr std::array<continuation, 12> continuations = {{
  {"gpt", 0, "gpt-luna"},
  {"gpt", 500, "gpt-sol"},
  {"gpt-o", 0, "gpt-luna"},
  {"gpt-o-mini", 0, "gpt-luna"},
  {"gpt-mini", 0, "gpt-luna"},
  {"gpt-mini", 500, "gpt-terra"},
  {"gpt-nano", 0, "gpt-luna"},
  {"gpt-pro", 0, "gpt-sol"},
  {"gpt-codex", 0, "gpt-sol"},
  {"o", 0, "gpt-sol"},
  {"o-pro", 0, "gpt-sol"},
  {"o-mini", 0, "gpt-terra"},
}};

// The first row holds whose family the model's begins with and that is not newer than the model.
struct limits_row {
  std::string_view family;
  int version_min;
  known_limits limits;
};
constexpr std::array<limits_row, 35> limit_rows = {{
  {"claude-mythos", 0, {1'000'000, 128'000, true}},
  {"claude-fable", 0, {1'000'000, 128'000, true}},
  {"claude-opus", 406, {1'000'000, 128'000, true}},
  {"claude-opus", 405, {200'000, 64'000, true}},
  {"claude-opus", 400, {200'000, 32'000, true}},
  {"claude-sonnet", 500, {1'000'000, 128'000, true}},
  {"claude-haiku", 500, {1'000'000, 128'000, true}},
  {"claude-", 307, {200'000, 64'000, true}},
  {"claude-", 305, {200'000, 8'192, true}},
  {"claude-", 300, {200'000, 4'096, true}},
  {"gpt-astra", 0, {1'050'000, 128'000, true}},
  {"gpt-sol", 0, {1'050'000, 128'000, true}},
  {"gpt-terra", 0, {1'050'000, 128'000, true}},
  {"gpt-luna", 0, {1'050'000, 128'000, true}},
  {"gpt-oss", 0, {131'072, 65'536, false}},
  {"gpt-o", 0, {128'000, 16'384, true}},
  {"gpt-turbo", 400, {128'000, 4'096, true}},
  {"gpt-turbo", 0, {16'385, 4'096, false}},
  {"gpt-mini", 500, {400'000, 128'000, true}},
  {"gpt-nano", 500, {400'000, 128'000, true}},
  {"gpt-codex", 500, {400'000, 128'000, true}},
  {"gpt", 504, {1'050'000, 128'000, true}},
  {"gpt", 500, {400'000, 128'000, true}},
  {"gpt", 401, {1'047'576, 32'768, true}},
  {"gpt", 400, {8'192, 4'096, false}},
  {"o-mini", 400, {200'000, 100'000, true}},
  {"o-mini", 0, {200'000, 100'000, false}},
  {"o-pro", 100, {200'000, 100'000, true}},
  {"gemini-", 205, {1'048'576, 65'536, true}},
  {"gemini-", 200, {1'048'576, 8'192, true}},
  {"gemma-", 400, {262'144, 32'768, true}},
  {"deepseek-", 0, {0, 0, false}},
  {"llama-", 400, {0, 0, true}},
  {"llama-", 0, {0, 0, false}},
  {"qwen", 0, {0, 0, false}},
}};

struct retirement {
  std::string_view name;
  std::string_view on;
};
// ai.google.dev/gemini-api/docs/deprecations; Google's list has no dates.
constexpr std::array<retirement, 3> google_retirements = {{
  {"gemini-2.5-pro", "2026-12-01"},
  {"gemini-2.5-flash", "2026-12-01"},
  {"gemini-3.1-flash-lite", "2027-05-07"},
}};

// platform.claude.com/docs/en/about-claude/model-deprecations, for lists without a lifecycle.
constexpr std::array<retirement, 2> anthropic_retirements = {{
  {"claude-sonnet-4-5", "2026-11-30"},
  {"claude-sonnet-4-5-20250929", "2026-11-30"},
}};

// platform.openai.com/docs/deprecations; OpenAI's list has no dates for most models.
constexpr std::array<retirement, 3> openai_retirements = {{
  {"gpt-5", "2026-12-11"},
  {"gpt-5-mini", "2026-12-11"},
  {"gpt-4o", "2027-01-14"},
}};

// Google's three are aliases that it points at living models; Anthropic and OpenAI have none for their current ones.
constexpr std::array<fallback_model, 9> fallbacks = {{
  {"anthropic", "claude-sonnet-5-5", "Claude Sonnet 5.5"},
  {"anthropic", "claude-opus-5-5", "Claude Opus 5.5"},
  {"anthropic", "claude-haiku-5-5", "Claude Haiku 5.5"},
  {"openai", "gpt-6.2-sol", "GPT-6.2 Sol"},
  {"openai", "gpt-6.2-astra", "GPT-6.2 Astra"},
  {"openai", "gpt-6-luna", "GPT-6 Luna"},
  {"google", "gemini-flash-latest", "Gemini Flash (latest)"},
  {"google", "gemini-pro-latest", "Gemini Pro (latest)"},
  {"google", "gemini-flash-lite-latest", "Gemini Flash-Lite (latest)"},
}};

} // namespace

model_family family_of(std::string_view model_name) {
  model_family result;
  // "openai/gpt-oss-120b": what gateways put in front is not the model's.
  if (auto slash = model_name.find_last_of('/'); slash != std::string_view::npos)
    model_name.remove_prefix(slash + 1);
  auto name = ascii_lower(model_name);
  bool seen = false;
  auto words = words_of(name, separators, name_words_max);
  for (size_t i = 0; i < words.size(); ++i) {
    auto word = words[i];
    auto version = seen ? std::nullopt : read_version(word);
    if (version) {
      seen = true;
      result.version = version->version;
      if (!version->whole && i + 1 < words.size() && is_version_part(words[i + 1]))
        result.version += number_of(words[++i]);
      word = version->extra;
    }
    if (word.empty() || is_digits(word)
        || std::find(unfamiliar_words.begin(), unfamiliar_words.end(), word) != unfamiliar_words.end())
      continue;
    result.family += (result.family.empty() ? "" : "-") + std::string{word};
  }
  return result;
}

std::string_view without_date(std::string_view name) {
  // -20250929 and -2026-04-23; other numbers at the end are versions and sizes.
  auto ends_in = [&](std::string_view shape) {
    if (name.size() <= shape.size())
      return false;
    auto tail = name.substr(name.size() - shape.size());
    return std::equal(tail.begin(), tail.end(), shape.begin(),
                      [](char c, char form) { return form == '0' ? c >= '0' && c <= '9' : c == form; });
  };
  for (std::string_view shape : {"-00000000", "-0000-00-00"})
    if (ends_in(shape))
      return name.substr(0, name.size() - shape.size());
  return name;
}

bool same_model(std::string_view a, std::string_view b) {
  auto stem = [](std::string_view name) {
    constexpr std::string_view latest = "-latest";
    return name.ends_with(latest) ? name.substr(0, name.size() - latest.size()) : without_date(name);
  };
  // Two snapshots of different days are two models.
  return a == b
    || (stem(a) == stem(b) && (stem(a) == a || stem(b) == b || a.ends_with("-latest") || b.ends_with("-latest")));
}

bool can_chat(std::string_view model_name) {
  auto name = "-" + ascii_lower(model_name) + "-";
  for (auto& c : name)
    if (c == '/' || c == '_' || c == ':' || c == ' ')
      c = '-';
  return std::none_of(speechless.begin(), speechless.end(), [&](std::string_view word) {
    return name.find("-" + std::string{word} + "-") != std::string::npos;
  });
}

int rank_of_family(std::string_view family) {
  auto found = std::find(ranked_families.begin(), ranked_families.end(), family);
  return static_cast<int>(found - ranked_families.begin());
}

std::string continued_by(const model_family& model) {
  std::string_view by = model.family;
  for (const auto& row : continuations)
    if (row.family == model.family && model.version >= row.version_min)
      by = row.by;
  return std::string{by};
}

std::span<const std::string_view> preferred_families() {
  return preferred;
}

known_limits limits_of(std::string_view model_name) {
  auto model = family_of(model_name);
  for (const auto& row : limit_rows)
    if (model.family.starts_with(row.family) && (model.version >= row.version_min || model.version == 0))
      return row.limits;
  if (model.family == "o")
    return {200'000, 100'000, true};
  return {};
}

std::string known_retirement(provider_kind kind, std::string_view model_name) {
  const auto in = [&](const auto& rows) {
    for (const auto& row : rows)
      if (row.name == model_name)
        return std::string{row.on};
    return std::string{};
  };
  switch (kind) {
  case provider_kind::google:
    return in(google_retirements);
  case provider_kind::openai:
  case provider_kind::openai_responses:
    return in(openai_retirements);
  case provider_kind::anthropic:
    return in(anthropic_retirements);
  case provider_kind::offline:
    break;
  }
  return {};
}

std::span<const fallback_model> fallback_models() {
  return fallbacks;
}

std::string label_of_name(std::string_view model_name) {
  if (!model_name.starts_with("gpt-") || model_name.size() < 5 || model_name[4] < '0' || model_name[4] > '9')
    return std::string{model_name};
  std::string label = "GPT";
  auto words = words_of(model_name.substr(4), separators, name_words_max);
  for (size_t i = 0; i < words.size(); ++i) {
    std::string word{words[i]};
    if (i > 0 && word != "mini" && word != "nano" && word.front() >= 'a' && word.front() <= 'z')
      word.front() = static_cast<char>(word.front() - 32);
    label += (i == 0 || (is_digits(words[i]) && is_digits(words[i - 1])) ? "-" : " ") + word;
  }
  return label;
}

} // namespace varro
