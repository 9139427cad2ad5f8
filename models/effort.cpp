#include "models/effort.hpp"

#include "models/anthropic_models.hpp"
#include "models/google_models.hpp"
#include "models/openai_chat_quirks.hpp"
#include "models/openai_models.hpp"

#include <algorithm>

namespace varro {

namespace {

enum class thinking_end { stops, notes, never, unknown };

thinking_end end_of_thinking(const model_config& model) {
  if (model.kind == provider_kind::anthropic)
    switch (traits_of_claude(model).off) {
    case thinking_off::never:
      return thinking_end::never;
    case thinking_off::between_tools:
      return thinking_end::notes;
    case thinking_off::omitted:
    case thinking_off::disabled:
      break;
    }
  if (model.kind == provider_kind::openai && !openai_chat::can_ask_for_no_thinking(model))
    return thinking_end::unknown;
  if (model.kind == provider_kind::openai || model.kind == provider_kind::openai_responses) {
    const auto& traits = traits_of_openai_model(model);
    return traits.reasons() && !traits.can_stop_reasoning() ? thinking_end::never : thinking_end::stops;
  }
  if (model.kind == provider_kind::google) {
    const auto traits = google::traits_of_gemini(model.name);
    const bool thinks = traits.thinking != google::thinking_control::none;
    return thinks && !traits.can_stop_thinking ? thinking_end::never : thinking_end::stops;
  }
  return thinking_end::stops;
}

} // namespace

bool is_effort(std::string_view name) {
  return std::find(effort_choices.begin(), effort_choices.end(), name) != effort_choices.end();
}

model_config with_effort(model_config model, std::string_view effort) {
  if (!is_effort(effort))
    return model;
  if (effort == "off") {
    model.thinking = "off";
    return model;
  }
  model.effort = effort;
  if (model.thinking == "off" || model.thinking == "between_tools")
    model.thinking = "auto";
  return model;
}

std::string effort_notice(const model_config& model) {
  if (model.thinking != "off")
    return {};
  const auto& name = model.label.empty() ? model.id : model.label;
  switch (end_of_thinking(model)) {
  case thinking_end::never:
    return name + " cannot be kept from thinking; it thinks as little as it can.";
  case thinking_end::notes:
    return name + " does not think at the beginning of an answer now, but still takes short notes between tool calls.";
  case thinking_end::unknown:
    return "Nothing is known here that keeps " + name
      + " from thinking, so it thinks as it likes; extra_body of its [[model]] can hold what its server must be told.";
  case thinking_end::stops:
    break;
  }
  return {};
}

} // namespace varro
