// What the vendor's list tells of a Claude wins over the table of names.
#include "models/anthropic_models.hpp"

#include <utility>

#include <doctest/doctest.h>

using namespace varro;

namespace {

model_config model_with(std::string name, std::vector<std::string> types, std::vector<std::string> efforts) {
  model_config model;
  model.kind = provider_kind::anthropic;
  model.name = std::move(name);
  model.thinking_types = std::move(types);
  model.efforts = std::move(efforts);
  return model;
}

} // namespace

TEST_CASE("a list that tells nothing leaves the table") {
  auto told = traits_of_claude(model_with("claude-sonnet-4-5", {}, {}));
  auto table = traits_of_claude("claude-sonnet-4-5");
  CHECK(told.budget_thinking == table.budget_thinking);
  CHECK(told.off == table.off);
  CHECK(told.effort_max == table.effort_max);
}

TEST_CASE("a model that the table does not know thinks, rests and tries as the list tells") {
  auto never = traits_of_claude(model_with("claude-quux-9", {"adaptive"}, {"low", "medium", "high"}));
  CHECK(never.adaptive_thinking);
  CHECK_FALSE(never.budget_thinking);
  CHECK(never.off == thinking_off::never);
  CHECK(never.effort_max == "high");
  CHECK_FALSE(never.xhigh_effort);
  auto notes = traits_of_claude(
    model_with("claude-quux-9", {"adaptive", "between_tools"}, {"low", "medium", "high", "xhigh", "max"}));
  CHECK(notes.off == thinking_off::between_tools);
  CHECK(notes.effort_max == "max");
  CHECK(notes.xhigh_effort);
  CHECK(resolve_thinking("off", notes) == thinking_mode::between_tools);
  auto silent = traits_of_claude(model_with("claude-quux-9", {"disabled"}, {}));
  CHECK(resolve_thinking("auto", silent) == thinking_mode::none);
  CHECK(resolve_effort("max", "auto", silent).empty());
}

TEST_CASE("an older model that thinks only when it is asked is still not told to stop") {
  auto old = traits_of_claude(model_with("claude-sonnet-4-5-20250929", {"enabled", "disabled"}, {}));
  CHECK(old.budget_thinking);
  CHECK_FALSE(old.adaptive_thinking);
  CHECK(resolve_thinking("off", old) == thinking_mode::none);
}
