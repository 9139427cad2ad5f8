// What a vendor's model takes, told by its name as the vendors document it; names that no vendor has take everything.
//
// Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace varro::bench {

// The number that follows `prefix` in a name: 506 for "gpt-5.6-sol" after "gpt-"; 0 for any other name.
int version_after(std::string_view prefix, std::string_view model);

// --- OpenAI ----------------------------------------------------------------------------------------------------------
// https://developers.openai.com/api/docs/guides/reasoning and .../guides/latest-model, November 2026.

// The values that `reasoning.effort` may have; empty when the name is not known, so that any may be sent. `max` is only
// known to the Responses API.
std::vector<std::string> openai_efforts(std::string_view model, bool responses_api);
// What a request without an effort gets; empty when the name is not known.
std::string openai_default_effort(std::string_view model);
bool openai_never_reasons(std::string_view model);      // gpt-4o and its like: no reasoning, no encrypted content
bool openai_responses_only(std::string_view model);     // -pro and codex models
bool openai_chat_without_tools(std::string_view model); // function tools on chat completions only with effort `none`
bool openai_marks_phases(std::string_view model);       // its messages say `phase`

// --- Anthropic -------------------------------------------------------------------------------------------------------
// https://platform.claude.com/docs/en/build-with-claude/preserved-thinking, .../thinking, .../vision and the pages of
// the models, November 2026.

struct claude_name {
  std::string family; // "opus", "sonnet", "haiku", "fable", "mythos"; empty: no name of Anthropic's
  int version = 0;    // 505 for "claude-opus-5-5", 407 for "claude-opus-4-7-20260416"
};
claude_name read_claude_name(std::string_view model);

bool claude_binds_thinking(std::string_view model); // its thinking blocks hold for one prefix only
// Whether `reader` can use a thinking block that `producer` made; names that are not Anthropic's read each other's.
bool claude_reads(std::string_view reader, std::string_view producer);

enum class claude_thinking { adaptive, enabled, disabled, between_tools };
// Empty if the model takes this kind of thinking, else what the vendor says.
std::string claude_refuses_thinking(std::string_view model, claude_thinking kind, std::string_view effort);
bool claude_thinks_unasked(std::string_view model); // without a `thinking` in the request
bool claude_hides_thinking(std::string_view model); // unless `display` is "summarized"
bool claude_fixed_sampling(std::string_view model); // takes no temperature, top_p, top_k
int claude_images_max(std::string_view model);      // images and document pages of a request

// --- Google ----------------------------------------------------------------------------------------------------------
// https://ai.google.dev/gemini-api/docs/thinking and .../thought-signatures, November 2026.

int gemini_version(std::string_view model);           // 205 for "gemini-2.5-pro", 300 for "gemini-3-flash"; 0: none
bool gemini_wants_signatures(std::string_view model); // a call of the current turn must come back with its signature
struct budget_range {
  int64_t least = 0;
  int64_t most = 0;
  bool may_be_off = true;
};
budget_range gemini_budgets(std::string_view model);            // of thinkingBudget
std::vector<std::string> gemini_levels(std::string_view model); // of thinkingLevel; empty: it knows none

} // namespace varro::bench
