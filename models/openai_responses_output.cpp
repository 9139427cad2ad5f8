// The whole items of a response: a body that came at once, and what ends a stream.
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/openai_responses_answer.hpp"
#include "models/openai_responses_details.hpp"
#include "models/openai_responses_items.hpp"
#include "models/vendor_json.hpp"

namespace varro::openai_responses {

void answer::add_message(const json& item) {
  const auto& content = member(item, "content");
  if (!content.is_array())
    return;
  for (const auto& piece : content) {
    if (text_member(piece, "type") == "refusal") {
      refused_ = true;
      refusal_ = text_member(piece, "refusal");
      continue;
    }
    text_part part;
    part.content = text_member(piece, "text");
    if (auto id = text_member(item, "id"); !id.empty())
      part.id = std::move(id);
    part.provider_name = provider_;
    if (const auto& logprobs = member(piece, "logprobs"); is_filled_list(logprobs))
      set_detail(part.provider_details, "logprobs", logprobs_of(logprobs, true));
    if (auto phase = text_member(item, "phase"); !phase.empty())
      set_detail(part.provider_details, "phase", std::move(phase));
    put("whole " + std::to_string(slots_.size()), std::move(part));
  }
}

// All parts of one item have its id; what is needed once stands in the first.
void answer::add_reasoning(const json& item) {
  auto signature = text_member(item, "encrypted_content");
  json raw = json::array();
  if (const auto& content = member(item, "content"); content.is_array())
    for (const auto& piece : content)
      raw.push_back(text_member(piece, "text"));
  std::vector<std::string> texts;
  if (const auto& summary = member(item, "summary"); summary.is_array())
    for (const auto& piece : summary)
      texts.push_back(text_member(piece, "text"));
  if (texts.empty() && (!signature.empty() || !raw.empty()))
    texts.emplace_back();
  for (auto& text : texts) {
    thinking_part part;
    part.content = std::move(text);
    if (auto id = text_member(item, "id"); !id.empty())
      part.id = std::move(id);
    if (!signature.empty())
      part.signature = std::exchange(signature, {});
    part.provider_name = provider_;
    if (!raw.empty())
      set_detail(part.provider_details, "raw_content", std::exchange(raw, json::array()));
    put("whole " + std::to_string(slots_.size()), std::move(part));
  }
}

void answer::add_function_call(const json& item, const std::string& key) {
  tool_call_part part;
  part.tool_name = text_member(item, "name");
  const auto& arguments = member(item, "arguments");
  part.args = arguments.is_structured() ? json(dump_json(arguments)) : json(text_member(item, "arguments"));
  part.tool_call_id = text_member(item, "call_id");
  if (part.tool_call_id.empty())
    part.tool_call_id = make_tool_call_id();
  if (auto id = text_member(item, "id"); !id.empty())
    part.id = std::move(id);
  part.provider_name = provider_;
  if (auto space = text_member(item, "namespace"); !space.empty())
    set_detail(part.provider_details, "namespace", std::move(space));
  put(key, std::move(part));
}

void answer::add_whole(const json& item, const json& outputs) {
  const auto type = text_member(item, "type");
  if (type == "message")
    return add_message(item);
  if (type == "reasoning")
    return add_reasoning(item);
  if (type == "function_call")
    return add_function_call(item, "whole " + std::to_string(slots_.size()));
  if (!is_vendor_item(type))
    return;
  json output = nullptr;
  if (type == "tool_search_call")
    for (const auto& other : outputs)
      if (text_member(other, "type") == "tool_search_output"
          && text_member(other, "call_id") == text_member(item, "call_id"))
        output = other;
  auto made = parts_of_item(item, provider_, false, output);
  const auto add = [this](response_part part) { put("whole " + std::to_string(slots_.size()), std::move(part)); };
  if (made.call)
    add(std::move(*made.call));
  for (auto& file : made.files)
    add(std::move(file));
  if (made.result)
    add(std::move(*made.result));
}

bool answer::add_output(const json& output) {
  if (output.is_array())
    for (const auto& item : output)
      if (!overflow_)
        add_whole(item, output);
  return !overflow_;
}

// Servers that stream nothing but the end send everything in it; others leave out what a list of MCP tools held.
bool answer::complete_with(const json& output) {
  if (!has_content())
    return add_output(output);
  if (output.is_array())
    for (const auto& item : output)
      if (const auto key = text_member(item, "id");
          text_member(item, "type") == "mcp_list_tools" && !by_key_.count(key + "-return") && items_.count(key))
        end_vendor_item(item, key);
  return !overflow_;
}

} // namespace varro::openai_responses
