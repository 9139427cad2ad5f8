// A history as the `contents` of a generateContent request.
#pragma once

#include "models/google_models.hpp"
#include "models/provider.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro::google {

// What stands for a signature that a call of another vendor's model never had; the API then does not look for one.
// Source: ai.google.dev/gemini-api/docs/thought-signatures, "FAQs".
inline constexpr std::string_view no_signature = "skip_thought_signature_validator";

// The name inside provider_details that thought signatures have; pydantic-ai's own, so that histories move between the
// two.
inline constexpr const char* signature_detail = "thought_signature";

struct encoded_history {
  json contents = json::array();
  std::vector<std::string> system; // texts of the system prompts in the history
};

// REQUIRES: query.history is not null. Pure function, any thread.
encoded_history encode_history(const model_query& query, const gemini_traits& traits);

// The signature that Google gave to a part of a response, or nothing. Both of Google's wires are understood: a chat may
// move from one to the other.
std::optional<std::string> signature_of(const json& provider_details);

// Whether a name of a provider, as parts and responses carry it, means the one that is asked now. Histories of
// pydantic-ai call Google "google" or, before its version 2, "google-gla".
bool is_same_provider(const std::optional<std::string>& name, const std::string& asked);

} // namespace varro::google
