// What each Claude model can do, as far as a request must know it. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace varro {

enum class thinking_mode { none, budget, adaptive };

struct claude_traits {
  bool budget_thinking = false;   // thinking {type: enabled, budget_tokens}
  bool adaptive_thinking = false; // thinking {type: adaptive}
  bool hides_thinking = false;    // thinking comes back empty unless `display` asks for its summary
  bool sampling = true;           // temperature, top_p and top_k are accepted
  bool forced_tools = true;       // tool_choice any and tool are accepted
  int64_t output_tokens_max = 0;  // 0: as many as a request may ask for
};

// By the vendor's name of the model ("claude-sonnet-4-5-20250929", "claude-3-7-sonnet-latest"). A Claude that this
// table does not know is taken for a newer one; what is no Claude at all (other vendors speak this wire too) has no
// thinking.
claude_traits traits_of_claude(std::string_view model_name);

// The thinking that `wanted` ("off", "auto", "adaptive", "budget") comes to with such a model: what it cannot do is
// replaced by what it can.
thinking_mode resolve_thinking(std::string_view wanted, const claude_traits& traits);

} // namespace varro
