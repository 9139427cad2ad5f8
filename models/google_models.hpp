// What each Gemini model can do, as far as a request must know it. Pure functions, any thread.
//
// Sources: ai.google.dev/gemini-api/docs/thinking (levels and budgets of each model), …/thought-signatures,
// …/function-calling#multimodal (files in function responses), …/latest-model (sampling parameters since 3.6).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace varro::google {

// How a model is told how much to think. Both at once, or the wrong one, is a 400.
enum class thinking_control {
  none,   // such a field is refused, or nothing is known about it
  budget, // thinkingConfig.thinkingBudget, in tokens
  level,  // thinkingConfig.thinkingLevel
};

struct gemini_traits {
  thinking_control thinking = thinking_control::none;
  int64_t budget_tokens_min = 0; // of a budget that is neither 0 (off) nor -1 (the model decides)
  int64_t budget_tokens_max = 0;
  bool can_stop_thinking = false; // a budget of 0 is taken
  bool thinks_unasked = true;     // without a budget it decides by itself; else it does not think
  bool minimal_level = false;     // levels are "low" and "high", and these
  bool medium_level = false;
  bool signatures = false;       // the first call of an answer must come back with its thought signature
  bool files_in_results = false; // a function response may have parts of its own
  bool url_files = false;        // fileData takes public addresses
  bool sampling = true;          // temperature, topP and topK are not ignored or refused
};

// By the vendor's name of the model, with or without "models/" before it ("gemini-2.5-flash-lite",
// "gemini-3.1-pro-preview", "gemini-flash-latest"). A Gemini of a version that is not known yet is taken for the newest
// one; of what is no Gemini nothing is expected.
gemini_traits traits_of_gemini(std::string_view model_name);

// What thinkingConfig says for a wish; "" and 0 stand for absent fields.
struct thinking_choice {
  bool asked = false; // a thinkingConfig is sent
  bool include_thoughts = false;
  std::string level;     // "minimal" | "low" | "medium" | "high"
  bool budgeted = false; // `budget_tokens` is meant
  int64_t budget_tokens = 0;
};

// `wanted` is a word of model_config::thinking; `effort` one of model_config::effort, or "". What the model does not
// know is replaced by the nearest that it does: a model that cannot stop thinking thinks as little as it can.
thinking_choice resolve_thinking(const gemini_traits& traits, std::string_view wanted, std::string_view effort,
                                 int64_t budget_tokens);

// The nearest level of such a model to an effort ("minimal" to "max"). REQUIRES: it has levels.
std::string nearest_level(const gemini_traits& traits, std::string_view effort);

} // namespace varro::google
