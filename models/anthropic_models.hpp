// What each Claude model can do, as far as a request must know it. Pure functions, any thread.
#pragma once

#include "config/config.hpp"

#include <cstdint>
#include <string_view>

namespace varro {

// What stands in a request's `thinking`: nothing, or an object of this type.
enum class thinking_mode { none, budget, adaptive, disabled, between_tools };

// How a model is kept from thinking.
enum class thinking_off {
  omitted,       // it does not think unless it is asked to
  disabled,      // {type: disabled}
  between_tools, // {type: between_tools}: none at the beginning, short notes between tool calls
  never,         // it always thinks; a low effort is the least
};

// Sources: platform.claude.com/docs/en/build-with-claude/thinking, …/effort, …/preserved-thinking, and the migration
// guides of the 5 and 5.5 models.
struct claude_traits {
  bool budget_thinking = false;   // thinking {type: enabled, budget_tokens}
  bool adaptive_thinking = false; // thinking {type: adaptive}
  bool hides_thinking = false;    // thinking comes back empty unless `display` asks for its summary
  bool sampling = true;           // temperature, top_p and top_k are accepted
  bool forced_tools = true;       // tool_choice any and tool are accepted
  int64_t output_tokens_max = 0;  // 0: as many as a request may ask for
  thinking_off off = thinking_off::omitted;
  // The greatest of output_config.effort: "high", "max" (which has no xhigh below it before 4.7) or "" for no such
  // field.
  std::string_view effort_max = "";
  bool xhigh_effort = false;
  // Thinking that comes back is bound to what stood before it: a request that changes that is refused, unless it says
  // that such thinking shall be dropped (thinking.block_binding).
  bool bound_thinking = false;
};

// By the vendor's name of the model ("claude-sonnet-4-5-20250929", "claude-3-7-sonnet-latest"). A Claude that this
// table does not know is taken for a newer one; what is no Claude at all (other vendors speak this wire too) has no
// thinking.
claude_traits traits_of_claude(std::string_view model_name);

// The same, but where the vendor's list told which kinds of thinking and which efforts the model takes, by that.
claude_traits traits_of_claude(const model_config& model);

// The thinking that `wanted` ("off", "auto", "adaptive", "budget", "between_tools") comes to with such a model: what it
// cannot do is replaced by what it can.
thinking_mode resolve_thinking(std::string_view wanted, const claude_traits& traits);

// The word for output_config.effort that comes nearest to `wanted` ("minimal" … "max", "" for the model's own), or "".
// Without thinking nothing above high is accepted; where thinking was to be off and cannot be, it is the lowest.
std::string_view resolve_effort(std::string_view wanted, std::string_view thinking, const claude_traits& traits);

} // namespace varro
