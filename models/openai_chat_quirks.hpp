// In what the vendors of the chat completions wire differ from one another: one table.
#pragma once

#include "config/config.hpp"
#include "models/wire_content.hpp"

#include <string>
#include <string_view>

namespace varro::openai_chat {

// How thinking of earlier answers goes back.
enum class thinking_replay {
  same_field, // under the field it came in, if this vendor sent it; any other thinking as <think> text
  one_field,  // always under `thinking_field`, which must be there on turns with tool calls
  tags,       // as <think> text
  chunks,     // as a chunk of a content list
};

// How a wish for more or less thinking is said.
enum class thinking_request {
  none,             // not at all
  reasoning_effort, // "reasoning_effort": "low"…
  groq,             // the same, besides "reasoning_format": "parsed"
  reasoning_object, // "reasoning": {"effort": …}
  thinking_object,  // "thinking": {"type": "enabled"}
  gemini,           // "reasoning_effort" with what the model of Google knows, also to turn thinking off
};

// What stands in an assistant message that has tool calls only.
enum class empty_content { null_value, empty_text, absent };

struct quirks {
  std::string_view provider; // model_config::provider
  std::string_view host;     // or a part of the base URL's host, when the provider is not in the table
  std::string_view max_tokens_field = "max_tokens";
  bool stream_options = true;           // {"include_usage": true} is understood
  std::string_view thinking_field = ""; // where this vendor's reasoning stands; "": wherever it is found
  thinking_replay replay = thinking_replay::same_field;
  thinking_request request = thinking_request::none;
  bool unnamed_thinking = false; // parts do not say which field they came from (pydantic-ai's form for this vendor)
  empty_content no_text = empty_content::null_value;
  std::string_view required_choice = "required";
  bool choice_none = true;      // tool_choice "none" works beside tools; else the tools are left out
  bool parallel_setting = true; // parallel_tool_calls is accepted
  std::string_view seed_field = "seed";
  bool documents = false;                   // {"type": "file"} parts with a PDF are accepted
  bool reply_between_tool_and_user = false; // a user message right after a tool message is refused
  bool thought_signatures = false;          // calls must bring back the signature that they came with (Google)
  bool downstream_details = false;          // provider, cost and native_finish_reason are kept (OpenRouter)
  call_id_rule call_ids = {.length_max = 256};
};

// Whether there are words for this model's server by which it is told not to think, or that are not needed.
bool can_ask_for_no_thinking(const model_config& model);

// The row of a model's vendor: by provider name, then by host; the default row is plain chat completions.
const quirks& quirks_of(const model_config& model);

// The host (and port) of a URL, "" when there is none.
std::string_view host_of(std::string_view url);

// The role that instructions have: "system", but for the few models that know no such role.
std::string_view system_role(const model_config& model);

// Whether a call of some tool can be demanded of this model.
bool can_force_tools(std::string_view provider, std::string_view model_name);

} // namespace varro::openai_chat
