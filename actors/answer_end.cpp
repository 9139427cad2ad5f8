#include "actors/answer_end.hpp"

#include "base/text.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <algorithm>

namespace varro {

// The number is ours only where it is sent; elsewhere it is the vendor's own.
std::string output_limit_words(const model_config& model) {
  const bool sent
    = model.kind == provider_kind::anthropic || model.output_tokens_max != model_config{}.output_tokens_max;
  return sent
    ? " The limit is output_tokens_max = " + std::to_string(model.output_tokens_max) + " for " + model.id + "."
    : " The limit is the vendor's own; output_tokens_max of a [[model]] sets another.";
}

bool is_paused(const model_response& response) {
  return text_member(response.provider_details, "finish_reason") == "pause_turn";
}

bool is_asked_next(const message& last) {
  const auto* response = std::get_if<model_response>(&last);
  return response == nullptr || is_paused(*response);
}

std::string unfinished_reason(const model_response& response, const model_config& model) {
  auto finish = response.finish_reason.value_or("");
  auto details = [&](const char* name) {
    const auto& value = member(response.provider_details, name);
    return value.is_string() ? value.get<std::string>() : value.is_null() ? std::string{} : dump_json(value);
  };
  if (finish == "length")
    return details("finish_reason") == "model_context_window_exceeded"
      ? "The answer was cut off: the context of " + model.id + " is full."
      : "The answer was cut off: the model reached its limit of output tokens, or its context is full."
        + output_limit_words(model);
  if (finish == "content_filter") {
    auto why = details("refusal");
    for (const auto* name : {"finish_message", "block_reason_message", "block_reason"})
      if (why.empty())
        why = details(name);
    auto category = details("refusal_category");
    return "The vendor refused this answer" + (category.empty() ? "" : " (" + category + ")")
      + (why.empty() ? ": its content filter stopped it." : ": " + why)
      + " What it had begun with is not sent to the model again.";
  }
  if (finish == "error") {
    auto why = details("finish_message");
    if (why.empty())
      why = details("finish_reason");
    return "The vendor reported an error in the middle of the answer" + (why.empty() ? "." : ": " + why);
  }
  for (const auto& part : response.parts) {
    if (const auto* text = std::get_if<text_part>(&part)) {
      if (!is_blank(text->content))
        return {};
    } else if (!std::holds_alternative<thinking_part>(part)) {
      return {};
    }
  }
  return "The model's answer was empty. Send the message again, or choose another model.";
}

bool is_garbled_call(const model_response& response) {
  const bool calls = std::any_of(response.parts.begin(), response.parts.end(), [](const response_part& part) {
    return std::holds_alternative<tool_call_part>(part);
  });
  return !calls && response.finish_reason == "error"
    && text_member(response.provider_details, "finish_reason") == "MALFORMED_FUNCTION_CALL";
}

void drop_calls(model_response& response) {
  std::erase_if(response.parts, [](const response_part& part) { return std::holds_alternative<tool_call_part>(part); });
}

} // namespace varro
