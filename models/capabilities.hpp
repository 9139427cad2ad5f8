// What a model's name tells: its family and version, its limits where the vendor's list has none, whether it can chat,
// and which family follows. Tables with the vendors' pages as sources; nothing here ends a model.
//
// Pure functions, any thread. Names come from vendors' lists and from people: any text is allowed.
#pragma once

#include "config/config.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace varro {

// "claude-sonnet-4-5-20250929": family "claude-sonnet", version 405. "gpt-6.2-sol": "gpt-sol", 602.
struct model_family {
  std::string family; // what stays when a new version comes
  int version = 0;    // 100 × major + minor; 0: the name has none ("gemini-flash-latest")
};
model_family family_of(std::string_view model_name);

// Whether both name the same model: the snapshot of a day, or what the vendor calls the latest, without that.
bool same_model(std::string_view a, std::string_view b);
// "gpt-5.5-2026-04-23" → "gpt-5.5".
std::string_view without_date(std::string_view model_name);

// False for what cannot hold a chat with tools: embeddings, speech, pictures, moderation…
bool can_chat(std::string_view model_name);

// Most capable first; families that nobody has ranked come last, all with families_ranked.
int rank_of_family(std::string_view family);
inline constexpr int families_ranked = 15;

// The family that the vendor continues this one by; often itself.
std::string continued_by(const model_family& model);

// The families of which the newest is what a new chat starts with, the first that is there.
std::span<const std::string_view> preferred_families();

struct known_limits {
  int64_t context_tokens_max = 0; // 0: not known
  int64_t output_tokens_max = 0;
  std::optional<bool> vision;
};
known_limits limits_of(std::string_view model_name);

// "2026-12-01", where the vendor's list does not tell when it ends and its pages do; for a mark, never to refuse.
std::string known_retirement(provider_kind kind, std::string_view model_name);

// What is offered until the vendor's list has been heard for the first time: names without a date.
struct fallback_model {
  std::string_view provider;
  std::string_view name;
  std::string_view label;
};
std::span<const fallback_model> fallback_models();

// "gpt-5.4-mini" → "GPT-5.4 mini"; other names as they are.
std::string label_of_name(std::string_view model_name);

} // namespace varro
