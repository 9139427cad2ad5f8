// How hard a model shall think, as a person chooses it for a chat. Pure functions, any thread.
#pragma once

#include "config/config.hpp"

#include <array>
#include <string>
#include <string_view>

namespace varro {

// The choices, in order. Each vendor's wire takes the nearest that the model knows.
inline constexpr std::array<std::string_view, 7> effort_choices
  = {"off", "minimal", "low", "medium", "high", "xhigh", "max"};
bool is_effort(std::string_view name);

// The model as this choice wants it; an empty one leaves the model's own.
model_config with_effort(model_config model, std::string_view effort);

// What the user should know about a choice that this model cannot follow; empty when it can.
std::string effort_notice(const model_config& model);

} // namespace varro
