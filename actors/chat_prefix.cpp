#include "actors/chat_prefix.hpp"

#include "models/vendor_json.hpp"

namespace varro {

chat_prefix prefix_of_today(const agent_config& limits, const tool_list& tools) {
  auto texts = json::array();
  for (const auto& tool : *tools)
    texts.push_back({{"name", tool.definition.name},
                     {"description", tool.definition.description},
                     {"parameters", tool.definition.parameters}});
  return {limits.instructions.empty() ? default_instructions() : limits.instructions, dump_json(texts)};
}

std::vector<tool_definition> tool_texts_of(const chat_prefix& prefix, const tool_list& tools) {
  std::vector<tool_definition> texts;
  const auto stored = parse_json(prefix.tools);
  if (!stored || !stored->is_array())
    return texts;
  for (const auto& tool : *stored) {
    auto name = text_member(tool, "name");
    if (find_tool(tools, name) != nullptr)
      texts.push_back({std::move(name), text_member(tool, "description"), member(tool, "parameters")});
  }
  return texts;
}

bool is_outdated(const chat_prefix& prefix, const agent_config& limits, const tool_list& tools) {
  const auto today = prefix_of_today(limits, tools);
  return prefix.instructions != today.instructions || prefix.tools != today.tools;
}

} // namespace varro
