#include "bench/anthropic_binding.hpp"
#include "bench/anthropic_rules.hpp"
#include "bench/model_names.hpp"

#include <map>

namespace varro::bench {

namespace {

const std::map<std::string, claude_thinking> kinds{{"adaptive", claude_thinking::adaptive},
                                                   {"enabled", claude_thinking::enabled},
                                                   {"disabled", claude_thinking::disabled},
                                                   {"between_tools", claude_thinking::between_tools}};

void check_budget(const json& thinking, int64_t tokens_max) {
  auto* budget = member(thinking, "budget_tokens");
  if (!budget || !budget->is_number_integer())
    refuse("thinking.enabled.budget_tokens: Field required");
  if (budget->get<int64_t>() < 1024)
    refuse("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024");
  if (budget->get<int64_t>() >= tokens_max)
    refuse("`max_tokens` must be greater than `thinking.budget_tokens`.");
}

void check_binding_field(const json& thinking, const std::string& type, std::string_view betas) {
  auto* binding = member(thinking, "block_binding");
  if (!binding)
    return;
  auto where = "thinking." + type + ".block_binding";
  bool takes = type == "adaptive" || type == "enabled";
  if (!takes || !has_beta(betas, binding_beta))
    refuse(where + ": Extra inputs are not permitted");
  if (!binding->is_object())
    refuse(where + ": Input should be a valid dictionary");
  for (auto& [key, unused] : binding->items())
    if (key != "prefix_mismatch_behavior")
      refuse(where + "." + key + ": Extra inputs are not permitted");
  auto behaviour = member_text(*binding, "prefix_mismatch_behavior");
  if (behaviour != "error" && behaviour != "drop_block")
    refuse(where + ".prefix_mismatch_behavior: Input should be 'error' or 'drop_block'");
}

void check_sampling(const json& body, const std::string& model, bool thinks) {
  for (auto* key : {"temperature", "top_p", "top_k"})
    if (auto* value = member(body, key); value && claude_fixed_sampling(model)
        && !(std::string_view{key} != "top_k" && value->is_number() && value->get<double>() == 1.0))
      refuse("`" + std::string{key} + "` is deprecated for this model.");
  if (auto* heat = member(body, "temperature"); heat && thinks && (!heat->is_number() || heat->get<double>() != 1.0))
    refuse("`temperature` may only be set to 1 when thinking is enabled.");
}

std::string effort_of(const json& body) {
  auto* config = member(body, "output_config");
  auto effort = config ? member_text(*config, "effort") : "";
  static const std::set<std::string> efforts{"low", "medium", "high", "xhigh", "max"};
  if (!effort.empty() && !efforts.contains(effort))
    refuse("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'");
  return effort;
}

} // namespace

std::string check_claude_settings(const json& body, std::string_view betas) {
  auto model = member_text(body, "model");
  if (model.empty())
    refuse("model: Field required");
  auto* most = member(body, "max_tokens");
  if (!most)
    refuse("max_tokens: Field required");
  if (!most->is_number_integer() || most->get<int64_t>() < 1)
    refuse("max_tokens: Input should be greater than or equal to 1");
  auto effort = effort_of(body);
  std::string type;
  if (auto* thinking = member(body, "thinking")) {
    type = member_text(*thinking, "type");
    auto kind = kinds.find(type);
    if (kind == kinds.end())
      refuse("thinking: Input tag found using 'type' does not match any of the expected tags: "
             "'adaptive', 'between_tools', 'disabled', 'enabled'");
    if (auto words = claude_refuses_thinking(model, kind->second, effort); !words.empty())
      refuse(words);
    check_binding_field(*thinking, type, betas);
    if (type == "enabled")
      check_budget(*thinking, most->get<int64_t>());
    static const std::set<std::string> displays{"", "summarized", "omitted", "updates"};
    if (!displays.contains(member_text(*thinking, "display")))
      refuse("thinking." + type + ".display: Input should be 'summarized', 'omitted' or 'updates'");
  }
  bool thinks = type == "enabled" || type == "adaptive";
  check_sampling(body, model, thinks);
  auto choice = member(body, "tool_choice") ? member_text(body["tool_choice"], "type") : "";
  if (choice == "any" || choice == "tool") {
    if (claude_binds_thinking(model))
      refuse("tool_choice: type \"tool\" and \"any\" are not supported for this model");
    if (thinks)
      refuse("Thinking may not be enabled when tool_choice forces tool use.");
  }
  return type;
}

} // namespace varro::bench
